"""Hosts of a cluster with one bucket: they show the ended runs of hosts that do not answer."""

from collections.abc import Iterator

import pytest

from floe.model.errors import Theirs
from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.people import floe
from tests.acceptance.product import until
from tests.make_bucket import CREDENTIALS, S3Server, an_s3_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("bucket")]

LAB = """
  - name: quick
    host-tags: [lab]
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {shell: 'echo "at $FLOE_HOST"'}}
      - {name: try, type: exec, listen: task.say.good, opts: {shell: '[ -e "$HERE/works" ]'}}
      - {name: done, type: end, listen: task.try.good}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with an_s3_server() as server:
        yield server


@pytest.fixture(scope="module")
def hosts(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    def prepare(cluster: Cluster) -> None:
        bucket = f"{{name: ci-runs, endpoint: '{server.url}', copies: 0}}"
        for id, host in cluster.hosts.items():
            cluster.configure(id, **{"store-type": "ec2", "bucket": bucket})
            host.options |= CREDENTIALS

    folder = tmp_path_factory.mktemp("bucket") / "all"
    with clustered(folder, LAB, prepare=prepare) as (cluster, _):
        yield cluster


@pytest.fixture
def cluster(hosts: Cluster, server: S3Server) -> Iterator[Cluster]:
    """All of them at work; the last test takes one away permanently."""
    if away := [id for id, host in hosts.hosts.items() if not host.is_up()]:
        hosts.start(*away)
    hosts.until_met(*hosts.hosts)
    until(lambda: "its bucket" not in str(hosts["h1"].api.get("hosts")), "the bucket answers")
    yield hosts
    server.door.open()


def ended(cluster: Cluster) -> tuple[str, str]:
    """A run that was started at h1 and ended elsewhere, as h1 knows; and its host."""
    h1 = cluster["h1"]
    run = h1.trigger("quick")
    host = str(h1.until_over(run)["host"])
    row = {"id": run, "state": "archive"}
    until(lambda: row.items() <= h1.api.get("runs")["runs"][0].items(), "the row at h1")
    return run, host


def test_run_of_a_host_that_is_away_is_shown_from_the_bucket(cluster: Cluster) -> None:
    run, host = ended(cluster)
    h1 = cluster["h1"]
    before, events = h1.show(run), h1.events(run)
    cluster[host].kill()

    assert h1.output(run, "say") == f"at {host}\n".encode()
    after = h1.show(run)
    same = ("id", "flow", "state", "good", "why", "host", "started_at", "ended_at", "title")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert [node["state"] for node in after["nodes"]] == [n["state"] for n in before["nodes"]]
    assert h1.events(run) == events[:-1]
    assert floe(h1, "log", run, "say").stdout == f"at {host}\n"
    assert "try" in floe(h1, "why", run).stdout.lower()


def test_run_of_a_host_that_is_away_is_run_again(cluster: Cluster) -> None:
    run, host = ended(cluster)
    h1 = cluster["h1"]
    cluster[host].kill()
    (cluster.folder / "works").touch()

    again = h1.rerun(run, failed=True)

    assert h1.until_over(again)["good"]
    assert h1.show(again)["host"] != host
    assert h1.output(again, "say") == f"at {host}\n".encode()


def test_run_is_refused_while_its_host_and_the_bucket_are_away(
    cluster: Cluster, server: S3Server
) -> None:
    run, host = ended(cluster)
    cluster[host].kill()
    server.door.close()

    with pytest.raises(Theirs, match=host):
        cluster["h1"].api.get(f"runs/{run}")


def test_run_of_a_host_that_was_forgotten_is_shown_from_the_bucket(cluster: Cluster) -> None:
    run, host = ended(cluster)
    h1 = cluster["h1"]
    cluster[host].kill()

    h1.api.post(f"hosts/{host}/forget", {"force": True})

    assert h1.output(run, "say") == f"at {host}\n".encode()
    assert h1.show(run)["state"] == "archive"
