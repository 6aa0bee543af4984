"""`floe store reindex`: the lists of real hosts, made again from their logs."""

import asyncio
import json
import signal
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from floe.model.ids import Instant, RunRef
from floe.store.base import Append, Batch, RunQuery
from floe.store.sqlite import SqliteStore
from tests.acceptance.cluster import WEST, clustered
from tests.acceptance.people import as_json, floe, hosted, said
from tests.acceptance.product import FLOE, Host, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CONFIG = """
flows:
  - name: quick
    triggers:
      - {name: start, type: data, opts: {form: {fields: [{id: env, prompt: Where?}]}}}
    tasks: [{name: done, type: end, listen: trigger.good}]
"""
MANY = 3_000


def altered(host: Host, script: str) -> None:
    with closing(sqlite3.connect(host.root / "floe.db")) as conn:
        conn.executescript(script)


def found(host: Host, sql: str) -> Any:
    with closing(sqlite3.connect(f"file:{host.root / 'floe.db'}?mode=ro", uri=True)) as conn:
        return conn.execute(sql).fetchall()


def words(host: Host) -> tuple[str, ...]:
    return "store", "reindex", "--root", str(host.root), "--conf", str(host.config)


def copied(root: Path, count: int) -> None:
    """Make copies of the one run of a stopped host."""

    async def copy() -> None:
        store = SqliteStore(root)
        await store.open()
        [row] = (await store.runs(RunQuery())).runs
        ref = RunRef.parse(row.key)
        model = [stored.record for stored in await store.history(ref)]
        appends = []
        for serial in range(ref.serial + 1, ref.serial + count):
            run = RunRef(ref.host, ref.store, serial)
            at = Instant(row.pended_at - serial)
            summary = replace(row, id=str(run), key=run.key, pended_at=at)
            records = tuple(replace(record, run=run) for record in model)
            appends.append(
                Append(run=run, epoch=row.epoch, after=0, records=records, summary=summary)
            )
        await store.append(Batch(appends=appends, promise=True))
        await store.close()

    asyncio.run(copy())


def row(host: Host, run: str) -> Any:
    """The row of a run in a host's list."""
    return next((one for one in host.api.get("runs")["runs"] if one["id"] == run), {"state": ""})


def test_damaged_row_is_right_again_in_the_list(tmp_path: Path) -> None:
    with hosted(tmp_path, CONFIG) as host:
        run = host.trigger("quick", env="prod")
        right = host.until_over(run)
        host.stop()
        altered(host, "UPDATE runs SET title = 'wrong', terms = '', search = '', edition = 0")

        output = said(floe(host, *words(host)))

        host.start()
        [row] = host.api.get("runs", text="prod")["runs"]
        assert (row["id"], row["title"], row["active_at"]) == (run, right["title"], row["ended_at"])
        assert "rows of 1 runs derived again; changed: 1" in output


def test_host_that_runs_is_refused_with_exit_code_3(tmp_path: Path) -> None:
    with hosted(tmp_path, CONFIG) as host:
        done = floe(host, *words(host))

    assert done.returncode == 3
    assert "in use by process" in done.stderr


def test_folder_without_a_store_is_refused_and_not_made(tmp_path: Path) -> None:
    with hosted(tmp_path / "host", CONFIG) as host:
        done = floe(host, "store", "reindex", "--root", str(tmp_path / "none"))

    assert done.returncode == 3
    assert "there is no store in" in done.stderr
    assert not (tmp_path / "none").exists()


def test_log_that_cannot_be_read_is_named_with_exit_code_1(tmp_path: Path) -> None:
    with hosted(tmp_path, CONFIG) as host:
        bad, good = (host.until_over(host.trigger("quick", env="x"))["key"] for _ in range(2))
        host.stop()
        altered(host, f"UPDATE log SET body = '' WHERE run = '{bad}' AND seq = 1")  # noqa: S608 - a key
        altered(host, "UPDATE runs SET title = 'old', edition = 0")

        done = floe(host, *words(host), "--json")

        answer = json.loads(done.stdout)
        titles = dict(found(host, "SELECT key, title FROM runs"))
        assert done.returncode == 1
        assert (answer["runs"], answer["changed"]) == (2, 1)
        assert [log["run"] for log in answer["unreadable"]] == [bad]
        assert titles == {bad: "old", good: "env x"}


def test_sealed_run_is_derived_with_its_key_alone(tmp_path: Path) -> None:
    with hosted(
        tmp_path, CONFIG.replace("  - name: quick", "  - name: quick\n    seal: true")
    ) as host:
        host.until_over(host.trigger("quick", env="planted"))
        host.stop()
        altered(host, "UPDATE runs SET terms = 'old', edition = 0")
        keys = host.root / "vault.key"
        keys.rename(tmp_path / "away")

        lacking = floe(host, *words(host), "--json")
        (tmp_path / "away").rename(keys)
        found_again = floe(host, *words(host), "--json")

        assert (lacking.returncode, found_again.returncode) == (1, 0)
        assert "is sealed" in json.loads(lacking.stdout)["unreadable"][0]["why"]
        assert found(host, "SELECT terms FROM runs") == [("",)]


def test_reindex_that_is_killed_loses_nothing_and_is_started_again(tmp_path: Path) -> None:
    with hosted(tmp_path, CONFIG) as host:
        host.until_over(host.trigger("quick", env="x"))
        host.stop()
        copied(host.root, MANY)
        altered(host, "UPDATE runs SET title = 'old', edition = 0")
        changed = "SELECT count(*) FROM runs WHERE edition > 0"
        log = found(host, "SELECT run, seq, body FROM log ORDER BY pos")
        with subprocess.Popen([FLOE[0], *words(host)], cwd=tmp_path) as process:
            until(lambda: found(host, changed)[0][0] or process.poll() is not None, "its start")
            process.send_signal(signal.SIGKILL)

        before = found(host, changed)[0][0]
        answer = as_json(floe(host, *words(host), "--json"))

        assert answer == {"runs": MANY, "changed": MANY - before, "unreadable": []}
        assert found(host, "SELECT DISTINCT title FROM runs") == [("env x",)]
        assert found(host, "SELECT run, seq, body FROM log ORDER BY pos") == log
        host.start()
        assert len(host.api.get("runs", limit=500)["runs"]) == 500


def test_other_hosts_take_the_rows_that_were_made_again(tmp_path: Path) -> None:
    with clustered(tmp_path / "c", WEST, {"h1": "linux", "h2": "linux,west"}) as (cluster, _):
        h1, h2 = cluster["h1"], cluster["h2"]
        run = h2.trigger("west")
        h2.until_over(run)
        until(lambda: row(h1, run)["state"] == "archive", "the row at h1")
        for host in (h1, h2):
            host.stop()
            altered(host, "UPDATE runs SET why = 'wrong', edition = 0")

        said(floe(h2, *words(h2)))

        cluster.start()
        until(lambda: row(h1, run) == row(h2, run), "the new row at h1")
        assert row(h1, run)["why"] != "wrong"
