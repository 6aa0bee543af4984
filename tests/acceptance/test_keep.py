"""Ended runs that a host does not keep: on real processes, with crashes, and in a cluster."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from floe.cli.client import Client
from floe.model.errors import Theirs, Yours
from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.people import floe
from tests.acceptance.product import Host, Shape, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CONFIG = """
common:
  keep: {runs: 0, days: 0}
flows:
  - name: quick
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {shell: 'echo hello; echo x > left'}}
      - {name: done, type: end, listen: task.say.good}
"""

ROUTES = (
    "runs/{run}",
    "flows/quick/runs/{run}",
    "runs/{run}/events",
    "runs/{run}/why",
    "runs/{run}/nodes/say",
    "runs/{run}/nodes/say/log",
    "runs/{run}/nodes/say/log/lines",
    "runs/{run}/rerun",
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path, CONFIG)
    host.start()
    yield host
    host.close()


def a_run(host: Host) -> str:
    run = host.trigger("quick")
    host.until_over(run)
    until(lambda: host.show(run)["phase"] == "packed", "its packing")
    return run


def keys(host: Host) -> list[str]:
    return [run["id"] for run in host.api.get("runs")["runs"]]


def refusal(host: Host, path: str) -> Yours:
    with pytest.raises(Yours) as caught:
        host.api.get(path)
    return caught.value


@contextmanager
def asked(host: Host, body: Shape) -> Iterator[None]:
    """A request to remove runs, whose reply may never come."""
    client = Client(host.api.at)

    def ask() -> None:
        with suppress(Theirs):
            client.post("hosts/h1/prune", body)

    thread = Thread(target=ask)
    thread.start()
    yield
    thread.join()
    client.close()


def left(host: Host) -> list[str]:
    """The folders of runs that are on the disk."""
    folders = [*(host.root / "runs").glob("*"), *(host.root / "spaces").glob("*/ws/*")]
    return sorted(folder.name for folder in folders)


def test_a_removed_run_is_gone_on_every_route_and_shows_when_and_why(host: Host) -> None:
    old, new = a_run(host), a_run(host)

    shown = floe(host, "prune", "--keep-runs", "1")

    assert "1 run and 1 workspace" in shown.stdout
    until(lambda: keys(host) == [new], "the removal")
    for route in ROUTES:
        error = refusal(host, route.format(run=old))
        assert "was removed at 20" in error.what, route
        assert "only the newest run of quick is kept" in error.what, route
    until(lambda: len(left(host)) == 2, "the removal of the files")


def test_the_command_line_reports_that_a_run_was_removed(host: Host) -> None:
    old, new = a_run(host), a_run(host)
    floe(host, "prune", "--keep-runs", "1")
    until(lambda: keys(host) == [new], "the removal")

    for words in (("show", old), ("why", old), ("log", old, "say"), ("rerun", old)):
        refused = floe(host, *words)
        assert refused.returncode == 2, words
        assert "was removed at" in refused.stderr, words


def test_a_dry_run_shows_what_would_go(host: Host) -> None:
    old, new = a_run(host), a_run(host)

    shown = floe(host, "prune", "--keep-runs", "1", "--dry-run")

    assert f"{old}  run" in shown.stdout
    assert "1 run and 1 workspace would go" in shown.stdout
    assert keys(host) == [new, old]


def test_runs_beyond_the_limit_go_by_themselves(host: Host) -> None:
    runs = [a_run(host) for _ in range(3)]
    host.stop()
    host.config.write_text(host.config.read_text().replace("runs: 0", "runs: 1"))

    host.start()
    until(lambda: keys(host) == [runs[-1]], "the removal")
    until(lambda: len(left(host)) == 2, "the removal of the files")


def test_disk_use_is_shown(host: Host) -> None:
    a_run(host)
    floe(host, "prune")

    disk: Shape = {}

    def is_measured() -> bool:
        disk.update(host.api.get("hosts")["hosts"][0]["disk"] or {})
        return bool(disk)

    until(is_measured, "the measurement")
    assert min(disk["store"], disk["workspaces"], disk["outputs"]) > 0
    assert "DISK" in floe(host, "hosts").stdout


def test_a_host_that_is_killed_while_it_removes_runs_leaves_no_half(host: Host) -> None:
    runs = [a_run(host) for _ in range(12)]

    for most in (9, 6, 3):
        known = len(keys(host))
        with asked(host, {"keep": {"runs": most}}):
            until(lambda: len(keys(host)) < known, "the first removals")  # noqa: B023  # at once
            host.kill()
        host.start()

    host.api.post("hosts/h1/prune", {"keep": {"runs": 2}})
    until(lambda: keys(host) == runs[:-3:-1], "the removal")
    until(lambda: len(left(host)) == 4, "the removal of the files")
    assert all(host.output(run, "say") == b"hello\n" for run in runs[-2:])


WEST = """
  - name: quick
    host-tags: [west]
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {cmd: echo hello}}
      - {name: done, type: end, listen: task.say.good}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with clustered(tmp_path / "all", WEST) as (cluster, _):
        yield cluster


def test_a_run_that_its_host_removes_leaves_the_lists_of_all_hosts(cluster: Cluster) -> None:
    h1, h3 = cluster.hosts["h1"], cluster.hosts["h3"]
    run = h1.trigger("quick")
    h1.until_over(run)
    assert h1.show(run)["host"] == "h3"
    until(lambda: all(keys(host) == [run] for host in cluster.hosts.values()), "the rows")
    until(lambda: h1.show(run)["phase"] == "packed", "its packing")

    def is_removed() -> bool:
        h3.api.post("hosts/h3/prune", {"keep": {"days": 1e-9}})
        return keys(h3) == []

    until(is_removed, "the removal, once its end is acknowledged")

    for host in cluster.hosts.values():
        until(lambda: keys(host) == [], f"the removal at {host.id}")  # noqa: B023  # at once
        for route in ("runs/{run}", "runs/{run}/why", "runs/{run}/nodes/say/log"):
            assert "was removed at 20" in refusal(host, route.format(run=run)).what


def test_a_host_that_was_away_learns_of_a_removal(cluster: Cluster) -> None:
    h1, h2, h3 = (cluster.hosts[id] for id in ("h1", "h2", "h3"))
    run = h1.trigger("quick")
    h1.until_over(run)
    until(lambda: keys(h2) == [run], "the row")
    h2.kill()

    def is_removed() -> bool:
        h3.api.post("hosts/h3/prune", {"keep": {"days": 1e-9}})
        return keys(h1) == []

    until(is_removed, "the removal")
    h2.start()

    until(lambda: keys(h2) == [], "the removal at h2")
