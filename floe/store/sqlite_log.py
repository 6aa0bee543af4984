"""Events of a SQLite store's log, as its rows have them.

A row has the events that one append has added to a run, since SQLite takes longer for a row than
for what is in it. `pos`, `seq` and `at` are those of the last; `event` has their names, and `body`
their bodies, a line each. Bytes are alone in their row, as is each event in rows of older floes. A
dense row has no names: they are the first line of its body, which is compressed.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final, cast

from floe.model.codec import EVENTS, Body, decode_event, from_text
from floe.model.errors import KeyMissing, StoreForeign
from floe.model.ids import Json, RunRef
from floe.store.base import Append, Record, Stored
from floe.store.log_words import packed, unpacked
from floe.store.sealing import Opened
from floe.store.sql import queries

LogRow = tuple[int, str, int, int, int, str, Body]
"""Its columns: pos, run, epoch, seq, at, event, body."""

EVENTS_MAX: Final = 256
"""Events of a row: a reader splits all of them, however few it wants."""


def rows_of(run: str, append: Append, last: int) -> Sequence[LogRow]:
    """The rows of the records that are added to a run, by its key. `last`: the position before."""
    records = append.records
    if len(records) == 1 and not append.dense:  # the step of a chain
        return (_row(run, records, last + 1, records[0].body),)
    rows: list[LogRow] = []
    for first in range(0, len(records), EVENTS_MAX):
        part = records[first : first + EVENTS_MAX]
        lines = _lines(part)
        if lines is None:
            each = enumerate(part, last + first + 1)
            rows += [_row(run, (record,), pos, record.body) for pos, record in each]
        else:
            row = _row(run, part, last + first + len(part), lines)
            rows.append(_dense(row) if append.dense else row)
    return rows


def _lines(records: Sequence[Record]) -> Body | None:
    """The body of one row with some records; None where each has a row of its own."""
    if len(records) == 1:
        return records[0].body
    if records[0].epoch != records[-1].epoch:
        return None
    try:
        text = "\n".join([record.body for record in records])  # type: ignore[misc]  # bytes raise
    except TypeError:
        return None
    return text if text.count("\n") == len(records) - 1 else None


def _row(run: str, records: Sequence[Record], pos: int, body: Body) -> LogRow:
    record = records[-1]
    names = " ".join([type(one.event).__name__ for one in records])
    return pos, run, record.epoch, record.seq, record.event.at, names, body


def _dense(row: LogRow) -> LogRow:
    pos, run, epoch, seq, at, names, body = row
    if isinstance(body, bytes):
        return row
    return pos, run, epoch, seq, at, "", packed(f"{names}\n{body}")


def records_in(
    conn: sqlite3.Connection, values: tuple[str, int, int], opened: Opened
) -> tuple[Stored, ...]:
    """The events of a run, by its key, after a number; a negative limit for all.

    Raises StoreForeign for an unknown event, KeyMissing for a sealed one whose key is missing.
    """
    _, after, limit = values
    found: list[Stored] = []
    for row in conn.execute(queries()["history"], values):
        found += [_stored(opened, *one) for one in _split(*row) if one[3] > after]
    return tuple(found if limit < 0 else found[:limit])


def readable_in(
    conn: sqlite3.Connection, after: int, limit: int, opened: Opened
) -> tuple[Stored, ...]:
    """The first events after a position, without those of sealed runs whose keys are missing."""
    found: list[Stored] = []
    for row in conn.execute(queries()["tail"], (after, -1)):
        with suppress(KeyMissing):
            found += [_stored(opened, *one) for one in _split(*row) if one[0] > after]
        if limit and len(found) >= limit:
            return tuple(found[:limit])
    return tuple(found)


def _split(
    pos: int, run: str, epoch: int, seq: int, names: str, body: Body
) -> Iterator[tuple[int, str, int, int, str, Body]]:
    """The events of a row. Raises StoreForeign for a damaged one."""
    if not names:
        names, body = _undensed(run, seq, body)
    if " " not in names:
        yield pos, run, epoch, seq, names, body
        return
    each, bodies = names.split(" "), str(body).split("\n")
    if len(each) != len(bodies):
        raise StoreForeign(f"event {seq} of {run} has {len(each)} names and {len(bodies)} bodies")
    for back, (name, one) in enumerate(zip(each, bodies, strict=True), 1 - len(each)):
        yield pos + back, run, epoch, seq + back, name, one


def _undensed(run: str, seq: int, body: Body) -> tuple[str, str]:
    try:
        names, _, bodies = unpacked(cast(bytes, body)).partition("\n")
    except ValueError as error:
        raise StoreForeign(f"event {seq} of {run} cannot be read: {error}") from error
    return names, bodies


def _stored(
    opened: Opened, pos: int, run: str, epoch: int, seq: int, name: str, body: Body
) -> Stored:
    if name not in EVENTS:
        raise StoreForeign(
            f"event {seq} of {run} is a {name}, which this version of floe does not know",
            "a newer floe wrote it: start that version again",
        )
    try:
        text = body if isinstance(body, str) else opened(_ref(run), seq, name, body)
        event = decode_event(name, cast(Mapping[str, Json], from_text(text)))
    except (ValueError, TypeError, KeyError) as error:
        raise StoreForeign(f"event {seq} of {run} cannot be read as {name}: {error}") from error
    record = Record(run=_ref(run), epoch=epoch, seq=seq, event=event, body=body)
    return Stored(pos=pos, record=record)


_ref = lru_cache(maxsize=4096)(RunRef.parse)
