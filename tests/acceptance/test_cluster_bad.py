"""What is wrong with a cluster is said by `floe hosts`, once in the log, and by `why` of a pend."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance import odd_host
from tests.acceptance.cluster import WEST, Cluster, Member, clustered, problems_in
from tests.acceptance.people import Web, as_json, floe, said, why
from tests.acceptance.product import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TAGS: Final = {"h1": "linux", "h2": "linux", "h3": "linux,west"}

FLOWS: Final = (
    """
  - name: crane
    resource-tags: [crane]
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {cmd: echo held}}
      - {name: done, type: end, listen: task.say.good}
"""
    + WEST
)

PINGS_AFTER: Final = 4
"""After this many pings of other hosts, a problem that is logged with each ping is there twice."""


def assert_said(*claims: tuple[Member, tuple[str, ...]]) -> None:
    """Wait until each host's `floe hosts` has its problem; no log may have one of them twice."""
    for host, words in claims:
        until(lambda host=host, words=words: _with(host.problems(), words), f"a problem: {words}")  # type: ignore[misc]  # mypy has no type for a default of a lambda
        shown = floe(host, "hosts")
        assert _with((shown.stdout + shown.stderr).splitlines(), words), shown
        told = json.loads(floe(host, "hosts", "--json").stdout)["hosts"]
        assert _with(problems_in(told), words), told
    _wait_for_pings(*(host for host, _ in claims))
    for host, words in claims:
        lines = [json.loads(line) for line in host.log.read_text().splitlines() if line[:1] == "{"]
        logged = Counter(
            (of["event"], of.get("host", of.get("peer")), re.sub(r"\d+", "#", of["problem"]))
            for of in lines
            if _with([f"{of.get('host', of.get('peer'))}: {of.get('problem')}"], words)
        )
        assert logged, lines
        assert set(logged.values()) == {1}, logged


def assert_waits(host: Member, flow: str, *words: str) -> None:
    """A run of a flow waits, and says why in these words."""
    run = host.trigger(flow)
    until(lambda: _with([why(host, run)], words), f"{words} in why of {flow}")
    assert host.show(run)["state"] == "pending", why(host, run)


def _with(lines: list[str], words: tuple[str, ...]) -> list[str]:
    return [line for line in lines if all(word in line for word in words)]


def _wait_for_pings(*hosts: Member) -> None:
    """Wait until each of these hosts has received a few more pings, all at the same time."""
    seen: dict[str, set[str]] = {host.id: set() for host in hosts}

    def enough() -> bool:
        for host in hosts:
            seen[host.id].update(
                str(of["seen_at"]) for id, of in host.sees().items() if id != host.id
            )
        return all(len(instants) > PINGS_AFTER for instants in seen.values())

    until(enough, "pings of other hosts")


def test_wrong_token_of_the_cluster(tmp_path: Path) -> None:
    def prepare(cluster: Cluster) -> None:
        cluster["h3"].options["FLOE_CLUSTER_TOKEN"] = "wrong"

    with clustered(tmp_path / "c", FLOWS, TAGS, prepare=prepare, met=("h1", "h2")) as (cluster, _):
        refused = ("refuses this cluster token",)
        assert_said((cluster["h1"], refused), (cluster["h2"], refused))


def test_two_hosts_with_one_name(tmp_path: Path) -> None:
    def prepare(cluster: Cluster) -> None:
        cluster["h3"].options["FLOE_HOST_NAME"] = "h2"

    with clustered(tmp_path / "c", FLOWS, TAGS, prepare=prepare, met=()) as (cluster, _):
        assert_said(
            (cluster["h1"], ("two hosts are called h2",)), (cluster["h2"], ("h2", "-host_name"))
        )
        assert_waits(cluster["h1"], "west", "two hosts are called h2")


def test_two_keepers_in_two_configs(tmp_path: Path) -> None:
    def prepare(cluster: Cluster) -> None:
        cluster.configure("h3", keeper="h2")

    with clustered(tmp_path / "c", FLOWS, TAGS, prepare=prepare) as (cluster, _):
        assert_said(*((host, ("keeper", "h1", "h2")) for host in cluster.hosts.values()))
        assert_waits(cluster["h1"], "crane", "keeper", "h1", "h2")


def test_configs_that_differ(tmp_path: Path) -> None:
    def prepare(cluster: Cluster) -> None:
        cluster.configure("h3", slots="7")
        config = cluster["h3"].config
        config.write_text(config.read_text().replace("name: west", "name: east"))

    with clustered(tmp_path / "c", FLOWS, TAGS, prepare=prepare) as (cluster, proxies):
        h1, h3 = cluster["h1"], cluster["h3"]
        until(lambda: len(h1.sees()["h3"]["notes"]) == 2, "what differs at h3")
        asked = floe(h1, "trigger", "east")
        notes, problems = h1.sees()["h3"]["notes"], h1.problems()

        assert notes == [
            "lacks west@1, which other hosts have",
            "its `common:` differs from this host's: slots",
        ]
        assert not _with(problems, ("flows",))
        assert asked.returncode == 2
        assert f"h3 has it, ask there: FLOE_URL={proxies.url('h1', 'h3')}" in asked.stderr
        assert floe(h3, "trigger", "east").returncode == 0


