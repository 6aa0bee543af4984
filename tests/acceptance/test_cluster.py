"""Three hosts as one: what is asked of any of them is done where it must be, and seen by all."""

from collections import Counter
from collections.abc import Iterator

import pytest

from floe.model.errors import Conflict
from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.cluster_watch import WAITING, watching
from tests.acceptance.people import floe, said, why
from tests.acceptance.product import Host, Shape, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FLOWS = (
    WAITING
    + """
  - name: quick
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {cmd: sleep 0.5}}
      - {name: done, type: end, listen: task.say.good}

  - name: alone
    host-tags: [west]
    resource-tags: [crane]
    triggers: [{name: start, type: data}]
    tasks:
      - name: hold
        type: exec
        listen: trigger.good
        opts: {shell: 'echo "$FLOE_FENCE"; until [ -e "$HERE/drop" ]; do sleep 0.02; done'}
      - {name: done, type: end, listen: task.hold.good}

  - name: ticking
    triggers: [{name: tick, type: timer, opts: {period: 1}}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {cmd: echo tick}}
      - {name: done, type: end, listen: task.say.good}
"""
)

MANY = 200
FAIR = MANY // 20
"""What each of three equal hosts executes at least; a third would be its share."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with clustered(tmp_path_factory.mktemp("cluster") / "all", FLOWS) as (cluster, _):
        yield cluster
        (cluster.folder / "go").touch()
        (cluster.folder / "drop").touch()


@pytest.fixture
def run(cluster: Cluster) -> Iterator[str]:
    """A run adopted by h1 whose command is running on h3, waiting for `go`; all hosts know it."""
    (cluster.folder / "go").unlink(missing_ok=True)
    run = cluster["h1"].trigger("west")
    for host in cluster.hosts.values():
        until(lambda host=host: is_listed(host, run), f"{run} on the list of {host.id}")  # type: ignore[misc]  # mypy has no type for a default of a lambda
    cluster["h1"].until_node(run, "say", "running")
    yield run
    (cluster.folder / "go").touch()


def is_listed(host: Host, run: str) -> bool:
    """Whether a host lists a run as active."""
    rows = host.api.get("runs", flow="west", state="active", limit=500)["runs"]
    return run in {row["id"] for row in rows}


def test_run_goes_to_the_host_with_its_tags(cluster: Cluster, run: str) -> None:
    shown = {id: host.show(run) for id, host in cluster.hosts.items()}

    assert {(at["host"], at["adopted_by"], at["state"]) for at in shown.values()} == {
        ("h3", "h1", "active")
    }


def test_reload_reaches_every_host_and_names_the_one_with_mistakes(cluster: Cluster) -> None:
    good = cluster["h2"].config.read_text()
    cluster["h2"].config.write_text(good + "bad: 1\n")
    try:
        reloaded = floe(cluster["h1"], "host", "reload")
    finally:
        cluster["h2"].config.write_text(good)

    assert reloaded.returncode == 2
    assert [line.split()[0] for line in reloaded.stdout.splitlines()] == ["h1:", "h3:"]
    assert "has no key `bad`" in reloaded.stderr.partition("h2: not reloaded\n")[2]
    assert said(floe(cluster["h1"], "host", "reload", "h2")).startswith("h2: ")


def test_output_of_a_run_is_read_through_any_host(cluster: Cluster, run: str) -> None:
    until(lambda: cluster["h3"].output(run, "say"), "output")

    outputs = {host.output(run, "say") for host in cluster.hosts.values()}

    assert outputs == {b"first on h3\n"}


def test_why_is_answered_by_any_host(cluster: Cluster, run: str) -> None:
    answers = {why(host, run) for host in cluster.hosts.values()}

    assert len(answers) == 1
    assert "task.say: running since" in answers.pop()


def test_facts_and_output_of_a_run_elsewhere_are_on_the_feed_of_any_host(
    cluster: Cluster, run: str
) -> None:
    with watching(cluster["h2"]) as watcher:
        watcher.watch(run, "say")
        watcher.until_printed("first on h3\n")
        (cluster.folder / "go").touch()
        watcher.until_printed("second\n")
        fact = watcher.until_event(run, "NodeSettled")

    assert fact["tag"] == "task.say.good"


def test_form_is_answered_through_a_host_that_has_nothing_to_do_with_the_run(
    cluster: Cluster, run: str
) -> None:
    (cluster.folder / "go").touch()
    h2 = cluster["h2"]
    h2.until_node(run, "sign", "asking")

    h2.give(run, "sign", remark="fine")

    assert h2.until_over(run)["good"] is True
    assert cluster["h1"].until_over(run)["good"] is True


def test_form_that_is_answered_twice_through_two_hosts_counts_once(
    cluster: Cluster, run: str
) -> None:
    (cluster.folder / "go").touch()
    cluster["h2"].until_node(run, "sign", "asking")
    cluster["h2"].give(run, "sign", remark="fine")

    with pytest.raises(Conflict):
        cluster["h1"].give(run, "sign", remark="again")

    assert cluster["h3"].until_over(run)["good"] is True


def test_cancel_through_any_host_ends_the_run(cluster: Cluster, run: str) -> None:
    cluster["h2"].cancel(run)

    over = cluster["h1"].until_over(run)
    assert (over["state"], over["good"]) == ("archive", False)


def test_forms_of_all_runs_are_listed_by_any_host(cluster: Cluster, run: str) -> None:
    (cluster.folder / "go").touch()

    for host in cluster.hosts.values():
        until(
            lambda host=host: run in {f["run"]["id"] for f in host.api.get("forms")["forms"]},  # type: ignore[misc]  # as above
            f"{run} among the forms of {host.id}",
        )

    cluster["h2"].give(run, "sign")


def test_command_line_asks_any_host(cluster: Cluster, run: str) -> None:
    h2 = cluster["h2"]
    until(lambda: h2.output(run, "say"), "output")

    assert said(floe(h2, "log", run, "say")) == "first on h3\n"
    assert "h3" in said(floe(h2, "show", run))
    assert "running since" in said(floe(h2, "why", run))
    assert said(floe(h2, "cancel", run))


def test_every_host_lists_every_run(cluster: Cluster, run: str) -> None:
    def listed(host: str) -> list[object]:
        found: list[Shape] = cluster[host].api.get("runs", flow="west", limit=500)["runs"]
        return [(at["id"], at["state"], at["host"]) for at in found]

    until(lambda: listed("h1") == listed("h2") == listed("h3"), "the same list everywhere")

    assert (run, "active", "h3") in listed("h2")


def test_triggers_at_one_host_spread_over_equal_hosts(cluster: Cluster) -> None:
    runs = [cluster["h1"].trigger("quick") for _ in range(MANY)]

    hosts = Counter(cluster["h1"].until_over(run)["host"] for run in runs)

    assert hosts.total() == MANY
    assert min(hosts[id] for id in cluster.hosts) >= FAIR, hosts


def test_resource_is_held_once_in_the_cluster_and_why_names_the_holder(cluster: Cluster) -> None:
    (cluster.folder / "drop").unlink(missing_ok=True)
    first = cluster["h1"].trigger("alone")
    cluster["h1"].until_node(first, "hold", "running")
    second = cluster["h2"].trigger("alone")

    until(lambda: f"held by {first}" in why(cluster["h2"], second), "why the second waits")
    leases = {id: host.api.get("leases")["leases"] for id, host in cluster.hosts.items()}
    (cluster.folder / "drop").touch()
    outputs = [over_with_output(cluster["h3"], run) for run in (first, second)]

    assert {(of["tag"], of["run"]) for found in leases.values() for of in found} == {
        ("crane", first)
    }
    assert outputs[0] < outputs[1]  # the fences, of one length


def over_with_output(host: Host, run: str) -> bytes:
    host.until_over(run)
    return host.output(run, "hold")


def test_timer_is_fired_by_the_keeper_alone(cluster: Cluster) -> None:
    def ticks() -> list[Shape]:
        found: list[Shape] = cluster["h2"].api.get("runs", flow="ticking", limit=500)["runs"]
        return found

    until(lambda: len(ticks()) >= 3, "three ticks")

    assert {tick["adopted_by"] for tick in ticks()} == {"h1"}
