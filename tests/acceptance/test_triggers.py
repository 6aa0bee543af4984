"""What starts runs: people, the clock, commits and webhooks. One cause starts one run."""

import hmac
import json
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from floe.cli.client import Client
from tests.acceptance.conftest import HostOf
from tests.acceptance.dashboard import CHROMIUM, CHROMIUM_FLAGS
from tests.acceptance.people import floe, hosted, ledger, runs, said
from tests.acceptance.product import TOKEN, Host, until
from tests.integration.gits import Repository

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

TASKS = """
    tasks:
      - {name: show, type: exec, listen: trigger.good, opts: {shell: 'cat "$FLOE_INPUT"'}}
      - {name: done, type: end, listen: task.show.good}
"""


def shown(host: Host, run: str) -> Any:
    """What a run of these flows found in `$FLOE_INPUT`."""
    over = host.until_over(run)
    assert over["good"], over["why"]
    return json.loads(host.output(run, "show"))


# --- people ---

ASKED = f"""
flows:
  - name: asked
    triggers:
      - name: start
        type: data
        opts: {{form: {{fields: [{{id: to-whom}}, {{id: often, type: number, value: 2}}]}}}}
      - {{name: other, type: data}}
{TASKS}
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with hosted(tmp_path_factory.mktemp("asked"), ASKED) as host:
        yield host


def test_run_is_started_by_api_and_by_command_alike(asked: Host) -> None:
    by_api = asked.trigger("asked", **{"to-whom": "Ada; rm -rf $HOME"})
    by_cli = said(floe(asked, "trigger", "asked", "-d", "to-whom=Ada; rm -rf $HOME")).strip()

    assert shown(asked, by_api) == {"to-whom": "Ada; rm -rf $HOME", "often": 2}
    assert shown(asked, by_cli) == shown(asked, by_api)


def test_one_trigger_of_several_is_named(asked: Host) -> None:
    run = said(floe(asked, "trigger", "asked@1", "--trigger", "other")).strip()

    assert shown(asked, run) == {}
    assert asked.show(run)["trigger"] == "other"


def test_requests_with_one_key_at_once_start_one_run(asked: Host) -> None:
    body = {"ref": {"id": "asked"}, "form": {"id": "other"}}

    def start(_: int) -> str:
        client = Client(asked.api.at)
        try:
            return str(client.post("push/data", body, "one-key")["run"])
        finally:
            client.close()

    before = len(runs(asked, "asked"))
    with ThreadPoolExecutor(8) as pool:
        started = set(pool.map(start, range(24)))
    by_cli = said(floe(asked, "trigger", "asked", "--trigger", "other", "--once", "one-key"))

    assert started == {by_cli.strip()}
    assert len(runs(asked, "asked")) == before + 1


def test_key_is_known_after_the_host_was_killed(asked: Host) -> None:
    first = asked.trigger("asked", "another-key", **{"to-whom": "Ada"})

    asked.kill()
    asked.start()

    assert asked.trigger("asked", "another-key", **{"to-whom": "Ada"}) == first


# --- the clock ---

TICKING = f"""
flows:
  - name: ticking
    triggers: [{{name: tick, type: timer, opts: {{period: 1}}}}]
{TASKS}
  - name: minutely
    triggers: [{{name: tick, type: timer, opts: {{cron: '* * * * *'}}}}]
{TASKS}
  - name: mornings
    triggers:
      - name: tick
        type: timer
        opts: {{cron: '30 6 * * mon-fri', timezone: Europe/London}}
{TASKS}
"""


LATE_S = 30
"""How late a busy host may be with what is due."""

WEEKEND_S = (3 * 24 + 1) * 3600
"""The longest time between two of these mornings: the clocks go back on a Sunday."""


def wait_for_ticks(count: int) -> None:
    """Let so many due instants of `ticking` pass."""
    last = int(time.time()) + count
    until(lambda: time.time() >= last, "the clock")


def wait_for_run(host: Host, count: int) -> None:
    """Wait until `ticking` has so many runs."""
    until(lambda: len(runs(host, "ticking")) >= count, f"run {count}")


@contextmanager
def flow_page(host: Host, flow: str) -> Iterator[Page]:
    """The page of a flow in the dashboard."""
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, CHROMIUM)))
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        page = browser.new_page()
        page.goto(f"http://{host.address}/app/dash")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("link", name="Flows").first).to_be_visible()
        page.goto(f"http://{host.address}/app/dash/flows/{flow}")
        yield page
        browser.close()


def test_each_due_instant_starts_one_run_or_is_recorded_as_missed(host_of: HostOf) -> None:
    host = host_of(TICKING)
    wait_for_run(host, 1)
    host.stop()
    before = len([run for run, _ in host.stored() if run.flow_id == "ticking"])
    first, earlier = ledger(host, "mark")["ticking@1/tick"], ledger(host, "missed")

    for end in (Host.kill, Host.stop):
        wait_for_ticks(2)
        host.start()
        wait_for_run(host, len(runs(host, "ticking")) + 1)
        end(host)

    after = len([run for run, _ in host.stored() if run.flow_id == "ticking"])
    last, rows = ledger(host, "mark")["ticking@1/tick"], ledger(host, "missed")
    new = rows.keys() - earlier.keys()
    missed = [rows[key] for key in new if key.startswith("ticking@")]  # a minute may begin, too
    absent = [row for row in missed if row["reason"] == "no host was running"]
    assert len(absent) == 2
    assert all(row["count"] >= 2 for row in absent)
    assert all(row["to"] - row["from"] == (row["count"] - 1) * 1000 for row in missed)
    assert after - before + sum(row["count"] for row in missed) == (last - first) / 1000


def test_timer_is_pulled_by_hand(host_of: HostOf) -> None:
    host = host_of(TICKING)

    run = said(floe(host, "trigger", "mornings")).strip()

    assert shown(host, run) == {}
    about = host.show(run)
    assert (about["trigger"], about["by"], about["by_hand"]) == ("tick", "admin", True)
    assert "by admin, by hand (tick)" in floe(host, "show", run).stdout
    refused = floe(host, "trigger", "mornings", "-d", "branch=main")
    assert "branch: the form has no such field" in refused.stderr


def test_timer_is_pulled_by_hand_on_the_page_of_its_flow(host_of: HostOf) -> None:
    with flow_page(host_of(TICKING), "mornings") as page:
        page.get_by_role("button", name="Run now").click()

        page.wait_for_url(re.compile(r"/runs/h1-\d+"))
        expect(page.get_by_text("by admin, by hand")).to_be_visible()


def test_flow_shows_when_its_timer_is_due_next(host_of: HostOf) -> None:
    host = host_of(TICKING)
    before = time.time()

    minutely, mornings = (
        datetime.fromisoformat(host.api.get(f"flows/{flow}")["triggers"][0]["next_due"])
        for flow in ("minutely", "mornings")
    )

    after = time.time()
    assert before - LATE_S < minutely.timestamp() <= after + 60
    assert minutely.timestamp() % 60 == 0
    london = mornings.astimezone(ZoneInfo("Europe/London"))
    assert (london.hour, london.minute, london.weekday() < 5) == (6, 30, True)
    assert before - LATE_S < mornings.timestamp() <= after + WEEKEND_S


# --- commits ---

WATCHED = f"""
flows:
  - name: watched
    triggers:
      - name: commits
        type: poll-git
        opts:
          url: file://$HERE/bare.git
          period: 1
          refs: refs/heads/*
          exclude-refs: refs/heads/(wip|tmp)-.*
{TASKS}
"""


@pytest.fixture
def work(tmp_path: Path) -> Repository:
    """Somebody's clone of the repository that is watched."""
    work = Repository(tmp_path / "work")
    work.commit(a_txt="1")
    work.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    work.git("remote", "add", "origin", str(tmp_path / "bare.git"))
    return work


def wait_for_poll(host: Host) -> None:
    """Wait until a poll that began after this is over."""

    def due() -> str:
        return str(host.api.get("flows/watched")["triggers"][0]["next_due"])

    for _ in range(2):  # the first may have looked already
        before = due()
        until(lambda: due() != before, "a poll")  # noqa: B023 - called here and now


def heads(host: Host, count: int) -> list[tuple[str, str]]:
    """Branch and commit of each run, once there are so many."""
    until(lambda: len(runs(host, "watched")) >= count, f"run {count}")
    found = [host.show(run["id"])["values"] for run in runs(host, "watched")]
    return [(values["branch"], values["hash"]) for values in found]


def test_commit_on_a_ref_starts_one_run_whatever_restarts(
    host_of: HostOf, work: Repository
) -> None:
    host = host_of(WATCHED)
    wait_for_poll(host)
    assert runs(host, "watched") == []  # the first look only notes what is there

    second = work.commit(a_txt="2")
    work.git("push", "--quiet", "origin", "main")
    assert heads(host, 1) == [("main", second)]

    work.commit(a_txt="3")
    tip = work.commit(a_txt="4")
    host.kill()
    work.git("push", "--quiet", "origin", "main", "main:release")
    host.start()
    assert sorted(heads(host, 3)[1:]) == [("main", tip), ("release", tip)]

    work.git("push", "--quiet", "origin", "main:wip-1", ":release")
    wait_for_poll(host)
    host.kill()
    host.start()
    wait_for_poll(host)
    assert len(runs(host, "watched")) == 3

    work.git("push", "--quiet", "origin", "main:release")  # it is new again
    assert heads(host, 4)[3:] == [("release", tip)]
    first = runs(host, "watched")[0]["id"]
    assert shown(host, first) == {
        "url": f"file://{host.folder}/bare.git",
        "ref": "refs/heads/main",
        "branch": "main",
        "hash": second,
    }


def test_poll_is_pulled_by_hand_with_the_newest_commit(host_of: HostOf, work: Repository) -> None:
    bare, tip = work.folder.with_name("bare.git"), work.commit(a_txt="2")
    work.git("push", "--quiet", "origin", "main", "main:release", "main:wip-1")
    host = host_of(WATCHED)
    release = {
        "url": f"file://{bare}",
        "ref": "refs/heads/release",
        "branch": "release",
        "hash": tip,
    }

    of_main = said(floe(host, "trigger", "watched")).strip()
    of_release = said(floe(host, "trigger", "watched", "-d", "branch=release")).strip()
    of_commit = said(floe(host, "trigger", "watched", "-d", "hash=4b825dc6")).strip()
    unknown = floe(host, "trigger", "watched", "-d", "branch=releases")

    assert shown(host, of_main) == release | {"ref": "refs/heads/main", "branch": "main"}
    assert shown(host, of_release) == release
    assert shown(host, of_commit) == {"url": f"file://{bare}", "hash": "4b825dc6"}
    assert "branch: the repository has no such branch or tag; it has main, release" in (
        unknown.stderr
    )


def problem(host: Host) -> str:
    """What is wrong with the poll."""
    return str(host.api.get("flows/watched")["triggers"][0]["problem"])


def test_poll_that_fails_is_shown_until_it_works(host_of: HostOf, work: Repository) -> None:
    bare = work.folder.with_name("bare.git")
    bare.rename(bare.with_suffix(".away"))
    host = host_of(WATCHED)

    until(lambda: problem(host), "a poll that fails")

    assert "bare.git" in problem(host)
    assert f"watched/commits: warning: {problem(host)}" in floe(host, "flows").stderr
    with flow_page(host, "watched") as page:
        expect(page.get_by_text(problem(host))).to_be_visible()

    bare.with_suffix(".away").rename(bare)
    until(lambda: not problem(host), "a poll that works")


# --- webhooks ---

SECRET = "s3cret"
HOOKED = f"""
flows:
  - name: hooked
    triggers:
      - {{name: by-env, type: push, opts: {{secret: $PUSH_SECRET, branch: main}}}}
      - {{name: by-file, type: git-push, opts: {{secret: '@$HERE/secret'}}}}
      - {{name: unset, type: push, opts: {{secret: $NO_SUCH_SECRET}}}}
      - {{name: none, type: push}}
{TASKS}
"""


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("hooked")
    (folder / "secret").write_text(SECRET + "\n")
    with hosted(folder, HOOKED, {"PUSH_SECRET": SECRET}) as host:
        yield host


def push(
    host: Host, trigger: str, body: bytes, by: str, delivery: str, secret: str = SECRET
) -> tuple[int, Mapping[str, Any]]:
    """Deliver a webhook; status and answer. `by` is GitHub's or floe's spelling of headers."""
    names = {"GitHub": ("X-Hub-Signature-256", "X-GitHub-Delivery")}
    signature, id = names.get(by, ("X-Floe-Signature-256", "X-Floe-Delivery"))
    signed = "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()
    request = urllib.request.Request(
        f"http://{host.address}/build/api/push/hooked/{trigger}",
        data=body,
        headers={signature: signed, id: delivery, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize("trigger", ["by-env", "by-file"])
@pytest.mark.parametrize("by", ["GitHub", "floe"])
def test_delivery_starts_one_run_that_sees_its_body(hooked: Host, trigger: str, by: str) -> None:
    body = b'{"after": "4b825dc6", "commits": [{"message": "$(reboot) \xc3\xa9"}]}'
    before = len(runs(hooked, "hooked"))

    first = push(hooked, trigger, body, by, f"{trigger}-{by}")
    again = push(hooked, trigger, body, by, f"{trigger}-{by}")

    assert (first[0], again[0]) == (202, 200)
    assert first[1]["run"] == again[1]["run"]
    assert len(runs(hooked, "hooked")) == before + 1
    assert shown(hooked, first[1]["run"])["push"] == json.loads(body)
    assert hooked.show(first[1]["run"])["by"] == f"trigger:{trigger}"


def test_delivery_is_known_after_the_host_was_killed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    with hosted(tmp_path, HOOKED) as host:
        _, first = push(host, "by-file", b"plain text", "floe", "d-1")
        host.kill()
        host.start()

        status, again = push(host, "by-file", b"plain text", "floe", "d-1")

        assert (status, again["run"]) == (200, first["run"])
        assert shown(host, first["run"]) == {"push": "plain text"}


def test_values_of_a_push_trigger_ride_along(hooked: Host) -> None:
    _, answer = push(hooked, "by-env", b"{}", "GitHub", "rides")

    assert shown(hooked, answer["run"]) == {"branch": "main", "push": {}}


@pytest.mark.parametrize(
    ("trigger", "secret", "status"),
    [
        ("by-env", "guessed", 401),
        ("by-file", "", 401),
        ("no-such-trigger", SECRET, 401),
        ("unset", SECRET, 403),
        ("unset", "", 403),
        ("none", "", 403),
    ],
)
def test_push_without_the_right_secret_starts_nothing(
    hooked: Host, trigger: str, secret: str, status: int
) -> None:
    before = len(runs(hooked, "hooked"))

    answer = push(hooked, trigger, b"{}", "GitHub", "forged", secret)

    assert answer[0] == status
    assert len(runs(hooked, "hooked")) == before


def test_trigger_without_a_secret_is_warned_of(hooked: Host) -> None:
    assert "secret" in floe(hooked, "flows").stderr


def test_webhook_is_pulled_by_hand(hooked: Host) -> None:
    values = ("-d", "hash=4b825dc6", "-d", 'push={"number": 7}')

    run = said(floe(hooked, "trigger", "hooked", "--trigger", "by-env", *values)).strip()

    assert shown(hooked, run) == {"branch": "main", "hash": "4b825dc6", "push": {"number": 7}}
    assert hooked.show(run)["by_hand"]
