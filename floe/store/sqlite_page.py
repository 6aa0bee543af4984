"""Pages of a SQLite store's directory of runs: the queries, and the index that each uses."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product
from typing import Final

from floe.model.ids import FlowId, Instant
from floe.model.result import RunResult
from floe.model.run import Pruned, State
from floe.model.summary import FIELDS, Summary
from floe.store.base import Change, FlowRuns, RunPage, RunQuery
from floe.store.facets import facets_in
from floe.store.rules import SortKey, cursor_at, sort_key_of
from floe.store.sql import queries

Value = str | int | None

SEARCH_ROWS_MAX: Final = 100_000
"""Rows searched for the text of a page."""

_SEARCHED: Final = (
    "iif(search <> '', search, lower(id || char(10) || flow || char(10) || why || char(10) || by"
    " || char(10) || trigger || char(10) || title || char(10) || terms))"
)
"""The text that a search reads: see `kept_search`."""

_STATES: Final[tuple[State, ...]] = ("pending", "active", "archive")


def read_page(conn: sqlite3.Connection, query: RunQuery, below: SortKey | None) -> RunPage:
    """Merge the newest rows of each index range that the query's filters cover."""
    where = ["TRUE"]
    values: dict[str, Value] = {"limit": query.limit + 1}
    if below:
        where.append("(pended_at, key) < (:pended_at, :key)")
        values |= below._asdict()
    for sign, name, at in ((">=", "since", query.since), ("<", "until", query.until)):
        if at is not None:
            where.append(f"pended_at {sign} :{name}")
            values[name] = at
    floor = _search_floor(conn, where, values) if query.text else None
    if query.text:
        where.append(f"instr({_SEARCHED}, :text)")
        values["text"] = query.text.casefold()
    if floor:
        where.append("(pended_at, key) >= (:floor_at, :floor_key)")
        values |= {"floor_at": floor.pended_at, "floor_key": floor.key}
    for name, value in (("flow", query.flow), ("host", query.host)):
        if value is not None:
            where.append(f"{name} = :{name}")
            values[name] = value

    rows: list[Summary] = []
    for condition, more in _ranges(query):
        page = queries()["page"].format(where=" AND ".join((*where, condition)))
        rows += map(summary_in, conn.execute(page, {**values, **more}))
    rows.sort(key=sort_key_of, reverse=True)
    if len(rows) > query.limit:
        return RunPage(
            runs=tuple(rows[: query.limit]), next=cursor_at(sort_key_of(rows[query.limit - 1]))
        )
    return RunPage(runs=tuple(rows), next=cursor_at(floor) if floor else "")


def read_changes(conn: sqlite3.Connection, after: int, limit: int) -> Sequence[Change]:
    """A page of a SQLite store's own rows and removals after a position, in their order."""
    sql, values = queries(), (after, limit)
    found = [
        *(
            Change(pos=pos, row=summary_in(row))
            for pos, *row in conn.execute(sql["changes"], values)
        ),
        *(
            Change(pos=pos, row=pruned_in(*row))
            for pos, *row in conn.execute(sql["pruned_changes"], values)
        ),
    ]
    return tuple(sorted(found, key=lambda change: change.pos)[:limit])


def read_flow_runs(
    conn: sqlite3.Connection, flows: Collection[FlowId], bad_max: int
) -> Mapping[FlowId, FlowRuns]:
    """The newest run, and the bad runs in a row, of each flow of a page."""
    values = {"flows": json.dumps([*flows]), "bad_max": bad_max}
    found = {}
    for bad, since, *row in conn.execute(queries()["flow_runs"], values):
        last, more = summary_in(row), bad > bad_max
        found[last.flow] = FlowRuns(
            last=last, bad=min(bad, bad_max), bad_since=since, has_more=more
        )
    return found


def _ranges(query: RunQuery) -> Iterable[tuple[str, Mapping[str, Value]]]:
    """The condition of each index range to read, with its values; one range for all runs.

    An index supports equalities and then the order; "any of these states" would need sorting.
    """
    if query.parent:
        return [_of_parent(query)]
    states = query.states or _STATES
    if query.results:
        results = [r for r in query.results if query.good in (None, r == "good")]
        return [(_of_result(r), {"state": s, "result": r}) for s, r in product(states, results)]
    if query.flow is None and query.host is None and query.good is None and not query.states:
        return [("TRUE", {})]
    goods = (True, False, None) if query.good is None else (query.good,)
    condition = "state = :state AND good IS :good"
    return [(condition, {"state": s, "good": g}) for s, g in product(states, goods)]


def _of_result(result: RunResult) -> str:
    """The condition for one result, spelt as in the index `runs_by_result`, or SQLite reads all."""
    good = "TRUE" if result == "good" else "FALSE"
    return f"state = :state AND good = {good} AND result = :result"


def _of_parent(query: RunQuery) -> tuple[str, Mapping[str, Value]]:
    """The condition for the child runs of a run; the few rows are filtered and sorted."""
    # "/" follows ".". The first term is the condition of the index `runs_by_parent`; a plus keeps
    # SQLite from an index of the other columns.
    terms = ["parent <> ''", "parent >= :low", "parent < :high"]
    values: dict[str, Value] = {"low": f"{query.parent}.", "high": f"{query.parent}/"}
    if query.states:
        terms.append("+state IN (SELECT value FROM json_each(:states))")
        values["states"] = json.dumps(sorted(query.states))
    if query.results:
        terms.append("+result IN (SELECT value FROM json_each(:results))")
        values["results"] = json.dumps(sorted(query.results))
    if query.good is not None:
        terms.append("+good = :good")
        values["good"] = query.good
    return " AND ".join(terms), values


def _search_floor(
    conn: sqlite3.Connection, where: Sequence[str], values: Mapping[str, Value]
) -> SortKey | None:
    sql = queries()["search_floor"].format(where=" AND ".join(where))
    row = conn.execute(sql, {**values, "rows": SEARCH_ROWS_MAX - 1}).fetchone()
    return SortKey(*row) if row else None


def summary_in(row: Sequence[Value]) -> Summary:
    """The summary in a SQLite row of a page of the directory."""
    fields = dict(zip(FIELDS, row, strict=True))
    fields["good"] = None if fields["good"] is None else bool(fields["good"])
    fields["awaited"] = bool(fields["awaited"])
    text = fields.pop("facets")
    facets = facets_in(str(text)) if text else ()
    return Summary(**fields, facets=facets)  # type: ignore[arg-type]  # the columns are the fields, by name


def pruned_in(key: str, flow: str, at: int, why: str, epoch: int | None) -> Pruned:
    """The record of a removed run in a SQLite row of a page."""
    return Pruned(key=key, flow=FlowId(flow), at=Instant(at), why=why, epoch=epoch)
