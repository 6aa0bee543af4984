"""How many runs of a flow are active at once: on one host, and on two with a keeper."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.conftest import HostOf
from tests.acceptance.people import floe, said, why
from tests.acceptance.product import Host, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

HELD = """
    env: ['HERE=$HERE']
    triggers:
      - {name: start, type: data, opts: {form: {fields: [{id: branch, value: main}]}}}
    tasks:
      - name: hold
        type: exec
        listen: trigger.good
        opts:
          shell: 'echo "fence $FLOE_FENCE"; until [ -e "$HERE/go-$FLOE_RUN" ]; do sleep 0.02; done'
      - {name: done, type: end, listen: task.hold.good}
"""
FLOWS = f"""
  - name: queued
    max-runs: {{limit: 1, per: '{{{{ values.branch }}}}'}}
{HELD}
  - name: skipping
    max-runs: {{limit: 1, when-full: skip}}
{HELD}
  - name: newest
    max-runs: {{limit: 1, per: '{{{{ values.branch }}}}', when-full: cancel-older}}
{HELD}
"""


def let(folder: Path, run: str) -> None:
    """Let a run end."""
    (folder / f"go-{run}").touch()


def over(host: Host, run: str) -> tuple[str, str]:
    """The result of a run that is over, and its reason."""
    at = host.until_over(run)
    return str(at["result"]), str(at["why"])


def test_limit_holds_on_one_host_over_its_death(host_of: HostOf) -> None:
    host = host_of(f"flows:{FLOWS}")
    first, second = host.trigger("queued"), host.trigger("queued")
    other = host.trigger("queued", branch="b")
    for run in (first, other):
        host.until_node(run, "hold", "running")

    host.kill()
    host.start()
    waits = why(host, second)
    again = host.trigger("queued")
    let(host.folder, first)
    ended = over(host, first)
    host.until_node(second, "hold", "running")
    last = why(host, again)
    for run in (second, other, again):
        let(host.folder, run)

    assert waits == f"waits for {first}, which still runs (max-runs 1)"
    assert ended[0] == "good"
    assert last == f"waits for {second}, which still runs (max-runs 1)"
    assert [over(host, run)[0] for run in (second, other, again)] == ["good"] * 3
    assert host.output(first, "hold") == b"fence \n"  # a place of a group fences nothing


def test_skipped_run_is_listed_with_its_reason(host_of: HostOf) -> None:
    host = host_of(f"flows:{FLOWS}")
    first = host.trigger("skipping")
    host.until_node(first, "hold", "running")

    waited = floe(host, "trigger", "skipping", "--wait")
    second = waited.stdout.split()[0]
    let(host.folder, first)
    host.until_over(first)
    third = host.rerun(first)
    let(host.folder, third)

    reason = f"skipped: {first} of this flow is still running (max-runs 1)"
    assert waited.returncode == 1
    assert over(host, second) == ("cancelled", reason)
    assert reason in said(floe(host, "runs", "--flow", "skipping"))
    assert over(host, third)[0] == "good"


def test_re_run_cancels_the_older_run(host_of: HostOf) -> None:
    host = host_of(f"flows:{FLOWS}")
    first = host.trigger("newest")
    let(host.folder, first)
    host.until_over(first)
    second = host.trigger("newest")
    host.until_node(second, "hold", "running")

    third = host.rerun(first)

    assert over(host, second) == (
        "cancelled",
        f"cancelled by max-runs: {third} of this flow is newer",
    )
    host.until_node(third, "hold", "running")
    let(host.folder, third)
    assert over(host, third)[0] == "good"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("max-runs") / "all"
    flows = FLOWS.replace("name: queued", "name: queued\n    host-tags: [west]")
    tags = {"h1": "east", "h2": "west"}
    with clustered(folder, flows, tags, keeper="h1") as (cluster, _):
        yield cluster


def until_running(host: Host, run: str) -> None:
    host.until_node(run, "hold", "running")


def test_limit_holds_for_the_runs_of_both_hosts(cluster: Cluster) -> None:
    h1, h2 = cluster["h1"], cluster["h2"]
    first = h2.trigger("queued")
    until_running(h2, first)
    second = h1.trigger("queued")
    expected = f"waits for {first}, which still runs (max-runs 1)"
    until(lambda: why(h1, second).startswith(expected), "why the second waits")
    leases = [(one["tag"], one["run"]) for one in h1.api.get("leases")["leases"]]

    h1.kill()  # the keeper
    let(cluster.folder, first)
    h2.until_over(first)
    h1.start()
    until_running(h1, second)
    let(cluster.folder, second)

    assert leases == [("max-runs queued/main", first)]
    assert over(h1, first)[0] == "good"
    assert over(h1, second)[0] == "good"


def test_run_is_skipped_because_of_a_run_of_the_other_host(cluster: Cluster) -> None:
    h1, h2 = cluster["h1"], cluster["h2"]
    first = h1.trigger("skipping")
    until_running(h1, first)

    second = h2.trigger("skipping")

    reason = f"skipped: {first} of this flow is still running (max-runs 1)"
    assert over(h2, second) == ("cancelled", reason)
    let(cluster.folder, first)
    assert over(h1, first)[0] == "good"


def test_older_run_of_the_other_host_is_cancelled(cluster: Cluster) -> None:
    h1, h2 = cluster["h1"], cluster["h2"]
    first = h2.trigger("newest")
    until_running(h2, first)

    second = h1.trigger("newest")

    assert over(h1, first) == (
        "cancelled",
        f"cancelled by max-runs: {second} of this flow is newer",
    )
    until_running(h1, second)
    let(cluster.folder, second)
    assert over(h2, second)[0] == "good"
