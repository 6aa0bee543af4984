"""The SQLite store among real processes, kills, full disks and foreign files."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from floe.model.errors import StoreBusy, StoreFailed, StoreForeign
from floe.model.ids import HostId
from floe.store.base import Batch, RunQuery
from floe.store.sql import migrations
from floe.store.sqlite import SqliteStore
from tests.make_store import (
    a_batch,
    a_note,
    a_pend,
    a_removal,
    a_row,
    a_run,
    a_summary,
    an_append,
    records_of,
)

WITH_TRIGGERS = (
    "DROP TABLE facets; CREATE TABLE facets" + (migrations()[9].partition("CREATE TABLE facets")[2])
)
"""What migration 12 took away."""

WITHOUT_EPOCHS = WITH_TRIGGERS + "ALTER TABLE pruned DROP COLUMN epoch; "
"""What migration 11 added."""

WITHOUT_FACETS = WITHOUT_EPOCHS + (
    "DROP TRIGGER facets_of_new_row; DROP TRIGGER facets_of_changed_row; "
    "DROP TRIGGER facets_of_removed_row; DROP TABLE facets; "
    "ALTER TABLE runs DROP COLUMN label; ALTER TABLE runs DROP COLUMN active_at; "
    "ALTER TABLE runs DROP COLUMN due; ALTER TABLE runs DROP COLUMN edition; "
    "ALTER TABLE runs DROP COLUMN facets; "
)
"""What migration 10 added, and 11."""

WITHOUT_PARENTS = WITHOUT_FACETS + (
    "DROP INDEX runs_by_parent; ALTER TABLE runs DROP COLUMN parent; "
    "ALTER TABLE runs DROP COLUMN awaited; "
)
"""What migrations 8 and 9 added, and 10."""

WITHOUT_SKIPPED = WITHOUT_PARENTS + (
    "ALTER TABLE runs DROP COLUMN ran; ALTER TABLE runs DROP COLUMN skipped; "
)
"""What migration 7 added, and 8."""

WITHOUT_PRUNED = WITHOUT_SKIPPED + (
    "DROP TABLE pruned; DROP INDEX runs_again; DROP INDEX ledger_once; "
    "ALTER TABLE runs DROP COLUMN rerun_of; ALTER TABLE runs DROP COLUMN digest; "
    "ALTER TABLE runs DROP COLUMN output_bytes; "
)
"""What migration 5 added, and later ones did."""

WITHOUT_TITLES = WITHOUT_PRUNED + (
    "DROP INDEX runs_failing; DROP INDEX runs_by_result; ALTER TABLE runs DROP COLUMN result; "
    "ALTER TABLE runs DROP COLUMN title; ALTER TABLE runs DROP COLUMN terms;"
)
"""What migration 4 added, and what later ones did."""

HOUSE = Path(__file__).parents[2]

PRELUDE = """
import asyncio, os, resource, sys
from pathlib import Path
from floe.model.errors import StoreFailed
from floe.store.base import Batch
from floe.store.sqlite import SqliteStore
from tests.make_store import a_batch, a_note, a_run, a_summary, an_append

def batch(n, promise):
    run = a_run()
    row = a_summary(run, why=str(n), seq=3 * n + 3)
    return Batch(appends=(an_append(run, 3 * n, 3, summary=row),),
                 ledger=(a_note("n", n),), promise=promise)
