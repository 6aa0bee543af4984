"""A wall clock that is set, for a moment or for ever: nothing comes early, late, twice or never."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.faked import FakedClock
from tests.acceptance.people import hosted, runs
from tests.acceptance.product import FLOE, Host, until
from tests.integration.gits import Repository

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

YEAR_S = 365 * 24 * 3600
WAIT_S = 4

CONFIG = f"""
flows:
  - name: waits
    triggers: [{{name: start, type: data}}]
    tasks:
      - {{name: wait, type: timer, listen: trigger.good, opts: {{period: {WAIT_S}}}}}
      - name: again
        type: exec
        listen: trigger.good
        retry: {{max: 1, backoff: {WAIT_S}s}}
        opts: {{shell: 'test -e tried || {{ touch tried; false; }}'}}
      - {{name: ask, type: data, listen: trigger.good, timeout: {WAIT_S}s, opts: {{form: {{}}}}}}
      - {{name: slow, type: exec, listen: trigger.good, timeout: {WAIT_S}s, opts: {{cmd: sleep 9}}}}
      - {{name: rest, type: exec, listen: task.wait.good, opts: {{cmd: 'true'}}}}
      - {{name: unanswered, type: exec, listen: task.ask.error, opts: {{cmd: 'true'}}}}
      - {{name: stopped, type: exec, listen: task.slow.error, opts: {{cmd: 'true'}}}}
  - name: limited
    timeout: {WAIT_S}s
    triggers: [{{name: start, type: data}}]
    tasks: [{{name: hang, type: exec, listen: trigger.good, opts: {{cmd: sleep 60}}}}]
  - name: ticking
    triggers: [{{name: tick, type: timer, opts: {{period: 1}}}}]
    tasks: [{{name: a, type: exec, listen: trigger.good, opts: {{cmd: 'true'}}}}]
  - name: watched
    triggers: [{{name: commits, type: poll-git, opts: {{url: 'file://$HERE/work', period: 1}}}}]
    tasks: [{{name: a, type: exec, listen: trigger.good, opts: {{cmd: 'true'}}}}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clocks")


@pytest.fixture(scope="module")
def clock(folder: Path) -> FakedClock:
    return FakedClock(folder)


@pytest.fixture(scope="module")
def work(folder: Path) -> Repository:
    work = Repository(folder / "work")
    work.commit(a_txt="1")
    return work


@pytest.fixture(scope="module")
def host(folder: Path, clock: FakedClock, work: Repository) -> Iterator[Host]:
    with hosted(folder, CONFIG, clock.env, FLOE) as host:
        polled(host)
        ticks(host, 1)
        yield host


def polled(host: Host) -> None:
    """Wait until the poll has looked."""
    due = host.api.get("flows/watched")["triggers"][0]["next_due"]
    until(lambda: host.api.get("flows/watched")["triggers"][0]["next_due"] != due, "a poll")


def ticks(host: Host, more: int) -> None:
    """Wait for so many further ticks."""
    before = len(runs(host, "ticking"))
    until(lambda: len(runs(host, "ticking")) >= before + more, "further ticks")


def believed(host: Host) -> int:
    """How often the host has believed a clock that was set."""
    return host.log.read_text().count('"clock.set"')


def ended(host: Host, run: str, since: float) -> float:
    """Seconds until a run was over, by a clock that nobody sets."""
    host.until_over(run)
    return time.monotonic() - since


def year(host: Host) -> int:
    """In which the newest run was started, as the host has it."""
    return int(str(runs(host, "ticking")[-1]["pended_at"])[:4])


@pytest.mark.parametrize("by_s", [YEAR_S, -YEAR_S, 5], ids=["year-ahead", "year-back", "5s-ahead"])
def test_jump_for_a_moment_makes_nothing_early_late_or_never(
    host: Host, clock: FakedClock, work: Repository, by_s: int
) -> None:
    before, this_year, since = len(runs(host, "watched")), year(host), time.monotonic()
    waits, limited = host.trigger("waits"), host.trigger("limited")

    clock.set(by_s)
    pushed = work.commit(a_txt=str(since))
    took = [ended(host, run, since) for run in (waits, limited)]
    until(lambda: len(runs(host, "watched")) > before, "the run of a push")
    ticks(host, 2)
    clock.set(0)
    ticks(host, 2)

    assert min(took) >= WAIT_S
    assert host.node(waits, "again")["attempt"] == 2
    assert [host.node(waits, node)["state"] for node in ("ask", "slow")] == ["error", "error"]
    assert "time limit" in host.show(limited)["why"]
    assert host.show(runs(host, "watched")[before]["id"])["values"]["hash"] == pushed
    assert (len(runs(host, "watched")), year(host)) == (before + 1, this_year)


def test_clock_that_is_set_and_set_right_moves_nothing_that_was_due(
    host: Host, clock: FakedClock, work: Repository
) -> None:
    took = []
    for by_s in (YEAR_S, 0):
        since, before = time.monotonic(), believed(host)
        run = host.trigger("waits")
        clock.set(by_s)
        took.append(ended(host, run, since))
        until(lambda n=before: believed(host) > n, "a clock that is believed")  # type: ignore[misc]
        since = time.monotonic()
        took.append(ended(host, host.trigger("limited"), since))
        pushes = len(runs(host, "watched"))
        work.commit(a_txt=str(since))
        until(lambda n=pushes: len(runs(host, "watched")) > n, "the run of a push")  # type: ignore[misc]
        ticks(host, 2)
    [own] = host.api.get("hosts")["hosts"]

    assert min(took) >= WAIT_S
    assert any("its clock was set" in problem for problem in own["problems"])


def test_restart_while_the_clock_is_wrong_for_a_moment_makes_nothing_early(
    host: Host, clock: FakedClock
) -> None:
    since = time.monotonic()
    run = host.trigger("waits")
    clock.set(YEAR_S)

    host.kill()
    host.start(FLOE, clock.env)
    ready = host.api.get("readyz")
    took = ended(host, run, since)
    clock.set(0)

    assert took >= WAIT_S
    assert "31536000 s ahead" in ready["why"]
