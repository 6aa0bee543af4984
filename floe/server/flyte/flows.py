"""The routes of flows: their current versions, by name."""

from collections.abc import Mapping
from typing import Final
from uuid import uuid4

import structlog
from aiohttp import web

from floe.hub.shared.named_rows import NamedRow
from floe.model.errors import NotFound, World, Yours
from floe.model.ids import Shape
from floe.server.flyte.bodies import caller_of, read_value, reply
from floe.server.flyte.flow_documents import flow_document
from floe.server.flyte.info import list_links
from floe.server.flyte.links import Links
from floe.server.flyte.site import FLYTE_SITE, FlyteSite, caught_up

log = structlog.get_logger()

UUID_CHARS: Final = 24

STEPS_MAX: Final = 1000
"""Of a flow: the ids of actions have room for a few more."""


async def post(request: web.Request) -> web.Response:
    """Add a flow, or replace the one with its name. Runs go on with the version that they have."""
    site, by = request.app[FLYTE_SITE], caller_of(request)
    document = flow_document(await read_value(request, whole=True))
    name, count = document["name"], len(document.get("steps", ()))
    if count > STEPS_MAX:
        raise Yours(f"the flow has {count:,} steps, of at most {STEPS_MAX:,}")
    await site.flows.catch_up()
    current = site.flows.local(name)
    # Scripts post the same flows again and again, and each version costs rows and a compilation.
    if current is None or document_of(site, current) != document:
        uuid = uuid4().hex[:UUID_CHARS]
        await site.versions.write(uuid, document, by=by)
        await site.flows.write(name, uuid, by=by)
        log.info("flyte.flow_added", flow=name, version=uuid)
    await site.copies.settle()
    return web.Response(status=201, headers={"Location": Links(request).href("v1", "flows", name)})


async def index(request: web.Request) -> web.Response:
    """All flows, by name."""
    site, links = request.app[FLYTE_SITE], Links(request)
    await caught_up(site.flows)
    flows = [document_of(site, row) for row in sorted(site.flows.all())]
    shown = [
        {key: flow[key] for key in ("name", "description") if key in flow}
        | {"links": [links.link("self", "v1", "flows", flow["name"])]}
        for flow in flows
    ]
    return reply(request, {"flows": shown, "links": list_links(links, "flows", "flow")})


async def show(request: web.Request) -> web.Response:
    """The current version of a flow."""
    site, links, name = request.app[FLYTE_SITE], Links(request), request.match_info["flow"]
    row = await site.flows.find(name)
    if row is None:
        raise NotFound(f"no flow {name[:80]}")
    shown = document_of(site, row) | {
        "links": [
            links.link("self", "v1", "flows", name),
            links.link("up", "v1", "flows"),
            {"href": links.of("#/flow"), "rel": "help"},
        ]
    }
    return reply(request, shown)


async def delete(request: web.Request) -> web.Response:
    """Delete a flow. Its runs go on with the version that they began with."""
    site, name = request.app[FLYTE_SITE], request.match_info["flow"]
    if not await site.flows.delete(name, by=caller_of(request)):
        raise NotFound(f"no flow {name[:80]}")
    log.info("flyte.flow_deleted", flow=name)
    await site.copies.settle()
    return web.Response(status=204)


def document_of(site: FlyteSite, row: NamedRow) -> Shape:
    """The document of the current version of a flow, from its row. Raises World."""
    version = site.versions.local(str(row.value))
    if version is None or not isinstance(version.value, Mapping):
        raise World(
            f"the version {row.value} of the flow {row.name[:80]} is not in this host's copy"
        )
    return dict(version.value)
