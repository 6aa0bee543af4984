"""Runs that only wait, on three real hosts: they leave a host that drains, and outlive it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from floe.store.sqlite_file import open_database
from tests.acceptance.cluster import Cluster, Member, clustered
from tests.acceptance.people import floe, said, why
from tests.acceptance.product import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TAGS = {"h1": "east", "h2": "mid", "h3": "mid"}

FORM = """
    host-tags: [mid]
    triggers: [{name: start, type: data}]
    tasks:
      - name: sign off
        type: data
        listen: trigger.good
        opts: {form: {title: Sign off, fields: [{id: ok, prompt: Good?, type: bool}]}}
      - name: ship
        type: exec
        listen: task.sign-off.good
        opts: {shell: 'echo ship >> "$HERE/done"'}
      - {name: done, type: end, listen: task.ship.good}
"""

FLOWS = f"""
  - name: approve
{FORM}
  - name: again
    on-host-lost: restart
{FORM}
  - name: pause
    host-tags: [mid]
    triggers: [{{name: start, type: data}}]
    tasks:
      - {{name: rest, type: timer, listen: trigger.good, opts: {{period: 20}}}}
      - {{name: done, type: end, listen: task.rest.good}}

  - name: busy
    host-tags: [mid]
    triggers: [{{name: start, type: data}}]
    tasks:
      - name: hold
        type: exec
        listen: trigger.good
        opts: {{shell: 'until [ -e "$HERE/go" ]; do sleep 0.02; done'}}
      - {{name: done, type: end, listen: task.hold.good}}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with clustered(tmp_path / "moves", FLOWS, TAGS, keeper="h1") as (cluster, _):
        yield cluster
        (cluster.folder / "go").touch()


def place(host: Member, run: str) -> str:
    """Where a run is active, as a host lists it; empty for nowhere."""
    rows = host.api.get("runs", state="active", limit=500)["runs"]
    return next((row["host"] for row in rows if row["id"] == run), "")


def at(host: Member, run: str, where: str) -> None:
    """Wait until a run is active on a host, for the lists of another."""
    until(lambda: place(host, run) == where, f"{run} on {where}")


def kinds(host: Member, run: str) -> list[str]:
    """The kinds of the events of a run."""
    return [event["event"] for event in host.api.get(f"runs/{run}/events")["events"]]


def lose(cluster: Cluster, id: str) -> None:
    """Kill a host for ever, and forget it."""
    cluster.hosts[id].kill()
    cluster.hosts[id].end_warden()
    said(floe(cluster.hosts["h1"], "host", "forget", id, "--force"))


def sign(host: Member, run: str) -> None:
    """Answer the form of a run."""
    said(floe(host, "give", run, "sign-off", "-d", "ok=true"))


def test_runs_that_wait_leave_a_draining_host_and_end_once_without_it(cluster: Cluster) -> None:
    h1, h2, _ = cluster.hosts.values()
    said(floe(h1, "host", "drain", "h3"))
    form, timer = h1.trigger("approve"), h1.trigger("pause")
    own = h2.trigger("approve")
    for run in (form, timer, own):
        at(h1, run, "h2")
    said(floe(h1, "host", "drain", "h3", "--off"))

    said(floe(h1, "host", "drain", "h2"))

    for run in (form, timer, own):
        at(h1, run, "h3")
    until(lambda: drained(h1) == "h2 accepts no new runs; 0 runs there\n", "nothing left on h2")
    assert "it moved to h3 at" in why(h1, form)
    lose(cluster, "h2")
    sign(h1, form)
    assert [h1.until_over(run)["good"] for run in (form, timer)] == [True, True]
    assert [kinds(h1, run).count("RunEnded") for run in (form, timer)] == [1, 1]
    assert kinds(h1, form).count("DataAsked") == 1
    assert (cluster.folder / "done").read_text() == "ship\n"


def drained(host: Member) -> str:
    """What a drain of h2 prints."""
    return said(floe(host, "host", "drain", "h2"))


def test_run_with_a_command_stays_on_a_draining_host_which_says_why(cluster: Cluster) -> None:
    h1 = cluster.hosts["h1"]
    run = h1.trigger("busy")
    at(h1, run, "h2")
    h1.until_node(run, "hold", "running")

    text = drained(h1)

    assert text.splitlines() == [
        "h2 accepts no new runs; 1 run there",
        f"  {run} runs task.hold; has files here",
    ]


def test_run_that_waits_outlives_its_host(cluster: Cluster) -> None:
    h1 = cluster.hosts["h1"]
    run = h1.trigger("again")
    at(h1, run, "h2")
    until(lambda: "DataAsked" in stored(h1, run), "the report of h2")

    lose(cluster, "h2")

    at(h1, run, "h3")
    sign(h1, run)
    assert h1.until_over(run)["good"] is True
    assert kinds(h1, run).count("DataAsked") == 1
    assert kinds(h1, run).count("RunActivated") == 1
    assert (cluster.folder / "done").read_text() == "ship\n"


def stored(host: Member, run: str) -> list[str]:
    """The kinds of the events of a run that a host has stored, also of one that runs elsewhere."""
    database = open_database(host.root / "floe.db")
    try:
        rows = database.execute("SELECT event FROM log WHERE run LIKE ?", (f"{run}@%",))
        return [event for (names,) in rows for event in names.split()]
    finally:
        database.close()
