"""The store in one SQLite file: an asyncio front to its writer and one reading thread."""

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar, cast

from floe.model.codec import from_text, to_text
from floe.model.errors import StoreFailed, Yours
from floe.model.ids import FlowId, Json, RunRef, StoreId
from floe.model.nouns import dataclass
from floe.model.run import Pruned
from floe.model.summary import Summary
from floe.store.base import (
    Batch,
    Change,
    FacetPage,
    FacetQuery,
    FlowRuns,
    RunPage,
    RunQuery,
    Stored,
)
from floe.store.facets import check_facet_query
from floe.store.rules import read_cursor
from floe.store.sealing import Opened, opened_plain
from floe.store.sql import queries
from floe.store.sqlite_facets import read_facet_page
from floe.store.sqlite_file import (
    Begun,
    StoreFiles,
    begin,
    boot_id,
    connect,
    locked_folder,
    open_database,
    store_id_in,
)
from floe.store.sqlite_log import readable_in, records_in
from floe.store.sqlite_page import (
    pruned_in,
    read_changes,
    read_flow_runs,
    read_page,
    summary_in,
)
from floe.store.sqlite_writer import SqliteWriter, Waiting, failed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Open:
    """The resources of an open store."""

    begun: Begun
    writer: SqliteWriter
    reading: sqlite3.Connection
    files: StoreFiles
    things: ExitStack
    """Closes the connections and releases the lock of the folder."""


