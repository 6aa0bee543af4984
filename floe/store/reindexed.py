"""Derives the rows and facets of a SQLite store again from its logs, while no host uses it.

What is derived: the row of each run with a log, the text that a search reads, the index of facets.
Rows that differ get a position and a higher edition, so that other hosts take them too. The rows of
other hosts' runs are requested from them again, when this host starts.

Rules of this file: a log is never written; each transaction leaves a store that a host can use, so
an end at any moment loses nothing, and a second call does the rest.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from floe.kernel.evolve import fold
from floe.model.codec import decode, from_text
from floe.model.errors import FloeError, StoreFailed
from floe.model.flow import Flow
from floe.model.ids import RunRef
from floe.model.nouns import dataclass, replace
from floe.model.run import Run
from floe.model.summary import EDITION, Summary
from floe.store.rules import is_newer
from floe.store.sealing import RUN_KEY, Opened, opened_plain
from floe.store.seals import RunSeals
from floe.store.sql import queries
from floe.store.sqlite_file import begin, boot_id, locked_folder, open_database
from floe.store.sqlite_log import records_in
from floe.store.sqlite_page import summary_in
from floe.store.sqlite_rows import columns_of, fill_facets
from floe.store.sqlite_writer import failed

RUNS_AT_ONCE: Final = 200
"""Runs of one transaction."""

FLOWS_MAX: Final = 500
"""Compiled flows kept decoded."""

RowOf = Callable[[Run], Summary]
Progress = Callable[[int, int], None]


class UnreadableLog(NamedTuple):
    """A log that cannot be folded: its row stays as it was."""

    run: str
    """Its key."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reindexed:
    """What a reindex of a SQLite store did."""

    runs: int
    """With a log in the store."""
    changed: int
    """Rows that were derived differently than they were stored."""
    unreadable: tuple[UnreadableLog, ...]


def reindex(
    root: Path, row_of: RowOf, progress: Progress, seals: RunSeals | None = None
) -> Reindexed:
    """Derive rows and facets of the store in a folder, which no host may be using, again.

    `row_of`: the row of a run, with what its dialect adds. `progress` is called with the number of
    runs that are done, and of all. `seals` has the keys of the host, without which the log of a
    sealed run cannot be read.

    Raises StoreBusy, StoreForeign, StoreFailed; the last also if there is no store.
    """
    path = root / "floe.db"
    if not path.exists():
        raise StoreFailed(f"there is no store in {root}", "name its folder with --root")
    try:
        with locked_folder(root), closing(open_database(path)) as conn:
            return _Reindex(conn, row_of, seals).all(progress)
    except OSError as error:
        raise StoreFailed(f"{path}: {error.strerror}", "make it writable") from error
    except sqlite3.Error as error:
        raise failed(error) from error


class _Reindex:
    def __init__(self, conn: sqlite3.Connection, row_of: RowOf, seals: RunSeals | None) -> None:
        self._conn, self._row_of, self._sql = conn, row_of, queries()
        self._opened: Opened = opened_plain
        if seals is not None:
            rows = conn.execute(self._sql["ledger"], (RUN_KEY,))
            seals.load({key: from_text(text) for key, text in rows})
            self._opened = seals.opened
        self._pos = begin(conn, boot_id()).head
        self._flows: dict[str, Flow | None] = {}
        self._unreadable: list[UnreadableLog] = []

    def all(self, progress: Progress) -> Reindexed:
        keys = [key for (key,) in self._conn.execute(self._sql["logged_runs"])]
        changed = done = 0
        progress(0, len(keys))
        for first in range(0, len(keys), RUNS_AT_ONCE):
            some = keys[first : first + RUNS_AT_ONCE]
            rows = [row for key in some if (row := self._changed_row(key))]
            self._put(rows)
            changed, done = changed + len(rows), done + len(some)
            progress(done, len(keys))
        self._derive_from_rows()
        return Reindexed(runs=len(keys), changed=changed, unreadable=tuple(self._unreadable))

    def _changed_row(self, key: str) -> Summary | None:
        """The row of a run, if it differs from the stored one; None also for an unreadable log."""
        found = self._conn.execute(self._sql["find"], (key,)).fetchone()
        try:
            return _newer(self._row_of(self._folded(key)), summary_in(found) if found else None)
        except (FloeError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as e:
            what = e.what if isinstance(e, FloeError) else f"{type(e).__name__}: {e}"
            self._unreadable.append(UnreadableLog(key, what))
            return None

    def _folded(self, key: str) -> Run:
        """A run by its log, with its flow."""
        records = [one.record for one in records_in(self._conn, (key, 0, -1), self._opened)]
        run = fold(RunRef.parse(key), (record.event for record in records))
        if run.seq != records[-1].seq:
            raise ValueError(f"{records[-1].seq - run.seq} events are missing")
        return replace(run, flow=self._flow(run.digest)) if run.digest else run

    def _flow(self, digest: str) -> Flow | None:
        if digest not in self._flows:
            if len(self._flows) >= FLOWS_MAX:
                self._flows.clear()
            row = self._conn.execute(self._sql["row"], ("flow", digest)).fetchone()
            shape = from_text(row[0]) if row else None
            self._flows[digest] = decode(Flow, shape) if isinstance(shape, Mapping) else None
        return self._flows[digest]

    def _put(self, rows: Sequence[Summary]) -> None:
        if not rows:
            return
        first = self._pos + 1
        with _transaction(self._conn):
            values = [columns_of(row, pos) for pos, row in enumerate(rows, first)]
            self._conn.executemany(self._sql["put_run"], values)
            # No event has these positions: keep the last one, so that none is used twice.
            self._conn.execute(self._sql["put_meta"], ("head", str(self._pos + len(rows))))
        self._pos += len(rows)

    def _derive_from_rows(self) -> None:
        """What depends on rows alone, those of other hosts' runs included; and request these."""
        with _transaction(self._conn):
            for name in ("search_again", "request_rows"):
                self._conn.execute(self._sql[name])
            fill_facets(self._conn)


@contextmanager
def _transaction(conn: sqlite3.Connection) -> Iterator[None]:
    conn.execute("BEGIN IMMEDIATE")
    with conn:  # commits, or rolls back
        yield


def _newer(row: Summary, old: Summary | None) -> Summary | None:
    """A row that was derived again, if it is to replace the old one."""
    if old is None:
        return row
    row = replace(row, digest=row.digest or old.digest)
    if old.edition >= EDITION and replace(row, seq=old.seq, edition=old.edition) == old:
        return None
    row = replace(row, edition=max(row.edition, old.edition + 1))
    # A run that is over elsewhere, or was lost with its host, has a row that outranks its log here.
    return row if is_newer(row, old) else None