"""


@contextmanager
def a_process(body: str, *args: str) -> Iterator["subprocess.Popen[str]"]:
    """Another process that runs the body of an async function; killed at the end."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    script = f"{PRELUDE}\nasync def main():\n{lines}\nasyncio.run(main())\n"
    with subprocess.Popen(
        [sys.executable, "-c", script, *args],
        env=os.environ | {"PYTHONPATH": str(HOUSE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(tmp_path)
    await made.open()
    yield made
    await made.close()


async def opened_and_closed(root: Path) -> None:
    store = SqliteStore(root)
    await store.open()
    await store.close()


async def a_closed_store(root: Path) -> None:
    store = SqliteStore(root)
    await store.open()
    await store.append(a_batch(an_append(a_run())))
    await store.close()


def altered(root: Path, sql: str) -> None:
    with closing(sqlite3.connect(root / "floe.db")) as conn:
        conn.executescript(sql)


# Deaths


@pytest.mark.parametrize("promise", ["", "promise"], ids=["step", "promise"])
async def test_what_was_acknowledged_survives_kill_9_and_nothing_is_torn(
    tmp_path: Path, promise: str
) -> None:
    body = """
store = SqliteStore(Path(sys.argv[1]))
await store.open()
for n in range(1_000_000):
    await store.append(batch(n, bool(sys.argv[2])))
    print(n, flush=True)
"""
    with a_process(body, str(tmp_path), promise) as process:
        while int(line_of(process)) < 100:
            pass
        process.kill()
        assert process.stdout is not None
        said = process.stdout.read().split()
    acknowledged = int(said[-1]) if said else 100
    store = SqliteStore(tmp_path)
    await store.open()

    history = records_of(await store.history(a_run()))
    last = await store.row("mark", "n")
    row = await store.find(a_run())

    assert isinstance(last, int)
    assert acknowledged <= last <= acknowledged + 1
    assert [record.seq for record in history] == list(range(1, 3 * (last + 1) + 1))
    assert row is not None
    assert row.why == str(last)
    await store.close()


async def test_a_process_that_never_closes_still_ends(tmp_path: Path) -> None:
    body = """
store = SqliteStore(Path(sys.argv[1]))
await store.open()
await store.append(batch(0, True))
"""
    with a_process(body, str(tmp_path)) as process:
        assert await asyncio.to_thread(process.wait, 30) == 0
    store = SqliteStore(tmp_path)
    await store.open()

    assert len(await store.history(a_run())) == 3
    await store.close()


async def test_a_store_killed_while_it_was_made_opens_as_new(tmp_path: Path) -> None:
    (tmp_path / "floe.db").touch()
    await a_closed_store(tmp_path)

    (tmp_path / "other").mkdir()
    with closing(sqlite3.connect(tmp_path / "other" / "floe.db")) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
    await a_closed_store(tmp_path / "other")


# The lock


async def test_a_second_process_learns_which_process_uses_the_store(tmp_path: Path) -> None:
    body = """
store = SqliteStore(Path(sys.argv[1]))
await store.open()
print("open", flush=True)
sys.stdin.read()
"""
    with a_process(body, str(tmp_path)) as process:
        assert line_of(process) == "open"

        with pytest.raises(StoreBusy, match=rf"in use by process {process.pid} on "):
            await SqliteStore(tmp_path).open()

    await a_closed_store(tmp_path)


async def test_two_stores_of_one_process_do_not_share_a_folder(
    store: SqliteStore, tmp_path: Path
) -> None:
    second = SqliteStore(tmp_path)

    with pytest.raises(StoreBusy, match=f"process {os.getpid()}"):
        await second.open()

    await second.close()
    await store.append(a_batch(an_append(a_run())))


async def test_a_refused_open_may_be_tried_again(store: SqliteStore, tmp_path: Path) -> None:
    second = SqliteStore(tmp_path)
    with pytest.raises(StoreBusy):
        await second.open()
    await store.close()

    await second.open()

    assert second.store_id == store.store_id
    await second.close()


async def test_a_command_started_meanwhile_does_not_keep_the_store(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False) as command:
        await store.close()

        await a_closed_store(tmp_path)

        command.kill()


async def test_a_cancelled_open_leaves_nothing_locked_after_close(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    opening = asyncio.ensure_future(store.open())
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])

    await store.close()

    await a_closed_store(tmp_path)


# What is not ours


async def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    await a_closed_store(tmp_path)
    altered(tmp_path, "PRAGMA user_version = 99")

    with pytest.raises(StoreForeign, match=r"written by a newer floe \(schema 99"):
        await SqliteStore(tmp_path).open()


async def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    altered(tmp_path, "CREATE TABLE theirs (x)")
    before = (tmp_path / "floe.db").read_bytes()

    with pytest.raises(StoreForeign, match="not floe's"):
        await SqliteStore(tmp_path).open()

    assert (tmp_path / "floe.db").read_bytes() == before


async def test_an_empty_database_with_another_application_id_is_refused(tmp_path: Path) -> None:
    altered(tmp_path, "PRAGMA application_id = 7")

    with pytest.raises(StoreForeign, match="not floe's"):
        await SqliteStore(tmp_path).open()


@pytest.mark.parametrize("content", [b"hello", b"SQLite format 3\0 and then something else" * 99])
async def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "floe.db").write_bytes(content)

    with pytest.raises(StoreForeign, match="is not a SQLite database"):
        await SqliteStore(tmp_path).open()

    assert (tmp_path / "floe.db").read_bytes() == content


@pytest.mark.parametrize("below", ["", "below/it"])
async def test_a_root_that_is_no_directory_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreForeign, match="file is not a directory"):
        await SqliteStore(tmp_path / "file" / below).open()