class SqliteStore:
    """RunStore in `root/floe.db`, with `root/lock` held while it is open.

    The reading thread also opens and closes the store, so that these run one after the other even
    if a caller is cancelled.
    """

    def __init__(
        self,
        root: Path,
        boot: str | None = None,
        *,
        may_hang: bool = False,
        opened: Opened = opened_plain,
    ) -> None:
        """`boot`: the id of the machine's current boot; None reads it from the machine.

        `may_hang`: the disk may not answer, so a thread writes all, steps too. `opened` decrypts
        the events of sealed runs.
        """
        self._root = root
        self._text = opened
        self._may_hang = may_hang
        self._boot = boot_id() if boot is None else boot
        self._store_id: StoreId | None = None
        self._open: _Open | None = None
        self._reader: ThreadPoolExecutor | None = None

    @property
    def store_id(self) -> StoreId:
        """Random, created with the store; known after `open`."""
        if self._store_id is None:
            raise StoreFailed("the store is not open")
        return self._store_id

    @property
    def skipped(self) -> range:
        """As in the port."""
        return self._opened()[1].begun.skipped

    async def open(self) -> None:
        """As in the port; a second `open` changes nothing."""
        if self._reader is None:
            self._reader = ThreadPoolExecutor(1, thread_name_prefix="floe-store-reader")
        await asyncio.get_running_loop().run_in_executor(self._reader, self._open_blocking)

    async def close(self) -> None:
        """As in the port. Completes even if it is cancelled."""
        reader, self._reader = self._reader, None
        if reader is not None:
            closed = asyncio.get_running_loop().run_in_executor(reader, self._close_blocking)
            reader.shutdown(wait=False)
            await closed

    async def append(self, batch: Batch) -> int:
        """As in the port. Cancelling the caller does not withdraw its batch."""
        _, opened = self._opened()
        waiting = Waiting(
            appends=[(append.run.key, append) for append in batch.appends],
            ledger=[
                (w.kind, w.key, None if w.value is None else to_text(w.value)) for w in batch.ledger
            ],
            prunes=batch.prunes,
            promise=batch.promise,
        )
        if opened.writer.store(waiting):
            return waiting.result()
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        opened.writer.submit(waiting, future)
        return await future

    async def check(self) -> None:
        """As in the port."""
        reader, opened = self._opened()
        await asyncio.get_running_loop().run_in_executor(reader, opened.files.check)

    async def history(self, run: RunRef, after: int = 0, limit: int = 0) -> Sequence[Stored]:
        """As in the port."""
        values = (run.key, after, limit or -1)
        return await self._read(lambda conn: records_in(conn, values, self._text))

    async def histories(self, runs: Sequence[RunRef]) -> Sequence[Sequence[Stored]]:
        """As in the port."""
        each = [(run.key, 0, -1) for run in runs]
        return await self._read(lambda conn: [records_in(conn, one, self._text) for one in each])

    async def tail(self, after: int, limit: int = 0) -> Sequence[Stored]:
        """As in the port."""
        return await self._read(lambda conn: readable_in(conn, after, limit, self._text))

    async def changes(self, after: int, limit: int) -> Sequence[Change]:
        """As in the port."""
        return await self._read(
            lambda conn: _in_one_transaction(conn, lambda: read_changes(conn, after, limit))
        )

    async def runs(self, query: RunQuery) -> RunPage:
        """As in the port."""
        if query.limit < 1:
            raise Yours("the limit of a page is below 1", "limit: 1 or more")
        below = read_cursor(query.cursor)
        return await self._read(
            lambda conn: _in_one_transaction(conn, lambda: read_page(conn, query, below))
        )

    async def runs_by_facets(self, query: FacetQuery) -> FacetPage:
        """As in the port."""
        after = check_facet_query(query)
        return await self._read(
            lambda conn: _in_one_transaction(conn, lambda: read_facet_page(conn, query, after))
        )

    async def flow_runs(self, flows: Collection[FlowId], bad_max: int) -> Mapping[FlowId, FlowRuns]:
        """As the port says."""
        return await self._read(lambda conn: read_flow_runs(conn, flows, bad_max))

    async def find(self, run: RunRef) -> Summary | None:
        """As in the port."""
        rows = await self._read(lambda conn: conn.execute(queries()["find"], (run.key,)).fetchall())
        return summary_in(rows[0]) if rows else None

    async def pruned(self, run: RunRef) -> Pruned | None:
        """As in the port."""
        rows = await self._read(
            lambda conn: conn.execute(queries()["pruned"], (run.key,)).fetchall()
        )
        return pruned_in(*rows[0]) if rows else None

    async def traces(self, run: RunRef, kind: str) -> tuple[bool, Json]:
        """As in the port."""
        values = {"run": run.key, "kind": kind}
        [(is_known, text)] = await self._read(
            lambda conn: conn.execute(queries()["traces"], values).fetchall()
        )
        return bool(is_known), None if text is None else from_text(text)

    async def repeated(self, runs: Collection[str]) -> frozenset[str]:
        """As in the port."""
        keys = to_text([*runs])
        rows = await self._read(
            lambda conn: conn.execute(queries()["repeated"], (keys,)).fetchall()
        )
        return frozenset(key for (key,) in rows)

    async def size(self) -> int:
        """As in the port."""
        reader, opened = self._opened()
        return await asyncio.get_running_loop().run_in_executor(reader, opened.files.size)

    async def head(self) -> int:
        """As in the port."""
        [row] = await self._read(lambda conn: conn.execute(queries()["last_pos"]).fetchall())
        return max(cast(int, row[0]), self._opened()[1].begun.head)

    async def ledger(self, kind: str) -> Mapping[str, Json]:
        """As in the port."""
        rows = await self._read(lambda conn: conn.execute(queries()["ledger"], (kind,)).fetchall())
        return {key: from_text(text) for key, text in rows}

    async def row(self, kind: str, key: str) -> Json:
        """As in the port."""
        rows = await self._read(lambda conn: conn.execute(queries()["row"], (kind, key)).fetchall())
        return from_text(rows[0][0]) if rows else None

    def _opened(self) -> tuple[ThreadPoolExecutor, _Open]:
        if self._reader is None or self._open is None:
            raise StoreFailed("the store is not open")
        return self._reader, self._open

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        reader, opened = self._opened()
        try:
            return await asyncio.get_running_loop().run_in_executor(reader, query, opened.reading)
        except sqlite3.Error as error:
            raise failed(error) from error

    def _open_blocking(self) -> None:
        if self._open is not None:
            return
        with ExitStack() as things:
            try:
                path = things.enter_context(locked_folder(self._root))
                conn = things.enter_context(closing(open_database(path)))
                reading = things.enter_context(closing(connect(path)))
                reading.execute("PRAGMA query_only = ON")
                begun = begin(conn, self._boot)
                self._store_id = store_id_in(conn)
                files = StoreFiles(path)
                writer = SqliteWriter(conn, begun.head, files.check, at_once=not self._may_hang)
                self._open = _Open(begun, writer, reading, files, things.pop_all())
            except OSError as error:
                hint = "make it writable, or choose a different root"
                raise StoreFailed(
                    f"{error.filename or self._root}: {error.strerror}", hint
                ) from error
            except sqlite3.Error as error:
                raise failed(error) from error

    def _close_blocking(self) -> None:
        was, self._open = self._open, None
        if was is not None:
            was.writer.stop()
            was.things.close()


def _in_one_transaction(conn: sqlite3.Connection, query: Callable[[], T]) -> T:
    """Let all statements of a query read the same state, whatever is written in between."""
    conn.execute("BEGIN")
    try:
        return query()
    finally:
        conn.execute("COMMIT")
