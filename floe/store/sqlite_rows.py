"""The directory's rows of a SQLite store as they are written, with the index of their facets."""

import sqlite3
from collections.abc import Iterable
from itertools import groupby, starmap
from operator import attrgetter
from typing import Final

from floe.model.facet import Facet
from floe.model.summary import FIELDS, Summary
from floe.store.facets import facets_in, facets_text
from floe.store.rules import is_newer, kept_search
from floe.store.sql import queries
from floe.store.sqlite_page import Value


class RowPuts:
    """The directory's rows of one transaction.

    Per run: the newest row, plus our own latest row if the newest came from a peer (which inherits
    its position).
    """

    def __init__(self) -> None:
        self.puts: list[tuple[Summary, int | None]] = []
        """In order, with the position of each own row."""
        self._at: dict[str, int] = {}

    def add(self, row: Summary, pos: int | None) -> None:
        """Add a row if it is newer than the known one of its run."""
        at = self._at.get(row.key)
        if at is not None and not is_newer(row, self.puts[at][0]):
            return
        if at is not None and (self.puts[at][1] is None) == (pos is None):
            self.puts[at] = row, pos
        else:
            self._at[row.key] = len(self.puts)
            self.puts.append((row, pos))


Entry = tuple[str, str, int, int]
"""A facet in the index: kind, key, at, row."""

_fields_of: Final = attrgetter(*FIELDS[:-1])
assert FIELDS[-1] == "facets", "the facets of a row come last"


def columns_of(row: Summary, pos: int | None) -> tuple[Value, ...]:
    """The values of a row, in the order of `put_run`."""
    facets = facets_text(row.facets) if row.facets else ""
    search = kept_search(row.id, row.flow, row.why, row.by, row.trigger, row.title, row.terms)
    return (*_fields_of(row), facets, search, pos)


def put_rows(conn: sqlite3.Connection, puts: Iterable[tuple[Summary, int | None]]) -> None:
    """Store rows that are newer than those of the store. With each own row comes its position."""
    for has_facets, some in groupby(puts, key=_may_have_facets):
        if has_facets:
            for row, pos in some:
                _put_with_facets(conn, row, pos)
        else:
            conn.executemany(queries()["put_run"], starmap(columns_of, some))


def drop_facets(conn: sqlite3.Connection, run: str) -> None:
    """Take the facets of a run, by its key, out of the index, before its row is removed."""
    _change_facets(conn, run, _facets_at(conn, run), frozenset())


def fill_facets(conn: sqlite3.Connection) -> None:
    """Make the index of facets again, by the rows."""
    conn.execute(queries()["clear_facets"])
    for run, text in conn.execute(queries()["rows_with_facets"]):
        _change_facets(conn, run, frozenset(), _entries(facets_in(text)))


def _may_have_facets(put: tuple[Summary, int | None]) -> bool:
    """Whether a row has facets, or may replace one that has: no own row loses them, since the flow
    of a run keeps its dialect."""
    row, pos = put
    return pos is None or bool(row.facets)


def _put_with_facets(conn: sqlite3.Connection, row: Summary, pos: int | None) -> None:
    before = _facets_at(conn, row.key)
    if conn.execute(queries()["put_run"], columns_of(row, pos)).rowcount:
        _change_facets(conn, row.key, before, _entries(row.facets))


def _facets_at(conn: sqlite3.Connection, run: str) -> frozenset[Entry]:
    found = conn.execute(queries()["facets_of"], (run,)).fetchone()
    return _entries(facets_in(found[0])) if found and found[0] else frozenset()


def _entries(facets: Iterable[Facet]) -> frozenset[Entry]:
    return frozenset((one.kind, one.key, one.at, one.row) for one in facets)


def _change_facets(
    conn: sqlite3.Connection, run: str, before: frozenset[Entry], after: frozenset[Entry]
) -> None:
    for name, entries in (("drop_facet", before - after), ("put_facet", after - before)):
        if entries:
            conn.executemany(queries()[name], [(*entry, run) for entry in entries])
