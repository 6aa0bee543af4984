"""Sealed runs in a cluster with a bucket: sent, packed and removed without a value in clear."""

import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.people import floe, said
from tests.acceptance.planted import content, traces_of
from tests.acceptance.product import until
from tests.make_bucket import CREDENTIALS, S3Server, an_s3_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("bucket")]

TAGS = {"h1": "linux,east", "h2": "linux,mid", "h3": "linux,west"}
PLANTED = {"value": "value-4f9d2c7e81", "output": "output-7e814f9d2c"}
FLOWS = """
  - id: near
    host-tags: [east]
    triggers: [{id: go, type: data}]
    tasks:
      - {id: sub, type: flow, listen: trigger.good, opts: {flow: mid, values: {card: x}}}
  - id: mid
    seal: true
    host-tags: [mid]
    inputs: [{id: card}]
    outputs: {receipt: '{{ task.charge.outputs.receipt }}'}
    triggers: [{id: go, type: data}]
    tasks:
      - {id: charge, type: exec, listen: trigger.good, opts: {cmd: sh, args: [$HERE/charge.sh]}}
      - {id: sign, type: data, listen: task.charge.good, opts: {form: {fields: [{id: word}]}}}
  - id: west
    seal: true
    host-tags: [west]
    inputs: [{id: card}]
    triggers: [{id: go, type: data}]
    tasks:
      - {id: say, type: exec, listen: trigger.good, opts: {cmd: 'true'}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with an_s3_server() as server:
        yield server


@pytest.fixture(scope="module")
def cluster(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three hosts, of which h1 and h2 have the same key; that of h3 differs."""

    def prepare(cluster: Cluster) -> None:
        bucket = f"{{name: ci-runs, endpoint: '{server.url}', copies: 0}}"
        for id, key in {"h1": "ab", "h2": "ab", "h3": "cd"}.items():
            file = cluster.folder / f"{id}.key"
            file.write_text(key * 32 + "\n")
            file.chmod(0o600)
            given = {"store-type": "ec2", "bucket": bucket, "secret-key-file": str(file)}
            cluster.configure(id, **given)
            cluster[id].options |= CREDENTIALS

    folder = tmp_path_factory.mktemp("sealed") / "all"
    folder.mkdir()
    (folder / "charge.sh").write_text(f'echo "receipt={PLANTED["output"]}" >> "$FLOE_OUTPUTS"')
    with clustered(folder, FLOWS.replace("$HERE", str(folder)), TAGS, prepare=prepare) as (it, _):
        yield it


def in_files(cluster: Cluster) -> list[str]:
    """The files of all hosts with a planted text; workspaces are the commands' own."""
    roots = [host.root for host in cluster.hosts.values()]
    files = (path for root in roots for path in root.rglob("*") if path.is_file())
    return [
        str(path)
        for path in files
        if "spaces" not in path.parts and traces_of(PLANTED, content(path))
    ]


def objects(server: S3Server) -> dict[str, bytes]:
    """The files in the bucket, unpacked."""
    found = {name: bytes(server.store().get(name).bytes()) for name in server.names()}
    zips = {name: ZipFile(io.BytesIO(data)) for name, data in found.items()}
    return {name: b"".join(map(one.read, one.namelist())) for name, one in zips.items()}


def ended(cluster: Cluster) -> str:
    """A run that h1 adopted and h2 ran."""
    h1 = cluster["h1"]
    run = h1.trigger("mid", card=PLANTED["value"])
    h1.until_node(run, "sign", "asking")
    h1.give(run, "sign", word="ok")
    assert h1.until_over(run)["host"] == "h2"
    return run


def test_a_peer_with_the_key_runs_it_and_no_file_has_its_values(
    cluster: Cluster, server: S3Server
) -> None:
    run = ended(cluster)

    h1, h2 = cluster["h1"], cluster["h2"]
    assert h1.show(run)["outputs"] == {"receipt": PLANTED["output"]}
    until(lambda: any("mid" in str(o) for o in objects(server).values()), "its object")
    assert traces_of(PLANTED, b"".join(objects(server).values())) == []
    until(lambda: not in_files(cluster), "no file with a value")
    for host in (h1, h2, cluster["h3"]):
        assert traces_of(PLANTED, json.dumps(host.api.get("runs")).encode()) == []


def test_the_outputs_of_a_sealed_child_come_back(cluster: Cluster) -> None:
    h1 = cluster["h1"]
    parent = h1.trigger("near")
    [child] = until(lambda: h1.show(parent)["children"], "the child")
    h1.until_node(str(child["run"]), "sign", "asking")

    h1.give(str(child["run"]), "sign", word="ok")

    h1.until_over(parent)
    assert h1.node(parent, "sub")["outputs"] == {"receipt": PLANTED["output"]}


def test_a_peer_that_is_killed_goes_on_with_it(cluster: Cluster) -> None:
    h1, h2 = cluster["h1"], cluster["h2"]
    run = h1.trigger("mid", card=PLANTED["value"])
    h1.until_node(run, "sign", "asking")
    h2.kill()
    cluster.start("h2")
    cluster.until_met("h1", "h2")

    h1.give(run, "sign", word="ok")

    assert h1.until_over(run)["outputs"] == {"receipt": PLANTED["output"]}


def test_its_adopter_reads_it_in_the_bucket_while_its_host_is_away(cluster: Cluster) -> None:
    h1, h2 = cluster["h1"], cluster["h2"]
    run = ended(cluster)
    until(lambda: h1.show(run)["phase"] == "packed", "its object")
    h2.kill()

    shown = h1.show(run)

    cluster.start("h2")
    cluster.until_met("h1", "h2")
    assert (shown["values"], shown["good"]) == ({"card": PLANTED["value"]}, True)


def test_a_run_waits_while_no_host_has_its_key_and_why_names_it(cluster: Cluster) -> None:
    h1 = cluster["h1"]
    run = h1.trigger("west", card=PLANTED["value"])

    until(lambda: "has no key" in said(floe(h1, "why", run)), "the reason")

    assert "h3" in said(floe(h1, "why", run))
    file = cluster.folder / "h3.key"
    file.write_text(file.read_text() + (cluster.folder / "h1.key").read_text())
    assert h1.until_over(run)["host"] == "h3"


def test_a_removed_run_leaves_no_key_at_any_host(cluster: Cluster, server: S3Server) -> None:
    run = ended(cluster)
    h1, h2 = cluster["h1"], cluster["h2"]
    key = h1.show(run)["key"]

    done = said(floe(h2, "prune", "--host", "h2", "--flow", "mid", "--keep-bytes", "1"))

    assert "sealed:" in done
    for host in (h1, h2):
        until(lambda host=host: not run_keys(host.root, key), f"no key at {host.id}")  # type: ignore[misc]  # mypy has no type for a default of a lambda


def run_keys(root: Path, key: str) -> bool:
    """Whether the ledger of a host has the key of a run."""
    with sqlite3.connect(f"file:{root / 'floe.db'}?mode=ro", uri=True) as db:
        sql = "SELECT count(*) FROM ledger WHERE kind = 'runkey' AND key = ?"
        return bool(db.execute(sql, (key,)).fetchone()[0])
