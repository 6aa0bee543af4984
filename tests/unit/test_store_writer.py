"""The writing thread: what becomes one transaction, and how durably it is committed."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from floe.model.errors import StoreConflict, StoreFailed
from floe.model.run import Pruned
from floe.store import sqlite_writer
from floe.store.base import Append
from floe.store.sqlite_file import begin, connect, open_database
from floe.store.sqlite_writer import AT_ONCE_MAX, SqliteWriter, Waiting
from tests.make_store import a_removal, a_run, an_append


class Traced:
    """A writer whose statements are written down."""

    def __init__(self, path: Path, *, at_once: bool = False) -> None:
        self.conn = open_database(path)
        head = begin(self.conn, "this boot").head
        self.said: list[str] = []
        self.threads: dict[str, set[int]] = {}
        """Those in which each statement was executed."""
        self.began = threading.Event()
        self.checks = 0
        self.conn.set_trace_callback(self.hear)
        self.writer = SqliteWriter(self.conn, head, self.check, at_once=at_once)

    def submit(self, *appends: Append, promise: bool = False) -> "asyncio.Future[int]":
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        waiting = batch(*appends, promise=promise)
        if self.writer.store(waiting):
            future.set_result(waiting.result())
        else:
            self.writer.submit(waiting, future)
        return future

    def check(self) -> None:
        self.checks += 1

    def hear(self, statement: str) -> None:
        self.said.append(statement)
        self.threads.setdefault(statement, set()).add(threading.get_ident())
        if statement.startswith("BEGIN"):
            self.began.set()

    def count(self, statement: str) -> int:
        return sum(statement in said for said in self.said)


def batch(*appends: Append, promise: bool = False, prunes: Sequence[Pruned] = ()) -> Waiting:
    keyed = [(append.run.key, append) for append in appends]
    return Waiting(appends=keyed, ledger=[], prunes=prunes, promise=promise)


@asynccontextmanager
async def held_up(traced: Traced, path: Path) -> AsyncIterator[sqlite3.Connection]:
    """Keep a batch of run 1 waiting for the database: what is submitted meanwhile is a group."""
    with closing(connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        first = traced.submit(an_append(a_run()))
        assert await asyncio.to_thread(traced.began.wait, 60)
        yield other
        other.execute("COMMIT")
        await asyncio.wait([first])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "floe.db"


@pytest.fixture
def traced(path: Path) -> Iterator[Traced]:
    made = Traced(path)
    yield made
    made.writer.stop()
    made.conn.close()


@pytest.fixture
def at_once(path: Path) -> Iterator[Traced]:
    made = Traced(path, at_once=True)
    yield made
    made.writer.stop()
    made.conn.close()


async def test_batches_that_wait_together_are_one_transaction(traced: Traced, path: Path) -> None:
    async with held_up(traced, path):
        rest = [traced.submit(an_append(a_run(), n)) for n in range(1, 50)]

    await asyncio.gather(*rest)

    assert traced.count("COMMIT") == 2


async def test_a_promise_syncs_and_a_step_does_not(traced: Traced) -> None:
    for after, promise in enumerate([False, False, True, True, False]):
        await traced.submit(an_append(a_run(), after), promise=promise)

    assert [said for said in traced.said if said.startswith(("PRAGMA", "COMMIT"))] == [
        "PRAGMA synchronous = NORMAL",
        "COMMIT",
        "COMMIT",
        "PRAGMA synchronous = FULL",
        "COMMIT",
        "COMMIT",
        "PRAGMA synchronous = NORMAL",
        "COMMIT",
    ]


@pytest.mark.parametrize(("check_s", "checks"), [(0.0, 5), (3600.0, 3)])
async def test_files_are_looked_at_before_each_promise_and_now_and_then_before_a_step(
    traced: Traced, monkeypatch: pytest.MonkeyPatch, check_s: float, checks: int
) -> None:
    monkeypatch.setattr(sqlite_writer, "CHECK_S", check_s)

    for after, promise in enumerate([False, False, True, True, False]):
        await traced.submit(an_append(a_run(), after), promise=promise)

    assert traced.checks == checks


async def test_one_promise_makes_its_whole_group_durable(traced: Traced, path: Path) -> None:
    async with held_up(traced, path):
        rest = [traced.submit(an_append(a_run(), n), promise=n == 2) for n in (1, 2, 3)]

    await asyncio.gather(*rest)

    assert [said for said in traced.said if "PRAGMA" in said][-1] == "PRAGMA synchronous = FULL"
    assert traced.count("COMMIT") == 2


async def test_a_promise_alone_writes_something_to_sync(traced: Traced, path: Path) -> None:
    await traced.submit(an_append(a_run(), 0))
    log = path.with_name(path.name + "-wal")
    before = log.stat().st_size

    await traced.submit(promise=True)

    assert log.stat().st_size > before


async def test_the_head_of_a_known_run_is_not_looked_up_again(traced: Traced) -> None:
    for n in range(5):
        await traced.submit(an_append(a_run(), n))

    assert traced.count("SELECT epoch, seq FROM log") == 1


async def test_the_head_of_a_forgotten_run_is_looked_up(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "HEADS_MAX", 1)

    for n in range(5):
        await traced.submit(an_append(a_run(1), n))
        await traced.submit(an_append(a_run(2), n))

    assert traced.count("SELECT epoch, seq FROM log") == 10


async def test_a_full_disk_fails_the_batch_and_then_recovers(traced: Traced) -> None:
    [pages] = traced.conn.execute("PRAGMA page_count").fetchone()
    traced.conn.execute(f"PRAGMA max_page_count = {pages + 1}")
    before = await traced.submit(an_append(a_run()))

    with pytest.raises(StoreFailed, match="SQLITE_FULL") as caught:
        await traced.submit(an_append(a_run(), 1, 1000))
    assert caught.value.hint == "free some space on its disk"

    traced.conn.execute("PRAGMA max_page_count = 1000000")
    assert await traced.submit(an_append(a_run(), 1, 1000)) == before + 1000


async def test_a_read_only_database_refuses_and_then_recovers(traced: Traced) -> None:
    traced.conn.execute("PRAGMA query_only = ON")

    with pytest.raises(StoreFailed, match="SQLITE_READONLY") as caught:
        await traced.submit(an_append(a_run()))
    assert caught.value.hint == "make its folder and files writable"

    traced.conn.execute("PRAGMA query_only = OFF")
    assert await traced.submit(an_append(a_run())) == 1


async def test_a_failure_fails_the_whole_group(traced: Traced, path: Path) -> None:
    async with held_up(traced, path) as other:
        rest = [traced.submit(an_append(a_run(), n)) for n in (1, 2, 3)]
        other.execute("DROP TABLE runs")
        other.execute("ALTER TABLE log RENAME TO lost")

    answers = await asyncio.gather(*rest, return_exceptions=True)

    assert [type(answer) for answer in answers] == [StoreFailed] * 3


async def test_an_integer_beyond_the_column_fails_alone(traced: Traced, path: Path) -> None:
    async with held_up(traced, path):
        rest = [traced.submit(an_append(a_run(n), epoch=2**70 * (n == 3))) for n in (2, 3, 4)]

    answers = await asyncio.gather(*rest, return_exceptions=True)

    assert [isinstance(answer, ValueError) for answer in answers] == [False, True, False]
    assert answers[::2] == [2, 3]


async def test_an_unforeseen_error_is_answered_and_the_thread_lives(traced: Traced) -> None:
    nonsense = Append(run=a_run(), epoch=0, after=0, records=("no record",))  # type: ignore[arg-type]  # is the point

    with pytest.raises(AttributeError):
        await traced.submit(nonsense)

    assert await traced.submit(an_append(a_run())) == 1


async def test_what_was_taken_is_stored_before_the_thread_ends(path: Path) -> None:
    traced = Traced(path)
    futures = [traced.submit(an_append(a_run(), n)) for n in range(600)]

    traced.writer.stop()

    [count] = traced.conn.execute("SELECT count(*) FROM log").fetchone()
    assert count == 600
    assert await asyncio.gather(*futures) == list(range(1, 601))
    traced.conn.close()


# Steps at once


async def test_a_step_is_stored_by_the_thread_of_its_caller(at_once: Traced) -> None:
    is_stored = at_once.writer.store(batch(an_append(a_run())))

    assert is_stored
    assert at_once.threads["COMMIT"] == {threading.get_ident()}


@pytest.mark.parametrize(
    "waiting",
    [
        pytest.param(batch(an_append(a_run()), promise=True), id="a promise is synced"),
        pytest.param(batch(an_append(a_run(), 0, AT_ONCE_MAX + 1)), id="many events"),
        pytest.param(batch(an_append(a_run()), prunes=[a_removal(a_run())]), id="a removal"),
    ],
)
async def test_what_takes_long_is_left_to_the_thread(at_once: Traced, waiting: Waiting) -> None:
    assert not at_once.writer.store(waiting)


async def test_a_step_is_stored_after_the_batches_before_it(at_once: Traced) -> None:
    before = [at_once.submit(an_append(a_run(), n), promise=True) for n in range(3)]

    step = at_once.submit(an_append(a_run(), 3))

    assert await asyncio.gather(*before, step) == [1, 2, 3, 4]


async def test_a_step_that_has_to_wait_for_a_different_process_is_left_to_the_thread(
    at_once: Traced, path: Path
) -> None:
    async with held_up(at_once, path):
        second = at_once.submit(an_append(a_run(), 1))
        assert not second.done()

    assert await second == 2
    assert threading.get_ident() not in at_once.threads["COMMIT"]


async def test_a_conflict_is_raised_at_once(at_once: Traced) -> None:
    waiting = batch(an_append(a_run(), 7))

    assert at_once.writer.store(waiting)
    with pytest.raises(StoreConflict):
        waiting.result()


async def test_the_thread_alone_makes_checkpoints(
    at_once: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "CHECKPOINT_ROWS", 3)

    for n in range(8):
        await at_once.submit(an_append(a_run(), n))
    at_once.writer.stop()

    assert threading.get_ident() not in at_once.threads["PRAGMA wal_checkpoint"]


async def test_a_checkpoint_that_fails_stops_nothing(
    at_once: Traced, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "CHECKPOINT_ROWS", 1)
    refuse = sqlite3.SQLITE_DENY
    at_once.conn.set_authorizer(
        lambda _action, what, *_: refuse if what == "wal_checkpoint" else sqlite3.SQLITE_OK
    )

    assert [await at_once.submit(an_append(a_run(), n)) for n in range(4)] == [1, 2, 3, 4]


def test_a_migration_that_fails_leaves_the_schema_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_database(path)) as conn:
        known = conn.execute("PRAGMA user_version").fetchone()
    broken = ["-- there already"] * known[0] + ["CREATE TABLE new (x); CREATE TABLE log (x);"]
    monkeypatch.setattr("floe.store.sqlite_file.migrations", lambda: broken)

    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        open_database(path)

    with closing(connect(path)) as conn:
        assert conn.execute("PRAGMA user_version").fetchone() == known
        assert conn.execute("SELECT * FROM sqlite_master WHERE name = 'new'").fetchall() == []


def test_a_migration_goes_on_from_the_schema_there_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_database(path)) as conn:
        [known] = conn.execute("PRAGMA user_version").fetchone()
    scripts = ["NOT SQL"] * known + ["CREATE TABLE new (x);"]
    monkeypatch.setattr("floe.store.sqlite_file.migrations", lambda: scripts)

    with closing(open_database(path)) as conn:
        assert conn.execute("PRAGMA user_version").fetchone() == (known + 1,)
        assert conn.execute("SELECT * FROM new").fetchall() == []
