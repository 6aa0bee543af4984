"""Sealed runs on a real host: their values are in nothing that floe wrote, and nowhere in clear."""

import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.cluster_watch import watching
from tests.acceptance.conftest import HostOf
from tests.acceptance.people import floe, said
from tests.acceptance.planted import content, traces_of
from tests.acceptance.product import Host, until

pytestmark = pytest.mark.slow

PLANTED = {
    "value": "value-4f9d2c7e81",
    "output": "output-7e814f9d2c",
    "answer": "answer-c7e814f9d2",
    "child": "child-2c7e814f9d",
}
CONFIG = """
flows:
  - id: pay
    seal: true
    inputs: [{id: card}]
    outputs: {receipt: '{{ task.charge.outputs.receipt }}'}
    triggers: [{id: go, type: data}]
    tasks:
      - id: charge
        type: exec
        listen: trigger.good
        opts:
          cmd: sh
          args: [$HERE/charge.sh, '{{ values.card }}']
      - id: never
        type: exec
        listen: task.charge.good
        if: values.card == 'none'
        opts: {cmd: 'true'}
      - id: each
        type: exec
        listen: task.charge.good
        foreach: '[values.card, task.charge.outputs.receipt]'
        opts: {cmd: 'true', args: ['{{ item }}']}
      - {id: sub, type: flow, listen: task.each.good, opts: {flow: sub}}
      - id: sign
        type: data
        listen: task.sub.good
        opts: {form: {fields: [{id: word}]}}
      - id: bad
        type: exec
        listen: task.sign.good
        opts: {shell: 'exit 3'}
  - id: sub
    outputs: {own: '{{ task.make.outputs.own }}'}
    triggers: [{id: go, type: data}]
    tasks:
      - {id: make, type: exec, listen: trigger.good, opts: {cmd: sh, args: [$HERE/sub.sh]}}
"""


@pytest.fixture
def host(host_of: HostOf, tmp_path: Path) -> Host:
    (tmp_path / "charge.sh").write_text(f'echo "receipt={PLANTED["output"]}" >> "$FLOE_OUTPUTS"')
    (tmp_path / "sub.sh").write_text(f'echo "own={PLANTED["child"]}" >> "$FLOE_OUTPUTS"')
    return host_of(CONFIG)


def in_files(root: Path, secrets: Mapping[str, str] = PLANTED) -> dict[str, list[str]]:
    """The files under a folder with a planted text; workspaces are the commands' own."""
    files = (path for path in root.rglob("*") if path.is_file() and "spaces" not in path.parts)
    found = {str(path): traces_of(secrets, content(path)) for path in files}
    return {path: names for path, names in found.items() if names}


def until_asked(host: Host) -> str:
    run = host.trigger("pay", card=PLANTED["value"])
    until(lambda: host.node(run, "sign")["state"] == "asking", "the form")
    return run


def ended(host: Host) -> str:
    run = until_asked(host)
    host.give(run, "sign", word=PLANTED["answer"])
    host.until_over(run)
    return run


def test_no_file_has_a_value_of_a_sealed_run(host: Host) -> None:
    ended(host)

    until(lambda: not in_files(host.root), "the removal of the inputs of its commands")
    host.kill()
    assert in_files(host.root) == {}
    assert traces_of(PLANTED, host.log.read_bytes()) == []


def test_no_list_and_no_frame_has_a_value_of_a_sealed_run(host: Host) -> None:
    with watching(host) as seen:
        ended(host)

    assert traces_of(PLANTED, json.dumps(seen.frames).encode()) == []
    assert traces_of(PLANTED, json.dumps(host.api.get("runs")).encode()) == []
    assert host.api.get("runs", text=PLANTED["value"])["runs"] == []


def test_who_has_the_run_reads_its_values(host: Host) -> None:
    run = until_asked(host)
    host.kill()
    host.start()
    host.give(run, "sign", word=PLANTED["answer"])

    shown = host.until_over(run)

    assert shown["values"] == {"card": PLANTED["value"]}
    assert shown["outputs"] == {"receipt": PLANTED["output"]}
    assert host.node(run, "sub")["outputs"] == {"own": PLANTED["child"]}
    assert PLANTED["value"] in said(floe(host, "why", run))


def test_a_rerun_is_sealed_under_a_key_of_its_own(host: Host) -> None:
    run = ended(host)

    again = host.rerun(run, failed=True)
    host.until_over(again)

    assert host.show(again)["values"] == {"card": PLANTED["value"]}
    until(lambda: not in_files(host.root), "the removal of the inputs of its commands")
    with closing(sqlite3.connect(host.root / "floe.db")) as db:
        [(count,)] = db.execute("SELECT count(*) FROM ledger WHERE kind = 'runkey'")
    assert count == 3


def test_a_host_without_the_key_lists_the_run_and_goes_on(host: Host) -> None:
    run = until_asked(host)
    host.kill()
    key = host.root / "vault.key"
    shutil.move(key, host.folder / "away.key")
    host.start()

    [row] = [one for one in host.api.get("runs")["runs"] if one["flow"] == "pay"]
    why = floe(host, "why", run)

    assert row["state"] == "active"
    assert "is sealed with the key" in floe(host, "cancel", run).stderr
    assert "is sealed with the key" in why.stdout + why.stderr
    assert host.until_over(host.trigger("sub"))["good"]


def test_a_run_goes_on_once_its_key_is_back(host: Host) -> None:
    run = until_asked(host)
    host.kill()
    key = host.root / "vault.key"
    shutil.move(key, host.folder / "away.key")
    host.start()

    shutil.move(host.folder / "away.key", key)

    until(lambda: b"runs.key_back" in host.log.read_bytes(), "the run")
    host.give(run, "sign", word=PLANTED["answer"])
    assert host.until_over(run)["outputs"] == {"receipt": PLANTED["output"]}


def test_a_backup_of_a_removed_run_cannot_be_read_after_a_rotation(host: Host) -> None:
    run = ended(host)
    backup = host.folder / "floe.db"
    with closing(sqlite3.connect(host.root / "floe.db")) as db:
        db.execute("VACUUM INTO ?", (str(backup),))
    host.api.post("hosts/h1/prune", {"keep": {"bytes": 1}})

    assert "the new key is" in said(floe(host, "secret", "rotate"))

    host.stop()
    for name in ("floe.db", "floe.db-wal", "floe.db-shm"):
        (host.root / name).unlink(missing_ok=True)
    shutil.copy(backup, host.root / "floe.db")
    host.start()
    assert "is sealed with the key" in floe(host, "show", run).stderr
    assert [row["id"] for row in host.api.get("runs")["runs"] if row["flow"] == "pay"] == [run]