async def test_a_refused_store_is_not_locked(tmp_path: Path) -> None:
    await a_closed_store(tmp_path)
    altered(tmp_path, "PRAGMA user_version = 99")
    with pytest.raises(StoreForeign):
        await SqliteStore(tmp_path).open()
    altered(tmp_path, f"PRAGMA user_version = {len(migrations())}")

    await opened_and_closed(tmp_path)


async def test_rows_of_an_older_schema_are_changes_in_the_order_of_their_logs(
    tmp_path: Path,
) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    for n in (1, 2):
        await store.append(a_batch(an_append(a_run(n), summary=a_summary(a_run(n)))))
    await store.append(a_batch(an_append(a_run(1), 1)))
    await store.close()
    altered(
        tmp_path,
        f"{WITHOUT_TITLES} DROP INDEX runs_changed; ALTER TABLE runs DROP COLUMN pos; "
        "ALTER TABLE runs DROP COLUMN store; PRAGMA user_version = 1",
    )

    await store.open()
    found = await store.changes(0, 99)
    await store.close()

    assert [change.row.key.partition("@")[0] for change in found] == ["h1-2", "h1-1"]


async def test_rows_of_an_older_schema_name_which_store_has_a_run_of_its_adopter(
    tmp_path: Path,
) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    at_home, away = (a_row(a_run(n), host=HostId(f"h{n}")) for n in (1, 2))
    await store.append(a_batch(at_home, away))
    await store.close()
    drop = "ALTER TABLE runs DROP COLUMN store; PRAGMA user_version = 2"
    altered(tmp_path, f"{WITHOUT_TITLES} {drop}")

    await store.open()
    found = [await store.find(a_run(n)) for n in (1, 2)]
    await store.close()

    assert [row and row.store for row in found] == ["k3f9", None]


