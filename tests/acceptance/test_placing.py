"""When a run may begin on a host: tags, resources, workspaces; and what it says while it waits."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from floe.cli.client import Client
from tests.acceptance.conftest import HostOf
from tests.acceptance.people import floe, hosted, runs, said, why
from tests.acceptance.product import Host, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

STAMPED = """
    env: ['HERE=$HERE']
    triggers: [{name: start, type: data}]
    tasks:
      - name: work
        type: exec
        listen: trigger.good
        opts:
          shell: |
            begun=$(date +%s%N)
            sleep 0.02
            echo x >> runs
            echo "$FLOE_RUN $begun $(date +%s%N) $FLOE_FENCE $(wc -l < runs)" >> "$HERE/stamps"
"""
HELD = """
    env: ['HERE=$HERE']
    triggers: [{name: start, type: data}]
    tasks:
      - name: work
        type: exec
        listen: trigger.good
        opts: {shell: 'until [ -e "$HERE/go" ]; do sleep 0.02; done; echo "$FLOE_FENCE"'}
"""
CONFIG = f"""
flows:
  - name: nic-a
    resource-tags: [nic]
{STAMPED}
  - name: nic-b
    resource-tags: [db, nic]
{STAMPED}
  - name: gpu-a
    resource-tags: ['host:gpu']
{STAMPED}
  - name: gpu-b
    resource-tags: ['host:gpu']
{STAMPED}
  - name: one-space
    reuse-space: true
{STAMPED}
  - name: free
{STAMPED}
  - name: holder
    resource-tags: [staging, 'host:port']
{HELD}
  - name: rival
    resource-tags: [staging]
{HELD}
  - name: neighbour
    resource-tags: ['host:port']
{HELD}
  - name: alone
    reuse-space: true
{HELD}
  - name: elsewhere
    host-tags: [master, arm64, gpu]
{STAMPED}
"""


class Stamp(NamedTuple):
    """What a command wrote about itself; instants in ns of one clock."""

    run: str
    begun: int
    ended: int
    fence: str
    runs: int
    """How many commands have worked in its workspace, with itself."""


def stamps(host: Host) -> list[Stamp]:
    """What commands wrote, in the order in which they began."""
    lines = [line.split(" ") for line in (host.folder / "stamps").read_text().splitlines()]
    found = [Stamp(run, int(a), int(b), fence, int(count)) for run, a, b, fence, count in lines]
    return sorted(found, key=lambda stamp: stamp.begun)


def overlaps(found: list[Stamp]) -> list[tuple[str, str]]:
    """Runs of which one began before the other had ended."""
    return [(a.run, b.run) for a, b in pairwise(found) if b.begun < a.ended]


def fences(found: list[Stamp], tag: str) -> list[tuple[int, int]]:
    """Term and counter that each run was given with a tag."""
    texts = [dict(part.split("=") for part in s.fence.split(","))[tag] for s in found]
    return [(int(term), int(counter)) for term, counter in (text.split(".") for text in texts)]


@pytest.fixture
def host(host_of: HostOf) -> Host:
    return host_of(CONFIG)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host for tests that leave nothing running."""
    with hosted(tmp_path_factory.mktemp("shared"), CONFIG) as host:
        yield host


def start_at_once(host: Host, *names: str) -> list[str]:
    """Start runs of flows as several clients at a time; their ids."""

    def start(name: str) -> str:
        client = Client(host.api.at)
        try:
            return str(client.post("push/data", {"ref": {"id": name}})["run"])
        finally:
            client.close()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(start, names))


# --- tags of the host ---


def test_run_whose_tags_no_host_has_names_which_and_can_be_cancelled(shared: Host) -> None:
    run = shared.trigger("elsewhere")

    waits = why(shared, run)
    by_command = said(floe(shared, "why", run))
    said(floe(shared, "cancel", run))
    over = shared.until_over(run)

    assert waits.startswith("waits for a host: h1 lacks the tags arm64, gpu (it has ")
    assert "h1" in by_command
    assert "lacks the tags arm64, gpu" in by_command
    assert (over["good"], over["started_at"]) == (False, None)
    assert "RunActivated" not in shared.events(run)


def test_run_that_waited_for_tags_begins_when_a_host_has_them(host: Host) -> None:
    run = host.trigger("elsewhere")
    host.stop()

    host.start(env={"FLOE_TAGS": "master,gpu,arm64"})

    assert host.until_over(run)["good"]