def test_no_keeper_in_any_config(tmp_path: Path) -> None:
    with clustered(tmp_path / "c", FLOWS, TAGS, keeper="") as (cluster, _):
        assert_said((cluster["h1"], ("keeper:",)))
        assert_waits(cluster["h1"], "crane", "keeper")
        run = cluster["h1"].trigger("west")
        assert cluster["h1"].until_over(run)["good"] is True


def test_url_that_is_not_floe(tmp_path: Path) -> None:
    def prepare(cluster: Cluster) -> None:
        assert cluster.network is not None
        urls = [cluster.network.url("h1", other) for other in ("h2", "h3")]
        cluster.configure("h1", hosts=f"[{', '.join([*urls, web.url])}]")

    with (
        Web().serving() as web,
        clustered(tmp_path / "c", FLOWS, TAGS, prepare=prepare) as (cluster, _),
    ):
        assert_said((cluster["h1"], (web.url, "is not floe")))


def test_host_of_another_protocol(tmp_path: Path) -> None:
    def prepare(cluster: Cluster) -> None:
        cluster["h3"].program = odd_host.main
        cluster["h3"].options["FLOE_ODD_PROTOCOL"] = "99"

    with clustered(tmp_path / "c", FLOWS, TAGS, prepare=prepare, met=("h1", "h2")) as (cluster, _):
        assert_said((cluster["h1"], ("speaks protocol 99",)))
        h3 = cluster["h3"]
        until(lambda: _with(h3.problems(), ("speaks protocol 1",)), "h3 says so too")


def test_clock_that_is_ten_minutes_off(tmp_path: Path) -> None:
    def prepare(cluster: Cluster) -> None:
        cluster["h3"].program = odd_host.main
        cluster["h3"].options["FLOE_ODD_CLOCK_S"] = "600"

    with clustered(tmp_path / "c", FLOWS, TAGS, prepare=prepare) as (cluster, _):
        assert_said(
            (cluster["h1"], ("h3: its clock is", "ahead")),
            (cluster["h3"], ("h1: its clock is", "behind")),
        )
        run = cluster["h1"].trigger("west")
        assert cluster["h1"].until_over(run)["host"] == "h3"


def test_keeper_that_is_away(tmp_path: Path) -> None:
    with clustered(tmp_path / "c", FLOWS, TAGS) as (cluster, _):
        cluster["h1"].kill()

        assert_said((cluster["h2"], ("h1: was not seen",)))
        assert_waits(cluster["h2"], "crane", "keeper h1")


def test_host_that_comes_back_with_an_empty_store(tmp_path: Path) -> None:
    with clustered(tmp_path / "c", FLOWS, TAGS) as (cluster, _):
        cluster["h3"].kill()
        cluster["h3"].wipe()
        cluster["h3"].start()

        assert_said((cluster["h1"], ("h3: lost its store",)))
        assert_waits(cluster["h1"], "west", "lost its store")


def test_host_that_is_forgotten_with_its_old_store_takes_runs_again(tmp_path: Path) -> None:
    with clustered(tmp_path / "c", FLOWS, TAGS) as (cluster, _):
        h1 = cluster["h1"]
        cluster["h3"].kill()
        cluster["h3"].wipe()
        cluster["h3"].start()
        until(lambda: _with(h1.problems(), ("lost its store",)), "h3 lost its store")

        forgotten = floe(h1, "host", "forget", "h3", "--force")

        assert forgotten.returncode == 0, forgotten
        run = h1.trigger("west")
        assert h1.until_over(run)["host"] == "h3"


def test_two_runs_of_one_short_name_are_listed_and_shown_by_names_of_their_own(
    tmp_path: Path,
) -> None:
    with clustered(tmp_path / "c", FLOWS, TAGS) as (cluster, _):
        h1, h2 = cluster["h1"], cluster["h2"]
        short = h2.trigger("west")
        old = h1.until_over(short)
        h2.lose_store(h1, cluster["h3"])
        assert h2.trigger("west") == short
        new = h1.until_over(short)

        listed = said(floe(h1, "runs"))
        shown = {id: as_json(floe(h1, "show", id, "--json")) for id in (short, old["key"])}

        assert {line.split()[0] for line in listed.splitlines()[1:]} == {short, old["key"]}
        assert {id: run["key"] for id, run in shown.items()} == {
            short: new["key"],
            old["key"]: old["key"],
        }