async def test_removal_of_an_older_schema_is_of_all_epochs(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    await store.append(Batch(prunes=(a_removal(epoch=2),)))
    await store.close()
    altered(tmp_path, f"{WITHOUT_EPOCHS} PRAGMA user_version = 10")

    await store.open()
    found = await store.pruned(a_run())
    await store.close()

    assert found == a_removal(epoch=None)


async def test_rows_of_an_older_schema_get_title_values_and_result(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    pended = a_pend({"branch": "main", "hash": "c0ffee012345", "count": 7})
    over = {"state": "archive", "good": False}
    mine = a_summary(a_run(1), **over)
    cancelled = a_summary(a_run(2), **over, why="cancelled by ann")
    await store.append(a_batch(an_append(a_run(1), events=[pended], summary=mine)))
    await store.append(a_batch(a_row(a_run(2)), an_append(a_run(3), summary=a_summary(a_run(3)))))
    await store.append(a_batch(replace(a_row(a_run(2)), summary=replace(cancelled, seq=9))))
    await store.close()
    altered(tmp_path, f"{WITHOUT_TITLES} PRAGMA user_version = 3")
    altered(
        tmp_path,
        "UPDATE runs SET why = 'task.unit-tests.bad (exit status 1) has no listener' "
        "WHERE id = 'h1-1'",
    )

    await store.open()
    rows = [await store.find(a_run(n)) for n in (1, 2, 3)]
    found = await store.runs(RunQuery(text="c0ffee012345"))
    await store.close()

    assert [row and (row.title, row.why, row.result) for row in rows] == [
        ("main · c0ffee0", "unit tests failed: exit status 1", "bad"),
        ("", "cancelled by ann", "cancelled"),
        ("", "", None),
    ]
    assert [row.id for row in found.runs] == ["h1-1"]


async def test_an_event_of_a_newer_floe_is_named_and_not_dropped(tmp_path: Path) -> None:
    await a_closed_store(tmp_path)
    altered(tmp_path, "UPDATE log SET event = 'RunTeleported'")
    store = SqliteStore(tmp_path)
    await store.open()

    for reading in (store.history(a_run()), store.tail(0)):
        with pytest.raises(StoreForeign, match="event 1 of h1-1@k3f9 is a RunTeleported"):
            await reading
    await store.close()


async def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    await a_closed_store(tmp_path)
    altered(tmp_path, "UPDATE log SET body = '{}'")
    store = SqliteStore(tmp_path)
    await store.open()

    with pytest.raises(StoreForeign, match="event 1 of h1-1@k3f9 cannot be read as CancelAsked"):
        await store.history(a_run())
    await store.close()


async def test_fields_of_a_newer_floe_are_passed_over(tmp_path: Path) -> None:
    await a_closed_store(tmp_path)
    altered(tmp_path, "UPDATE log SET body = replace(body, '{', '{\"later\":1,')")
    store = SqliteStore(tmp_path)
    await store.open()

    [stored] = await store.history(a_run())

    assert stored.record.event == an_append(a_run()).records[0].event
    await store.close()


# The disk


async def test_a_database_that_lost_its_tables_is_the_worlds_fault(tmp_path: Path) -> None:
    await a_closed_store(tmp_path)
    altered(tmp_path, "DROP TABLE meta")

    with pytest.raises(StoreFailed, match="the store refused: "):
        await SqliteStore(tmp_path).open()


async def test_a_path_that_cannot_be_is_the_worlds_fault(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()

    with pytest.raises(StoreFailed, match="Is a directory"):
        await SqliteStore(tmp_path).open()


def test_the_id_of_a_store_is_not_known_before_it_is_open(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="not open"):
        _ = SqliteStore(tmp_path).store_id


async def test_a_full_disk_refuses_and_is_over_when_there_is_room(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: what lies beyond it cannot be written."""
    body = """
store = SqliteStore(Path(sys.argv[1]))
await store.open()
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
stored = 0
try:
    while stored < 1000:
        await store.append(a_batch(an_append(a_run(), 20 * stored, 20)))
        stored += 1
except StoreFailed:
    print("refused", flush=True)
try:
    await store.append(Batch(appends=(an_append(a_run(2), 0, 2000),), ledger=(a_note("a", 1),)))
except StoreFailed:
    print("refused again", flush=True)
print(len(await store.history(a_run())) == 20 * stored, len(await store.history(a_run(2))))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
await store.append(a_batch(an_append(a_run(), 20 * stored, 20)))
print(len(await store.history(a_run())) == 20 * (stored + 1), await store.ledger("mark"))
await store.close()
"""
    with a_process(body, str(tmp_path)) as process:
        said, _ = await asyncio.to_thread(process.communicate, timeout=60)

    assert said.splitlines() == ["refused", "refused again", "True 0", "True {}"]
    await opened_and_closed(tmp_path)


async def test_a_folder_that_cannot_be_written_is_the_worlds_fault() -> None:
    body = """
root = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setuid(65534)  # nothing is forbidden to root
for place in (root, root / "below"):
    try:
        await SqliteStore(place).open()
    except StoreFailed as error:
        print(f"{error.what}; {error.hint}")
"""
    # Not in tmp_path: other users may not even look into that.
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o555)
        with a_process(body, root) as process:
            said, _ = await asyncio.to_thread(process.communicate, timeout=60)

    assert said.splitlines() == [
        f"{place}: Permission denied; make it writable, or choose a different root"
        for place in (f"{root}/lock", f"{root}/below")
    ]


async def test_what_a_store_holds_is_for_its_user_alone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "new" / "root")
    await store.open()
    await store.append(a_batch(an_append(a_run())))

    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new").rglob("*")}

    assert modes == {
        "root": 0o700,
        "lock": 0o600,
        "floe.db": 0o600,
        "floe.db-wal": 0o600,
        "floe.db-shm": 0o600,
    }
    await store.close()


async def test_a_database_that_breaks_while_it_is_read_is_the_worlds_fault(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.append(a_batch(a_row(a_run())))
    altered(tmp_path, "DROP TABLE runs")

    with pytest.raises(StoreFailed, match="the store refused: "):
        await store.find(a_run())


async def test_readers_from_outside_do_not_stop_the_writer(
    store: SqliteStore, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "floe.db", isolation_level=None)) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM log").fetchone()

        await store.append(Batch(appends=(an_append(a_run()),), ledger=(a_note("a", 1),)))

        assert len(await store.history(a_run())) == 1


def removed(path: Path) -> None:
    path.unlink()


def moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def moved_with_its_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def restored_over(path: Path) -> None:
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)


LOSSES = [removed, moved, moved_with_its_folder, restored_over]


@pytest.mark.parametrize("name", ["floe.db", "floe.db-wal"])
@pytest.mark.parametrize("lose", LOSSES)
async def test_nothing_is_promised_in_a_file_that_no_start_would_find(
    tmp_path: Path, lose: Callable[[Path], None], name: str
) -> None:
    store = SqliteStore(tmp_path / "root")
    await store.open()
    await store.append(a_batch(an_append(a_run())))
    lose(tmp_path / "root" / name)

    with pytest.raises(StoreFailed, match=r"No such file|was replaced"):
        await store.append(a_batch(an_append(a_run(2)), promise=True))
    with pytest.raises(StoreFailed, match=r"No such file|was replaced"):
        await store.check()

    await store.close()


async def test_store_goes_on_when_its_file_is_put_back(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "root")
    await store.open()
    (tmp_path / "root").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreFailed):
        await store.append(a_batch(an_append(a_run())))

    (tmp_path / "elsewhere").rename(tmp_path / "root")
    await store.check()
    await store.append(a_batch(an_append(a_run())))

    await store.close()
    assert (await rows(tmp_path / "root")) == 1


async def rows(root: Path) -> int:
    """Events in a store."""
    store = SqliteStore(root)
    await store.open()
    found = len(await store.tail(0))
    await store.close()
    return found


@pytest.mark.parametrize("lose", LOSSES)
async def test_each_of_many_batches_is_refused_when_the_file_is_gone(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    store = SqliteStore(tmp_path / "root")
    await store.open()
    lose(tmp_path / "root" / "floe.db")

    answers = await asyncio.gather(
        *(store.append(a_batch(an_append(a_run(n)))) for n in range(1, 9)), return_exceptions=True
    )

    assert {type(answer) for answer in answers} == {StoreFailed}
    await store.close()


async def test_store_in_its_place_is_found_in_order(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "root")
    await store.open()

    await store.check()

    await store.close()
