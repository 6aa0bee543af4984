"""Judged runs of the toy dialect on three real hosts: each ends once, by the rules of its flow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from floe.model.errors import Theirs
from tests.acceptance.cluster import Cluster, Member, clustered
from tests.acceptance.people import floe, said, why
from tests.acceptance.product import until
from tests.toy.dialect import FLOWS
from tests.toy.host import toy_host

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TAGS = {"h1": "a", "h2": "b", "h3": "c"}

NONE = """
  - name: nothing
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {cmd: echo nothing}}
"""

TOY = """
toy chain event=pushed
  a | idempotent mark=$HERE/chain
  b on a | idempotent mark=$HERE/chain

toy ship event=pushed
  a | idempotent mark=$HERE/ship

toy again event=failed
  a | fails=1 due=2 mark=$HERE/again

toy child event=asked
  a | await=child mark=$HERE/child

toy kept event=asked
  a | idempotent await=child mark=$HERE/kept

toy todo
  a | mark=$HERE/todo

toy post event=posted
  a | entered post=slack
  b on a | mark=$HERE/post
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    def prepare(cluster: Cluster) -> None:
        flows = cluster.folder / "toy"
        flows.write_text(TOY.replace("$HERE", str(cluster.folder)), encoding="utf-8")
        for member in cluster.hosts.values():
            member.options[FLOWS] = str(flows)
            member.program = toy_host

    with clustered(tmp_path / "judged", NONE, TAGS, prepare=prepare) as (cluster, _):
        yield cluster


def hear(host: Member, event: str, **values: str) -> list[str]:
    """The runs that an event opens."""
    heard = host.api.post("toy/events", {"event": {"event": event, "values": values}})
    return list(heard["runs"])


def marks(cluster: Cluster, name: str) -> list[str]:
    """The steps that ran, of all runs of a flow: node and attempt."""
    path = cluster.folder / name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line.partition(" ")[2] for line in lines]


def kinds(host: Member, run: str) -> list[str]:
    """The kinds of the events of a run."""
    return [event["event"] for event in host.api.get(f"runs/{run}/events")["events"]]


def rests(host: Member, run: str, on: str = "") -> None:
    """Wait until a run rests, on one host if that is told, as a host shows it."""
    place = f"rests on {on}" if on else "rests on "

    def is_there() -> bool:
        try:
            return why(host, run).startswith(place)
        except Theirs:  # the host that it leaves does not answer any more
            return False

    until(is_there, f"{run} {place}")


def over(host: Member, run: str) -> None:
    """Wait until a run is over; it ended once, and good."""
    assert host.until_over(run)["result"] == "good"
    assert kinds(host, run).count("RunEnded") == 1


def test_event_opens_runs_at_the_host_that_it_reaches(cluster: Cluster) -> None:
    h2 = cluster["h2"]

    runs = hear(h2, "pushed", colour="blue")

    for run in runs:
        over(h2, run)
    assert [kinds(h2, run)[0] for run in runs] == ["RunOpened", "RunOpened"]
    assert (marks(cluster, "chain"), marks(cluster, "ship")) == (
        ["task.a 1", "task.b 1"],
        ["task.a 1"],
    )


def test_run_at_rest_is_woken_by_its_timer_by_an_update_and_by_a_person(cluster: Cluster) -> None:
    h1, h2, h3 = cluster.hosts.values()
    [again], [child, _] = hear(h1, "failed"), hear(h2, "asked")
    todo = h3.api.post("toy/runs", {"flow": "todo", "verdict": "TODO"})["run"]

    rests(h1, child, "h2")
    assert "WAITING; task.a awaits child" in why(h1, child)
    assert why(h1, todo) == "rests on h3 before its first pass: TODO; a person begins the next"
    h1.api.post(f"toy/runs/{child}/update", {"key": "child", "state": "DONE"})
    h2.api.post(f"toy/runs/{todo}/pass", {})

    for host, run in ((h1, again), (h2, child), (h3, todo)):
        over(host, run)
    assert marks(cluster, "again") == ["task.a 1", "task.a 2"]
    assert marks(cluster, "child") == ["task.a 1", "task.a 2"]