# --- resources ---


@pytest.mark.parametrize(
    ("a", "b", "tag"), [("nic-a", "nic-b", "nic"), ("gpu-a", "gpu-b", "host:gpu")]
)
def test_runs_that_share_a_resource_never_overlap(host: Host, a: str, b: str, tag: str) -> None:
    started = start_at_once(host, *[a, b] * 4)
    for run in started[:4]:
        host.until_over(run)
    host.kill()
    host.start()
    started += start_at_once(host, *[a, b] * 2)

    over = [host.until_over(run) for run in started]

    assert all(run["good"] for run in over)
    found = stamps(host)
    assert sorted(s.run for s in found) == sorted(started)
    assert overlaps(found) == []
    given = fences(found, tag)
    assert given == sorted(set(given))  # each later one is higher, also after the restart


def test_run_that_shares_nothing_goes_on_meanwhile(host: Host) -> None:
    holder, rival = host.trigger("holder"), host.trigger("rival")
    neighbour, second = host.trigger("neighbour"), host.trigger("holder")
    host.until_node(holder, "work", "running")

    free = host.until_over(host.trigger("free"))

    assert free["good"]
    assert (
        why(host, rival) == f"waits for a host: h1 cannot use resource staging ({holder} holds it)"
    )
    assert f"cannot use resource host:port ({holder} holds it)" in why(host, neighbour)
    both = " and ".join(
        f"cannot use resource {tag} ({holder} holds it)" for tag in ("staging", "host:port")
    )
    assert both in why(host, second)
    (host.folder / "go").touch()
    assert [host.until_over(run)["good"] for run in (holder, rival, neighbour, second)] == [
        True
    ] * 4


def test_run_that_waits_for_a_resource_is_cancelled_and_holds_up_nobody(host: Host) -> None:
    holder, rival, third = (host.trigger(name) for name in ("holder", "rival", "rival"))
    host.until_node(holder, "work", "running")

    host.cancel(rival)
    over = host.until_over(rival)
    (host.folder / "go").touch()

    assert (over["good"], over["started_at"]) == (False, None)
    assert host.until_over(third)["good"]


def test_resource_is_free_when_its_holder_was_cancelled(host: Host) -> None:
    holder, rival = host.trigger("holder"), host.trigger("rival")
    host.until_node(holder, "work", "running")

    host.cancel(holder)
    host.until_node(rival, "work", "running")

    assert host.show(holder)["state"] == "archive"
    assert host.show(holder)["ended_at"] <= host.show(rival)["started_at"]


# --- one workspace ---


def test_runs_in_one_workspace_follow_one_another_and_find_it_as_it_was(shared: Host) -> None:
    started = start_at_once(shared, *["one-space"] * 5)

    over = [shared.until_over(run) for run in started]

    assert all(run["good"] for run in over)
    assert len({run["workspace"] for run in over}) == 1
    found = [s for s in stamps(shared) if s.run in started]
    assert overlaps(found) == []
    assert [s.runs for s in found] == [1, 2, 3, 4, 5]


def test_run_waits_for_the_one_workspace_and_why_reports_it(host: Host) -> None:
    first, second = host.trigger("alone"), host.trigger("alone")
    host.until_node(first, "work", "running")

    waits = why(host, second)
    (host.folder / "go").touch()

    assert (
        waits
        == f"waits for a host: h1 cannot use the one workspace of flow alone ({first} uses it)"
    )
    assert host.until_over(second)["good"]


def test_runs_of_other_flows_have_workspaces_of_their_own(shared: Host) -> None:
    started = start_at_once(shared, *["free"] * 4)

    spaces = {Path(shared.until_over(run)["workspace"]) for run in started}

    assert len(spaces) == 4
    assert [s.runs for s in stamps(shared) if s.run in started] == [1] * 4


# --- many ---


def test_two_hundred_runs_at_once_finish(shared: Host) -> None:
    started = start_at_once(shared, *["free"] * 200)

    until(lambda: not shared.api.get("runs", state="pending,active")["runs"], "the end of all")

    ended = {run["id"]: run["good"] for run in runs(shared, "free")}
    assert len(set(started)) == 200
    assert all(ended[run] for run in started)
    assert sorted(s.run for s in stamps(shared) if s.run in set(started)) == sorted(started)
