"""Writes to a SQLite store: promises in a thread of its own, steps at once in the caller's.

Handing a batch to a different thread and back takes longer than to write a step. A step is not
synced, so on a local disk it may be written at once: no call waits for the disk. Promises and
checkpoints are synced, so they are the thread's.

Rules of this file: a thread that uses the connection holds the lock; the memory changes only after
a COMMIT, so a failed transaction leaves nothing to undo; every accepted batch gets a result,
whatever happens.
"""

import sqlite3
import threading
import time
from asyncio import Future
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Final

from floe.model.errors import StoreConflict, StoreFailed
from floe.model.nouns import dataclass
from floe.model.run import Pruned
from floe.store.base import PRUNED_MAX, PRUNED_S, Append
from floe.store.rules import NOWHERE, Head, is_removed, kept_removal, next_head
from floe.store.sql import queries
from floe.store.sqlite_log import LogRow, rows_of
from floe.store.sqlite_page import pruned_in
from floe.store.sqlite_rows import RowPuts, drop_facets, put_rows

GROUP_MAX: Final = 256
"""Batches in one transaction; the first of them waits for the last."""

HEADS_MAX: Final = 20_000
"""Runs whose heads are cached; others are looked up."""

AT_ONCE_MAX: Final = 256
"""Events of a step that is written at once, in 1.5 ms. A fan-out of 200 is one such step: handed to
the thread, it would wait another 0.5 ms."""

CHECKPOINT_ROWS: Final = 500
"""Written rows after which the write-ahead log is copied into the database, some 1,000 pages."""

BUSY_MS: Final = 5_000
"""Milliseconds that the thread waits for a different process that writes to the database."""

CHECK_S: Final = 0.1
"""Seconds between two looks at the files for what is not promised: a step that is stored in the
moment after they were removed is no worse off than one of the moment before."""

_HINTS: Final = {
    sqlite3.SQLITE_FULL: "free some space on its disk",
    sqlite3.SQLITE_READONLY: "make its folder and files writable",
}


