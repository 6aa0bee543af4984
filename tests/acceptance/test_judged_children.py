"""Children of judged runs on three real hosts: each is opened once, and its end is news once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.cluster import Cluster, Member, clustered
from tests.acceptance.people import floe, said, why
from tests.acceptance.product import until
from tests.acceptance.test_judged_cluster import NONE, TAGS, kinds, marks, over, rests
from tests.toy.dialect import FLOWS
from tests.toy.host import toy_host

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TOY = """
toy parent
  a | idempotent opens=child await=end mark=$HERE/parent

toy child
  c | post=jobs
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    def prepare(cluster: Cluster) -> None:
        flows = cluster.folder / "toy"
        flows.write_text(TOY.replace("$HERE", str(cluster.folder)), encoding="utf-8")
        for member in cluster.hosts.values():
            member.options[FLOWS] = str(flows)
            member.program = toy_host

    with clustered(tmp_path / "children", NONE, TAGS, prepare=prepare) as (cluster, _):
        yield cluster


def opened(host: Member) -> tuple[str, str]:
    """A parent that a host opened and that rests, and its child."""
    parent = host.api.post("toy/runs", {"flow": "parent"})["run"]
    rests(host, parent, host.id)
    [child] = [row["id"] for row in host.api.get("runs")["runs"] if row["flow"] == "child"]
    assert why(host, parent) == (
        f"rests on {host.id} after pass 1: WAITING; task.a awaits end of {child}"
    )
    return parent, child


def end(host: Member) -> None:
    """A program takes the work of the child at a host, and answers."""
    work = {"queue": "jobs", "by": "pack", "take": "t1"}
    taken = until(lambda: host.api.post("toy/take", work) or None, "the take")
    host.api.post("toy/answer", {**taken, "event": {}})


def is_over_once(cluster: Cluster, host: Member, parent: str) -> None:
    """The end of its child woke a parent once, and it is over."""
    over(host, parent)
    assert kinds(host, parent).count("UpdateReceived") == 1
    assert marks(cluster, "parent") == ["task.a 1", "task.a 2"]


def test_parent_and_child_on_one_host(cluster: Cluster) -> None:
    h1 = cluster["h1"]
    parent, child = opened(h1)

    end(h1)

    over(h1, child)
    is_over_once(cluster, h1, parent)


def moved(cluster: Cluster) -> tuple[str, str]:
    """A parent that moved from h2 to h3, and its child, which stayed."""
    h1, h2, _ = cluster.hosts.values()
    parent, child = opened(h2)
    said(floe(h1, "host", "drain", "h1"))
    said(floe(h1, "host", "drain", "h2"))
    rests(h1, parent, "h3")
    return parent, child


def test_parent_that_moved_is_woken_by_its_child(cluster: Cluster) -> None:
    h1, h2, h3 = cluster.hosts.values()
    parent, child = moved(cluster)

    end(h2)

    over(h1, child)
    is_over_once(cluster, h3, parent)


def test_parent_that_was_away_is_woken_when_it_is_back(cluster: Cluster) -> None:
    h1, h2, h3 = cluster.hosts.values()
    parent, child = moved(cluster)
    h3.kill()
    end(h2)
    over(h1, child)

    cluster.start("h3")

    is_over_once(cluster, h3, parent)


def test_parent_whose_host_is_forgotten_is_woken_at_its_adopter(cluster: Cluster) -> None:
    h1, h2, h3 = cluster.hosts.values()
    parent, child = moved(cluster)
    h3.kill()
    h3.end_warden()
    end(h2)
    over(h1, child)

    said(floe(h1, "host", "forget", "h3", "--force"))

    over(h2, parent)
    assert kinds(h2, parent).count("UpdateReceived") == 1
