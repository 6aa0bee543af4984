"""The routes of the audit: correlations, found by what one of their actions is."""

import asyncio
import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from aiohttp import web

from floe.dialects.flyte import rows
from floe.dialects.flyte.audit import shown_run
from floe.dialects.flyte.ids import FlyteId, id_text
from floe.model.errors import FloeError, HostAway, NotFound, Removed, Theirs, Yours
from floe.model.ids import HostId, RunRef, Shape
from floe.peers.base import FRAME_MAX, Request
from floe.server.app_keys import CALLER
from floe.server.flyte.bodies import reply
from floe.server.flyte.links import Links
from floe.server.flyte.site import FLYTE_SITE, FlyteSite
from floe.server.problems import answer
from floe.store.base import FacetFilter, FacetMatch, FacetQuery

LIMIT: Final = 50
LIMIT_MAX: Final = 500
START_MAX: Final = 10_000

PATH: Final = "peer/flyte/run"
"""The route of the other hosts."""

FILTERS: Final = {
    "flowName": rows.FLOW,
    "stepId": rows.STEP,
    "actionName": rows.COMMAND,
    "actionPackName": rows.PACK,
}
"""The kinds of facets that parameters name."""


async def index(request: web.Request) -> web.Response:
    """Correlations with an action that has all that is asked for, the newest action first."""
    site, links = request.app[FLYTE_SITE], Links(request)
    start, limit = _number(request, "start", 0), _number(request, "limit", LIMIT)
    if limit <= 0 or start < 0:
        raise Yours("start is at least 0, and limit at least 1")
    if start > START_MAX:
        raise Yours(f"start is at most {START_MAX}")
    found = await _matches(site, tuple(_filters(request)), start, min(limit, LIMIT_MAX))
    await site.hub.reads.history.read_together(RunRef.parse(match.run.key) for match in found)
    async with asyncio.TaskGroup() as tasks:
        reads = [tasks.create_task(_found_run(request, match)) for match in found]
    shown = [one for read in reads if (one := read.result())]
    for one in shown:
        one["links"] = [links.link("self", "v1", "audit", "flows", one["correlationId"])]
    about = [
        links.link("self", "v1", "audit", "flows"),
        links.link("up", "v1"),
        {"href": links.of("#/flowExecs"), "rel": "help"},
    ]
    return reply(request, {"flows": shown, "links": about})


async def show(request: web.Request) -> web.Response:
    """One correlation."""
    site, text = request.app[FLYTE_SITE], request.match_info["correlation"]
    id = await site.ids.find(text)
    if id is None or id.step is not None:
        raise NotFound(f"no correlation {text[:80]}")
    shown = await _shown(request, id.run)
    shown["links"] = [Links(request).link("self", "v1", "audit", "flows", text)]
    return reply(request, shown)


async def serve(request: web.Request) -> web.Response:
    """A correlation whose run is here, for a different host."""
    site = request.app[FLYTE_SITE]
    run = RunRef.parse(request.query.get("run", ""))
    return answer(await _shown_here(site, run), is_output=True)


def _filters(request: web.Request) -> Iterator[FacetFilter]:
    query = request.query
    yield FacetFilter(kind=rows.ACTION, keys=("action",))
    for name, kind in FILTERS.items():
        if query.get(name):
            yield FacetFilter(kind=kind, keys=(rows.facet_key(query[name]),))
    for pair in query.get("actionPackLabels", "").split(","):
        label = pair.strip().split(":")
        if len(label) == 2:  # others are skipped, as flyte does
            yield FacetFilter(kind=rows.LABEL, keys=(rows.label_key(*label),))


async def _matches(
    site: FlyteSite, filters: tuple[FacetFilter, ...], start: int, limit: int
) -> list[FacetMatch]:
    wanted = filters[1:] or filters  # the facet of all actions narrows nothing down
    found: list[FacetMatch] = []
    cursor = ""
    while len(found) < start + limit:
        left = start + limit - len(found)
        page = await site.hub.reads.runs_by_facets(
            FacetQuery(filters=wanted, limit=left, cursor=cursor)
        )
        found += page.matches
        cursor = page.next
        if not cursor:
            break
    return found[start:]


async def _found_run(request: web.Request, match: FacetMatch) -> Shape | None:
    """A run of a list; None for one that was removed, or whose host is away."""
    try:
        return await _shown(request, RunRef.parse(match.run.key))
    except FloeError:
        return None


async def _shown(request: web.Request, run: RunRef) -> Shape:
    """A correlation, from the host that has its run. Raises NotFound, HostAway, Theirs."""
    site = request.app[FLYTE_SITE]
    found = await site.hub.reads.find(run.key)
    if found.lost is not None:
        raise found.lost
    if found.host is None:
        return await _shown_here(site, run)
    return await _shown_at(request, found.host, run)


async def _shown_here(site: FlyteSite, ref: RunRef) -> Shape:
    try:
        run = await site.hub.reads.run(ref.key)
    except Removed:
        raise NotFound(f"the run {ref} was removed") from None
    if run.flow is None or run.flow.dialect != "flyte":
        raise NotFound(f"{ref} is no run of flyte")
    key = await site.ids.key()
    return shown_run(run, lambda step: id_text(FlyteId(ref, step), key))


async def _shown_at(request: web.Request, host: HostId, run: RunRef) -> Shape:
    """The same from a different host. Raises HostAway, Theirs, NotFound."""
    peers = request.app[FLYTE_SITE].peers
    if peers is None:
        raise HostAway(f"this host does not know {host}", host=host)
    by = request[CALLER].by if CALLER in request else "flyte"
    asked = Request(method="GET", path=f"{PATH}?run={quote(run.key, safe='')}", by=by)
    body = bytearray()
    try:
        async with peers.relay(host, asked) as reply_:
            async for data in reply_.chunks():
                body += data
                if len(body) > FRAME_MAX:
                    raise Theirs(f"the reply of {host} has more than {FRAME_MAX} bytes")
        if reply_.status == HTTPStatus.NOT_FOUND:
            raise NotFound(f"{host} has no run {run}")
        shape = json.loads(body)
    except ConnectionError as error:
        raise HostAway(f"{host} is away: {error}", host=host) from None
    except ValueError:
        raise Theirs(f"the reply of {host} is no correlation") from None
    if reply_.status != HTTPStatus.OK or not isinstance(shape, dict):
        raise Theirs(f"{host} answers {reply_.status}")
    return shape


def _number(request: web.Request, name: str, default: int) -> int:
    """A whole number of the query; the default for anything else, as flyte does."""
    try:
        return int(request.query.get(name, ""))
    except ValueError:
        return default
