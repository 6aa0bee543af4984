"""Lists of tasks: by what they are and who has to do with them, the newest activity first."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, cast

from floe.dialects.utask import rows
from floe.dialects.utask.compiled import DIALECT
from floe.dialects.utask.ids import is_uuid
from floe.model.errors import FloeError
from floe.model.facet import facet_cursor
from floe.model.ids import HostId, Instant, RunRef, Shape
from floe.model.summary import Summary
from floe.server.utask.calls import UtaskCall, UtaskReply
from floe.server.utask.documents import task_document, task_id
from floe.server.utask.paging import page_headers, page_size
from floe.server.utask.relay import asked_there
from floe.server.utask.site import UtaskFault, UtaskSite, no_id, not_found
from floe.store.base import FacetFilter, FacetMatch, FacetQuery

TYPES: Final = ("own", "resolvable", "all")

STATES: Final = (
    *("TODO", "DELAYED", "RUNNING", "WAITING", "BLOCKED"),
    *("DONE", "CANCELLED", "WONTFIX"),
)
"""The states of tasks."""

COUNTED: Final = ("TODO", "BLOCKED", "RUNNING", "WONTFIX", "DONE", "CANCELLED")
"""States that are counted even if no task is in them."""

PAGE: Final = 500
"""Rows that are read of the store at once."""

FIRST: Final = "0-1@0000"
"""The key of a run that stands before all others."""


async def index(call: UtaskCall) -> UtaskReply:
    """A page of tasks."""
    size, site = page_size(call), call.site
    after = _instant(call, "after")
    cursor = await _cursor(call)
    filters, found = tuple(_filters(call)), list[FacetMatch]()
    while len(found) <= size:
        limit = min(size + 1 - len(found), PAGE)
        query = FacetQuery(filters=filters, limit=limit, cursor=cursor)
        page = await site.hub.reads.runs_by_facets(query)
        found += [one for one in page.matches if after is None or one.at > after]
        cursor = page.next
        if not cursor or (after is not None and page.matches and page.matches[-1].at <= after):
            break
    key = await site.ids.key()
    last = RunRef.parse(found[size - 1].run.key) if len(found) > size else None
    headers = page_headers(call, size, task_id(last, key) if last else "", type="own")
    shown = await _documents(call, [one.run for one in found[:size]])
    return UtaskReply(200, shown, headers=headers)


async def documents(call: UtaskCall) -> UtaskReply:
    """Some tasks that are here, by the keys of their runs; a task that is not is left out."""
    refs = [RunRef.parse(key) for key in call.body.texts("runs")]
    return UtaskReply(200, dict(await _here(call.site, refs)))


async def counted_states(call: UtaskCall) -> dict[str, int]:
    """How many tasks are in each state, of those with all tags that the call has."""
    counts = dict.fromkeys(COUNTED, 0)
    tags = [*_tags(call)]
    for state in STATES:
        filters = (FacetFilter(kind=rows.STATE, keys=(state,)), *tags)
        if count := await _count(call.site, filters):
            counts[state] = count
    return counts


async def _count(site: UtaskSite, filters: tuple[FacetFilter, ...]) -> int:
    count, cursor = 0, ""
    while True:
        query = FacetQuery(filters=filters, limit=PAGE, cursor=cursor)
        page = await site.hub.reads.runs_by_facets(query)
        count, cursor = count + len(page.matches), page.next
        if not cursor:
            return count


def _filters(call: UtaskCall) -> Iterator[FacetFilter]:
    kind = call.parameter("type") or "own"
    if kind not in TYPES:
        what = f"parameter has not an acceptable value, enum=[{' '.join(TYPES)}]"
        raise UtaskFault(400, f"binding error on field 'Type' of type 'listTasksIn': {what}")
    match kind:
        case "own":
            yield FacetFilter(kind=rows.SEE, keys=(rows.facet_key(call.user.name),))
        case "resolvable":
            yield FacetFilter(kind=rows.RESOLVE, keys=(rows.facet_key(call.user.name),))
        case _:
            yield FacetFilter(kind=rows.TASK, keys=(rows.TASK,))
    for name, facet in (("state", rows.STATE), ("template", rows.TEMPLATE), ("batch", rows.BATCH)):
        if given := call.parameter(name):
            yield FacetFilter(kind=facet, keys=(rows.facet_key(given),))
    yield from _tags(call)


def _tags(call: UtaskCall) -> Iterator[FacetFilter]:
    for name, text in call.query:
        if name == "tag":
            if "=" not in text:
                raise UtaskFault(400, f"invalid tag {text[:80]}")
            yield FacetFilter(kind=rows.TAG, keys=(rows.facet_key(text),))


async def _cursor(call: UtaskCall) -> str:
    """Where a page begins in the list: after a task, or before an instant."""
    if before := _instant(call, "before"):
        return facet_cursor(before, 0, FIRST)
    if not (text := call.parameter("last")):
        return ""
    try:
        id = await call.site.ids.find(text)
        if id is None or id.kind != "task":
            raise not_found("task") if is_uuid(text) else no_id("task", text)
        row = await call.site.hub.reads.row(id.run)
        at = next((one.at for one in row.facets if one.kind == rows.TASK), None) if row else None
        if at is None:
            raise not_found("task")
    except UtaskFault as error:
        raise UtaskFault(error.status, f"Failed to list tasks: {error.what}") from None
    return facet_cursor(at, 0, id.run.key)


def _instant(call: UtaskCall, name: str) -> Instant | None:
    if not (text := call.parameter(name)):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise UtaskFault(400, f"expected '{name}' to be of type struct")
    return Instant(int(at.timestamp() * 1000))


async def _documents(call: UtaskCall, rows: Sequence[Summary]) -> list[Shape]:
    """The tasks of a page, also those of other hosts; without those whose hosts are away."""
    kept, by_host = call.site.listed, dict[HostId | None, list[RunRef]]()
    found = {row.key: shown for row in rows if (shown := kept.of(row)) is not None}
    for row in rows:
        if row.key not in found:
            ref = RunRef.parse(row.key)
            by_host.setdefault(await _host(call.site, ref), []).append(ref)
    async with asyncio.TaskGroup() as tasks:
        reads = [tasks.create_task(_of_host(call, host, some)) for host, some in by_host.items()]
    for read in reads:
        found |= read.result()
    for row in rows:
        if row.key in found:
            kept.keep(row, found[row.key])
    return [found[row.key] for row in rows if row.key in found]


async def _host(site: UtaskSite, ref: RunRef) -> HostId | None:
    with suppress(FloeError):
        return (await site.hub.reads.find(ref.key)).host
    return None


async def _of_host(
    call: UtaskCall, host: HostId | None, refs: Sequence[RunRef]
) -> Mapping[str, Shape]:
    if host is None:
        return await _here(call.site, refs)
    with suppress(FloeError):
        keys = [ref.key for ref in refs]
        reply = await asked_there(call.site, host, "/documents", {"runs": keys}, call.user)
        if reply.status == 200:
            return cast(dict[str, Any], reply.shape)
    return {}


async def _here(site: UtaskSite, refs: Sequence[RunRef]) -> dict[str, Shape]:
    key, found = await site.ids.key(), dict[str, Shape]()
    for ref in refs:
        with suppress(FloeError):
            run = await site.hub.reads.run(ref.key)
            if run.flow is not None and run.flow.dialect == DIALECT:
                found[ref.key] = task_document(run, key, whole=False)
    return found
