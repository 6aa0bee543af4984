"""Hosts that leave their cluster for a while or for good, and what the others say and do then."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from floe.model.errors import Conflict, Theirs
from tests.acceptance.cluster import Cluster, Member, clustered, is_missed
from tests.acceptance.cluster_watch import WAITING
from tests.acceptance.people import floe, said, why
from tests.acceptance.product import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FLOWS = (
    WAITING
    + """
  - name: again
    host-tags: [lab]
    on-host-lost: restart
    triggers: [{name: start, type: data}]
    tasks:
      - name: say
        type: exec
        listen: trigger.good
        opts: {shell: 'echo "on $FLOE_HOST"; until [ -e "$HERE/go" ]; do sleep 0.02; done'}
      - {name: done, type: end, listen: task.say.good}

  - name: crane
    resource-tags: [crane]
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {cmd: echo held}}
      - {name: done, type: end, listen: task.say.good}

  - name: free
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {cmd: echo free}}
      - {name: done, type: end, listen: task.say.good}
"""
)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with clustered(tmp_path / "cluster", FLOWS) as (cluster, _):
        yield cluster
        (cluster.folder / "go").touch()


def open_runs(host: Member) -> dict[str, str]:
    """The state of every run that is not over, as a host lists them."""
    return {row["id"]: row["state"] for row in host.api.get("runs", state="pending,active")["runs"]}


def test_drained_host_goes_on_with_its_runs_and_takes_no_others(cluster: Cluster) -> None:
    h1 = cluster["h1"]
    run = h1.trigger("west")
    h1.until_node(run, "say", "running")

    said(floe(h1, "host", "drain", "h3"))
    until(lambda: h1.sees()["h3"]["draining"], "h3 says that it is draining")
    other = h1.trigger("west")

    until(lambda: "h3 is draining" in why(h1, other), "why the other waits")
    (cluster.folder / "go").touch()
    h1.until_node(run, "sign", "asking")
    h1.give(run, "sign")
    assert h1.until_over(run)["good"] is True
    assert h1.show(other)["state"] == "pending"


def test_runs_of_a_forgotten_host_end_bad_or_restart_as_configured(cluster: Cluster) -> None:
    h1 = cluster["h1"]
    ending = h1.trigger("west")
    h1.until_node(ending, "say", "running")
    said(floe(h1, "host", "drain", "h2"))
    until(lambda: h1.sees()["h2"]["draining"], "h2 says that it is draining")
    restarting = h1.trigger("again")
    h1.until_node(restarting, "say", "running")
    assert h1.show(restarting)["host"] == "h3"
    said(floe(h1, "host", "drain", "h2", "--off"))
    cluster["h3"].kill()
    cluster["h3"].end_warden()

    said(floe(h1, "host", "forget", "h3", "--force"))

    over = h1.until_over(ending)
    assert (over["good"], "lost with host h3" in over["why"]) == (False, True)
    (cluster.folder / "go").touch()
    over = h1.until_over(restarting)
    assert (over["good"], over["host"], over["epoch"] > 1) == (True, "h2", True)


def test_runs_that_are_lost_with_a_forgotten_host_are_over_and_report_it(cluster: Cluster) -> None:
    h1, h2, h3 = cluster.hosts.values()
    lost = h3.trigger("west")
    h3.until_node(lost, "say", "running")
    said(floe(h1, "host", "drain", "h3"))
    until(lambda: h3.sees()["h3"]["draining"], "h3 drains")
    given_away, never_begun = h3.trigger("again"), h3.trigger("west")
    h2.until_node(given_away, "say", "running")
    for host in (h1, h2):
        rows = {lost: "active", given_away: "active", never_begun: "pending"}
        until(lambda host=host, rows=rows: open_runs(host) == rows, f"the rows at {host.id}")  # type: ignore[misc]  # mypy has no type for a default of a lambda
    h3.kill()
    h3.end_warden()

    said(floe(h1, "host", "forget", "h3", "--force"))

    for host in (h1, h2):
        until(lambda host=host: open_runs(host) == {given_away: "active"}, f"the end at {host.id}")  # type: ignore[misc]  # as above
        rows = host.api.get("runs", state="archive", flow="west")["runs"]
        assert [row["id"] for row in rows] == [never_begun, lost]
        assert {(row["good"], row["why"]) for row in rows} == {(False, "host h3 was forgotten")}
        assert "host h3 was forgotten" in said(floe(host, "runs", "--bad"))
        told = "ended bad: host h3 was forgotten; its log is gone with h3 since "
        assert told in said(floe(host, "why", lost))
        for words in (("show", lost), ("log", lost, "say"), ("log", lost, "say", "-f")):
            assert f"{lost} {told}" in floe(host, *words).stderr
    (cluster.folder / "go").touch()
    assert h1.until_over(given_away)["good"] is True


def test_host_with_a_new_store_lists_what_its_lost_one_ran_for_others(cluster: Cluster) -> None:
    h1, h2, h3 = cluster.hosts.values()
    (cluster.folder / "go").touch()
    run = h1.trigger("west")
    h1.until_node(run, "sign", "asking")
    h1.give(run, "sign")
    h1.until_over(run)

    h3.lose_store(h1, h2)

    until(lambda: [row["id"] for row in h3.api.get("runs")["runs"]] == [run], "the run's row on h3")
    assert "its log is gone with h3 since" in said(floe(h3, "why", run))


def test_forgotten_host_that_comes_back_goes_on_with_nothing(cluster: Cluster) -> None:
    h1, h3 = cluster["h1"], cluster["h3"]
    run = h1.trigger("west")
    h1.until_node(run, "say", "running")
    h3.kill()
    said(floe(h1, "host", "forget", "h3", "--force"))
    h1.until_over(run)

    h3.spawn()  # it is never ready: nobody gives a forgotten host anything

    until(lambda: not h3.processes(), "the end of the commands of a run that went on elsewhere")
    assert h1.show(run)["why"] == "lost with host h3"


def test_host_that_was_seen_just_now_is_not_forgotten_by_mistake(cluster: Cluster) -> None:
    with pytest.raises(Conflict):
        cluster["h1"].api.post("hosts/h3/forget", {})


def test_without_its_keeper_a_cluster_goes_on_with_what_needs_none(cluster: Cluster) -> None:
    h2 = cluster["h2"]
    cluster["h1"].kill()
    held = h2.trigger("crane")
    free = h2.trigger("free")

    assert h2.until_over(free)["good"] is True
    until(lambda: "keeper h1" in why(h2, held), "why a run with a resource waits")
    assert h2.show(held)["state"] == "pending"
    cluster.start("h1")
    assert h2.until_over(held)["good"] is True


def test_host_that_is_away_is_named_with_the_age_of_what_is_known(cluster: Cluster) -> None:
    h1, h2 = cluster["h1"], cluster["h2"]
    run = h1.trigger("west")
    h1.until_node(run, "say", "running")
    until(lambda: h2.show(run)["state"] == "active", "the run's row on h2")

    cluster["h3"].kill()
    until(lambda: is_missed(h2.sees()["h3"]), "h3 is missed")

    rows = h2.api.get("runs", flow="west")
    assert [(row["id"], row["host"]) for row in rows["runs"]] == [(run, "h3")]
    with pytest.raises(Theirs, match="h3"):
        h2.output(run, "say")
    cluster.start("h3")
    until(lambda: h2.output(run, "say") == b"first on h3\n", "the output, as h3 is back")


def test_run_of_a_host_that_dies_and_comes_back_goes_on(cluster: Cluster) -> None:
    h1 = cluster["h1"]
    run = h1.trigger("west")
    h1.until_node(run, "say", "running")
    cluster["h3"].kill()
    (cluster.folder / "go").touch()

    cluster.start("h3")

    h1.until_node(run, "sign", "asking")
    cluster["h2"].give(run, "sign")
    assert h1.until_over(run)["good"] is True
    assert h1.output(run, "say") == b"first on h3\nsecond\n"


def test_adopter_that_dies_learns_the_end_of_its_runs(cluster: Cluster) -> None:
    h1, h2 = cluster["h1"], cluster["h2"]
    run = h1.trigger("west")
    h1.until_node(run, "say", "running")
    until(lambda: h2.show(run)["state"] == "active", "the run's row on h2")
    h1.kill()
    (cluster.folder / "go").touch()
    h2.until_node(run, "sign", "asking")
    h2.give(run, "sign")
    h2.until_over(run)

    cluster.start("h1")

    assert h1.until_over(run)["good"] is True
