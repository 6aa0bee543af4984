"""Functions for the migrations of a SQLite store, which read what older versions wrote."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from floe.model.codec import Body, from_text
from floe.model.ids import Json
from floe.model.old_reasons import reason_today, result_of_row
from floe.model.search_terms import terms_in
from floe.model.title import title_from
from floe.store.rules import kept_search, searched


def add_functions(conn: sqlite3.Connection) -> None:
    """Make the functions for upgrades known to a connection, before its schema is migrated."""
    for name, (count, function) in _FUNCTIONS.items():
        conn.create_function(name, count, function, deterministic=True)


def _upgraded_result(good: int | None, why: str) -> str | None:
    return result_of_row(None if good is None else bool(good), why)


def _upgraded_why(good: int | None, why: str) -> str:
    return reason_today(why) if good == 0 else why


def _upgraded_title(pended: Body) -> str:
    return title_from(_values(pended))


def _upgraded_terms(pended: Body) -> str:
    return terms_in(_values(pended))


def _upgraded_rerun_of(pended: Body) -> str:
    shape = _fields(pended).get("rerun_of")
    return str(shape.get("run", "")) if isinstance(shape, Mapping) else ""


def _upgraded_digest(body: Body) -> str:
    return str(_fields(body).get("digest") or "")


def _upgraded_output_bytes(body: Body) -> int:
    size = _fields(body).get("output_bytes")
    return size if isinstance(size, int) else 0


def _values(pended: Body) -> Mapping[str, Json]:
    """The values in the text of a RunPended."""
    values = _fields(pended).get("values")
    return values if isinstance(values, Mapping) else {}


def _fields(body: Body) -> Mapping[str, Json]:
    """The fields in the text of an event."""
    event = from_text(body)
    return event if isinstance(event, Mapping) else {}


_FUNCTIONS: Final[Mapping[str, tuple[int, Callable[..., str | int | None]]]] = {
    "floe_result": (2, _upgraded_result),
    "floe_why": (2, _upgraded_why),
    "floe_title": (1, _upgraded_title),
    "floe_terms": (1, _upgraded_terms),
    "floe_search": (-1, searched),
    "floe_kept_search": (-1, kept_search),
    "floe_rerun_of": (1, _upgraded_rerun_of),
    "floe_digest": (1, _upgraded_digest),
    "floe_output_bytes": (1, _upgraded_output_bytes),
}
