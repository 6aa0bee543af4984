"""Rules of stores for facets: which row of a run matches a query, cursors, and their text."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from floe.model.codec import from_text, to_text
from floe.model.errors import IdInvalid, Yours
from floe.model.facet import Facet, facet_cursor
from floe.model.ids import Instant, Json, RunRef
from floe.store.base import FacetFilter, FacetQuery

_CURSOR: Final = re.compile(r"([0-9a-f]{1,15})\.([0-9]{1,15})\.(.{1,200})")


class FacetKey(NamedTuple):
    """The sort key of a row that matches; the newest has the highest."""

    at: int
    run: str
    row: int


def check_facet_query(query: FacetQuery) -> FacetKey | None:
    """Rule of stores: the sort key in the cursor of a query; None for the first page.

    Raises Yours for a wrong cursor, a limit below 1, and a query without filters or keys.
    """
    if query.limit < 1:
        raise Yours("the limit of a page is below 1", "limit: 1 or more")
    if not query.filters or not all(one.keys for one in query.filters):
        raise Yours("a query by facets needs a filter, and each filter a key")
    if not query.cursor:
        return None
    match = _CURSOR.fullmatch(query.cursor)
    try:
        if match:
            return FacetKey(int(match[1], 16), RunRef.parse(match[3]).key, int(match[2]))
    except IdInvalid:
        pass
    raise Yours(f"{query.cursor[:80]!r} is not a cursor", "use `next` of the previous page")


def facet_cursor_at(key: FacetKey) -> str:
    """Rule of stores: the cursor of the page after a row."""
    return facet_cursor(Instant(key.at), key.row, key.run)


def first_match(run: str, facets: Iterable[Facet], query: FacetQuery) -> FacetKey | None:
    """Rule of stores: the first row of a run, in the query's order, that matches; None for none."""
    rows: dict[int, list[Facet]] = {}
    for facet in facets:
        rows.setdefault(facet.row, []).append(facet)
    found = [
        FacetKey(row[0].at, run, number)
        for number, row in rows.items()
        if all(_has(row, one) for one in query.filters)
    ]
    return (max if query.order == "newest" else min)(found, default=None)


def facets_text(facets: Iterable[Facet]) -> str:
    """Rule of stores: the facets of a row as its column keeps them: for each part of the run its
    number, its instant, and a kind and a key in turn."""
    rows: dict[tuple[int, Instant], list[Json]] = {}
    for one in facets:
        rows.setdefault((one.row, one.at), [one.row, one.at]).extend((one.kind, one.key))
    return to_text([*rows.values()])


def facets_in(text: str) -> tuple[Facet, ...]:
    """Rule of stores: the facets in such a column, also in one of an older floe."""
    rows: Sequence[Any] = from_text(text)  # type: ignore[assignment]  # as `facets_text` writes them
    return tuple(
        Facet(kind=kind, key=key, row=row, at=at)
        for row, at, *words in map(_today, rows)
        for kind, key in zip(words[::2], words[1::2], strict=True)
    )


def _today(row: Sequence[Any]) -> Sequence[Any]:
    """A part of the column; older floes wrote kind, key, number and instant of each facet."""
    return row if isinstance(row[0], int) else (row[2], row[3], row[0], row[1])


def _has(row: Iterable[Facet], wanted: FacetFilter) -> bool:
    return any(one.kind == wanted.kind and one.key in wanted.keys for one in row)
