"""Events of a SQLite store's log, as its rows have them."""

import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import cast

from floe.model.codec import EVENTS, Body, decode_event, from_text
from floe.model.errors import KeyMissing, StoreForeign
from floe.model.ids import Json, RunRef
from floe.store.base import Record, Stored
from floe.store.sealing import Opened
from floe.store.sql import queries


def records_in(
    conn: sqlite3.Connection, values: tuple[str, int, int], opened: Opened
) -> tuple[Stored, ...]:
    """The events of a run, by its key, after a number; a negative limit for all.

    Raises StoreForeign for an unknown event, KeyMissing for a sealed one whose key is missing.
    """
    return tuple(_stored(opened, *row) for row in conn.execute(queries()["history"], values))


def readable_in(
    conn: sqlite3.Connection, after: int, limit: int, opened: Opened
) -> tuple[Stored, ...]:
    """The first events after a position, without those of sealed runs whose keys are missing."""
    found: list[Stored] = []
    for row in conn.execute(queries()["tail"], (after, -1)):
        with suppress(KeyMissing):
            found.append(_stored(opened, *row))
        if limit and len(found) == limit:
            break
    return tuple(found)


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