@dataclass(slots=True, eq=False)
class Waiting:
    """A batch for the writer, and the future of its caller if it is queued."""

    appends: Sequence[tuple[str, Append]]
    """With the run's key."""
    ledger: Sequence[tuple[str, str, str | None]]
    """Kind, key and JSON text; None deletes."""
    prunes: Sequence[Pruned]
    promise: bool
    future: "Future[int] | None" = None
    answer: int | Exception = 0

    def result(self) -> int:
        """The position of the last event of a batch, once the writer has stored it."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class SqliteWriter:
    """Owns a connection and a thread. Its queue has one batch per waiting caller."""

    def __init__(
        self,
        conn: sqlite3.Connection,
        head: int,
        check: Callable[[], None] = lambda: None,
        *,
        at_once: bool = False,
    ) -> None:
        """`head`: the highest position that a listener may have received.

        `check` raises StoreFailed if written data would be lost. `at_once`: steps are written in
        the caller's thread, which must be the same for all callers; the disk never hangs.
        """
        self._check = check
        self._conn = conn
        self._sql = queries()
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._heads: dict[str, Head] = {}
        self._last, self._next = head, head + 1
        self._is_full_sync: bool | None = None
        self._check_at = 0.0
        self._lock = threading.Lock()
        self._at_once = at_once
        self._queued = 0
        """Batches whose callers wait; changed in the callers' thread only."""
        self._rows = 0
        """Written since the last checkpoint."""
        if at_once:  # the caller's thread waits for no sync and no other process
            conn.execute("PRAGMA wal_autocheckpoint = 0")
            conn.execute("PRAGMA busy_timeout = 0")
        # A daemon thread: a program that dies without `close` must not wait for it.
        self._thread = threading.Thread(target=self._write, name="floe-store-writer", daemon=True)
        self._thread.start()

    def store(self, waiting: Waiting) -> bool:
        """Store a batch at once if it is a small step and none is before it; whether it was."""
        if self._queued or waiting.promise or waiting.prunes or self._rows >= CHECKPOINT_ROWS:
            return False
        if sum([len(append.records) for _, append in waiting.appends]) > AT_ONCE_MAX:
            return False
        if not self._lock.acquire(blocking=False):
            return False  # the thread makes a checkpoint
        try:
            return self._at_once and self._store([waiting], wait=False)
        finally:
            self._lock.release()

    def submit(self, waiting: Waiting, future: "Future[int]") -> None:
        """Queue a batch; the future is resolved on its own loop."""
        waiting.future = future
        self._queued += 1
        self._queue.put(waiting)

    def stop(self) -> None:
        """Store the queued batches and end the thread. Blocks."""
        with self._lock:
            self._at_once = False
        self._queue.put(None)
        self._thread.join()

    def _write(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            while len(group) < GROUP_MAX and self._queue.qsize():
                if (waiting := self._queue.get()) is None:
                    self._queue.put(None)  # resolve these first, then end
                    break
                group.append(waiting)
            with self._lock:
                self._store(group)
            with suppress(RuntimeError):  # the loop is closed: no caller waits any more
                assert group[0].future is not None, "a queued batch has a future"
                group[0].future.get_loop().call_soon_threadsafe(self._answer, group)
            if self._at_once and self._rows >= CHECKPOINT_ROWS:
                self._checkpoint()

    def _answer(self, group: Sequence[Waiting]) -> None:
        self._queued -= len(group)
        for waiting in group:
            assert waiting.future is not None, "a queued batch has a future"
            if waiting.future.done():
                continue  # its caller was cancelled
            if isinstance(waiting.answer, Exception):
                waiting.future.set_exception(waiting.answer)
            else:
                waiting.future.set_result(waiting.answer)

    def _checkpoint(self) -> None:
        # As SQLite's own checkpoints, an error of the disk is left to the next promise.
        with self._lock, suppress(sqlite3.Error):
            self._rows = 0
            self._conn.execute("PRAGMA wal_checkpoint").fetchone()

    def _store(self, group: Sequence[Waiting], *, wait: bool = True) -> bool:
        """Store a group; whether every batch got its answer, which without `wait` it may not."""
        try:
            self._begin(group, wait=wait)
            self._transact(group)
        except Exception as error:  # raised again to the caller that awaits the batch
            self._roll_back()
            if not wait and getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY:
                return False
            if isinstance(error, StoreFailed):
                for waiting in group:
                    waiting.answer = error
            elif isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.DataError):
                for waiting in group:
                    waiting.answer = failed(error)
            elif len(group) > 1:  # a value in one batch: store each batch alone
                for waiting in group:
                    self._store([waiting])
            else:
                is_value = isinstance(error, (ValueError, OverflowError, sqlite3.DataError))
                group[0].answer = ValueError(f"cannot be stored: {error}") if is_value else error
        return True

    def _begin(self, group: Sequence[Waiting], *, wait: bool) -> None:
        is_promise = any(waiting.promise for waiting in group)
        self._check_files(is_promise)
        self._set_sync(is_promise)
        try:
            self._conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not wait or not self._at_once or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            self._conn.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            try:
                self._conn.execute("BEGIN IMMEDIATE")
            finally:
                self._conn.execute("PRAGMA busy_timeout = 0")

    def _transact(self, group: Sequence[Waiting]) -> None:
        heads: dict[str, Head] = {}
        last, following = self._last, self._next
        events: list[LogRow] = []
        rows = RowPuts()
        ledger: dict[tuple[str, str], str | None] = {}
        prunes: list[tuple[int, Pruned]] = []
        for waiting in group:
            try:
                heads |= self._heads_after(waiting.appends, heads)
            except StoreConflict as conflict:
                waiting.answer = conflict
                continue
            for pruned in waiting.prunes:
                last, following = following, following + 1
                prunes.append((last, pruned))
            for key, append in waiting.appends:
                if append.records:
                    events += rows_of(key, append, following - 1)
                    last = following + len(append.records) - 1
                    following = last + 1
                row = append.summary
                if row and (append.records or not is_removed(row, self._pruned(key))):
                    rows.add(row, last if append.records else None)
            for kind, key, value in waiting.ledger:
                ledger[kind, key] = value
            waiting.answer = last
        self._insert(events, rows, ledger)
        self._prune(prunes)
        if not (events or rows.puts or ledger or prunes):
            # A promise about earlier batches alone: without a change, SQLite would not sync.
            self._conn.execute(self._sql["put_meta"], ("head", str(last)))
        self._conn.execute("COMMIT")
        self._rows += following - self._next + len(rows.puts) + len(ledger)
        self._last, self._next = last, following
        self._remember(heads)
        for _, pruned in prunes:
            self._heads.pop(pruned.key, None)

    def _prune(self, prunes: Sequence[tuple[int, Pruned]]) -> None:
        if not prunes:
            return
        # The log of a sealed run needs no overwriting: its key, in the ledger, is overwritten.
        self._conn.execute("PRAGMA secure_delete = FAST")
        try:
            for pos, pruned in prunes:
                self._prune_one(pos, pruned)
        finally:
            self._conn.execute("PRAGMA secure_delete = ON")
        before = max(pruned.at for _, pruned in prunes) - PRUNED_S * 1000
        for name in ("forget_once", "forget_pruned"):
            self._conn.execute(self._sql[name], {"before": before, "most": PRUNED_MAX - 1})
        # The events with the highest positions may be gone: no position is used twice.
        self._conn.execute(self._sql["put_meta"], ("head", str(prunes[-1][0])))

    def _prune_one(self, pos: int, pruned: Pruned) -> None:
        row = self._conn.execute(self._sql["row_epoch"], (pruned.key,)).fetchone()
        kept = kept_removal(pruned, row[0] if row else None, self._pruned(pruned.key))
        if kept is None:
            return
        values = {
            "key": kept.key,
            "flow": kept.flow,
            "at": kept.at,
            "why": kept.why,
            "epoch": kept.epoch,
            "pos": pos,
        }
        drop_facets(self._conn, pruned.key)
        for name in ("put_pruned", "prune_run", "prune_log"):
            self._conn.execute(self._sql[name], values)

    def _pruned(self, key: str) -> Pruned | None:
        found = self._conn.execute(self._sql["pruned"], (key,)).fetchone()
        return pruned_in(*found) if found else None

    def _insert(
        self,
        events: Sequence[LogRow],
        rows: RowPuts,
        ledger: Mapping[tuple[str, str], str | None],
    ) -> None:
        many = self._conn.executemany
        if events:
            many(self._sql["append_event"], events)
        if rows.puts:
            put_rows(self._conn, rows.puts)
        if puts := [(*row, value) for row, value in ledger.items() if value is not None]:
            many(self._sql["put_row"], puts)
        if drops := [row for row, value in ledger.items() if value is None]:
            many(self._sql["drop_row"], drops)

    def _heads_after(
        self, appends: Sequence[tuple[str, Append]], group: Mapping[str, Head]
    ) -> dict[str, Head]:
        heads: dict[str, Head] = {}
        for key, append in appends:
            if not append.records:
                continue
            head = heads.get(key) or group.get(key) or self._heads.get(key) or self._look_up(key)
            heads[key] = next_head(head, append)
        return heads

    def _look_up(self, key: str) -> Head:
        found = self._conn.execute(self._sql["head"], (key,)).fetchone()
        return Head(*found) if found else NOWHERE

    def _remember(self, heads: Mapping[str, Head]) -> None:
        for key, head in heads.items():
            self._heads.pop(key, None)  # moves it to the end: the first is the least recently used
            self._heads[key] = head
        while len(self._heads) > HEADS_MAX:
            del self._heads[next(iter(self._heads))]

    def _check_files(self, is_promise: bool) -> None:
        now = time.monotonic()
        if is_promise or now >= self._check_at:
            self._check()
            self._check_at = now + CHECK_S

    def _set_sync(self, full: bool) -> None:
        if full != self._is_full_sync:
            self._conn.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
            self._is_full_sync = full

    def _roll_back(self) -> None:
        if self._conn.in_transaction:
            with suppress(sqlite3.Error):  # some errors roll back by themselves
                self._conn.execute("ROLLBACK")


def failed(error: sqlite3.Error) -> StoreFailed:
    """What the writer raises for an error of SQLite."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return StoreFailed(f"the store refused: {error} ({name})", _HINTS.get(code, ""))
