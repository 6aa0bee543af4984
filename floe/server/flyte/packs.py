"""The routes of packs: they register, and are seen whenever they call."""

from collections.abc import Mapping

import structlog
from aiohttp import web

from floe.dialects.flyte.audit import go_time
from floe.hub.shared.named_rows import NamedRow
from floe.model.errors import NotFound
from floe.model.ids import Instant, Shape
from floe.server.flyte.bodies import caller_of, read_value, reply
from floe.server.flyte.info import list_links
from floe.server.flyte.links import Links
from floe.server.flyte.pack_documents import listed_pack, pack_document, pack_id, shown_pack
from floe.server.flyte.site import FLYTE_SITE, FlyteSite, caught_up

log = structlog.get_logger()


async def register(request: web.Request) -> web.Response:
    """Register a pack, or the same pack again with what it has now."""
    site = request.app[FLYTE_SITE]
    document = pack_document(await read_value(request))
    id = pack_id(document)
    await site.ids.key()  # from here on it may take actions
    await site.packs.write(id, document, by=caller_of(request))
    site.presence.see(id)
    log.info("flyte.pack_registered", pack=id)
    shown = await _shown(request, id)
    return reply(request, shown, 201, {"Location": Links(request).href("v1", "packs", id)})


async def index(request: web.Request) -> web.Response:
    """All packs, by name; of one name, the last registration last."""
    site, links = request.app[FLYTE_SITE], Links(request)
    await caught_up(site.packs)
    rows = sorted(site.packs.all(), key=lambda row: (_document(row)["name"], row.row.number))
    packs = [listed_pack(_document(row), *_seen(site, row), links) for row in rows]
    return reply(request, {"links": list_links(links, "packs", "pack"), "packs": packs})


async def show(request: web.Request) -> web.Response:
    """One pack."""
    return reply(request, await _shown(request, request.match_info["pack"]))


async def delete(request: web.Request) -> web.Response:
    """Delete a pack. A process of it ends when it calls the next time."""
    id = request.match_info["pack"]
    if not await request.app[FLYTE_SITE].packs.delete(id, by=caller_of(request)):
        raise NotFound(f"no pack {id[:80]}")
    log.info("flyte.pack_deleted", pack=id)
    return web.Response(status=204)


async def calling_pack(request: web.Request) -> Shape:
    """The document of the pack that calls, which is seen by that.

    Raises NotFound only where the keeper has none: a pack in Go ends its process then.
    """
    site, id = request.app[FLYTE_SITE], request.match_info["pack"]
    row = await _found(site, id)
    site.presence.see(id)
    return _document(row)


async def _shown(request: web.Request, id: str) -> Shape:
    site = request.app[FLYTE_SITE]
    row = await _found(site, id)
    return shown_pack(_document(row), *_seen(site, row), Links(request))


async def _found(site: FlyteSite, id: str) -> NamedRow:
    row = await site.packs.find(id)
    if row is None:
        raise NotFound(f"no pack {id[:80]}")
    return row


def _seen(site: FlyteSite, row: NamedRow) -> tuple[str, str]:
    """When a pack was last seen, and its status by that."""
    at = site.presence.last_seen(row.name, Instant(row.row.at))
    return go_time(at), site.presence.status(at)


def _document(row: NamedRow) -> Shape:
    assert isinstance(row.value, Mapping), "the document of a pack is an object"
    return dict(row.value)