def test_run_at_rest_moves_when_its_host_drains_and_goes_on_there(cluster: Cluster) -> None:
    h1, h2, h3 = cluster.hosts.values()
    [child, _] = hear(h2, "asked")
    rests(h1, child, "h2")
    said(floe(h1, "host", "drain", "h1"))

    said(floe(h1, "host", "drain", "h2"))

    rests(h1, child, "h3")
    h1.api.post(f"toy/runs/{child}/update", {"key": "child", "state": "DONE"})
    over(h3, child)
    assert marks(cluster, "child") == ["task.a 1", "task.a 2"]


def test_runs_survive_the_death_of_their_host(cluster: Cluster) -> None:
    h1, h2, _ = cluster.hosts.values()
    [child, _] = hear(h2, "asked")
    rests(h1, child, "h2")

    h2.kill()
    cluster.start("h2")

    rests(h2, child, "h2")
    h2.api.post(f"toy/runs/{child}/update", {"key": "child", "state": "DONE"})
    over(h2, child)
    assert marks(cluster, "child") == ["task.a 1", "task.a 2"]


def test_every_accepted_event_opens_its_runs_once_although_the_host_is_killed(
    cluster: Cluster,
) -> None:
    h1 = cluster["h1"]
    accepted = 0
    for _ in range(3):
        for _ in range(40):
            h1.api.post("toy/events", {"event": {"event": "pushed"}})
            accepted += 1
        h1.kill()
        cluster.start("h1")

    rows: Any = until(lambda: all_over(h1, 2 * accepted), f"the end of {2 * accepted} runs")

    assert len(rows) == 2 * accepted
    assert {row["result"] for row in rows} == {"good"}


def all_over(host: Member, count: int) -> list[dict[str, Any]] | None:
    """The rows of all runs, once there are so many and all are over."""
    rows = list(host.api.get("runs", limit=500)["runs"])
    return rows if len(rows) >= count and all(row["state"] == "archive" for row in rows) else None


def test_outside_work_is_taken_once_and_its_answer_opens_a_run(cluster: Cluster) -> None:
    h1, h2, _ = cluster.hosts.values()
    [post] = hear(h2, "posted")
    until(lambda: "task.a: a program to take it from the queue slack" in why(h1, post), "the offer")

    taken = until(lambda: take(h1, "t1"), "the take")
    again = take(h1, "t1")

    assert again == taken
    assert "task.a: its answer; taken by pack through h1" in why(h1, post)
    body = {**taken, "event": {"event": "pushed"}}
    heard = h2.api.post("toy/answer", body)
    for run in (post, *heard["runs"]):
        over(h2, run)
    assert marks(cluster, "post") == ["task.b 1"]


def take(host: Member, name: str) -> dict[str, Any] | None:
    """The work that a program gets under a name; None for none."""
    return host.api.post("toy/take", {"queue": "slack", "by": "pack", "take": name}) or None


def test_forgotten_host_leaves_its_runs_to_their_adopter(cluster: Cluster) -> None:
    h1, h2, h3 = cluster.hosts.values()
    runs = hear(h2, "asked")
    said(floe(h1, "host", "drain", "h1"))
    said(floe(h1, "host", "drain", "h2"))
    for run in runs:
        rests(h1, run, "h3")
    said(floe(h1, "host", "drain", "h2", "--off"))

    h3.kill()
    h3.end_warden()
    said(floe(h1, "host", "forget", "h3", "--force"))

    for run in runs:
        rests(h2, run, "h2")
    child, kept = runs
    assert "TO_CHECK" in why(h2, child)
    h1.api.post(f"toy/runs/{kept}/update", {"key": "child", "state": "DONE"})
    over(h2, kept)
    assert marks(cluster, "kept") == ["task.a 1", "task.a 2"]
