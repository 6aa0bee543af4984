"""The routes of the datastore: items that templates read."""

import base64
from typing import Final

import structlog
from aiohttp import web

from floe.model.errors import NotFound, Yours
from floe.model.ids import Json, Shape
from floe.server.bodies import raw_body
from floe.server.flyte.bodies import caller_of, reply
from floe.server.flyte.forms import FormPart, form_parts
from floe.server.flyte.info import list_links
from floe.server.flyte.item_facts import DatastoreItem, read_item
from floe.server.flyte.links import Links
from floe.server.flyte.site import FLYTE_SITE, caught_up

log = structlog.get_logger()

TEXT: Final = "text/plain; charset=us-ascii"
"""The content type of a file that comes without one."""

NO_SCRIPTS: Final = "default-src 'none'; sandbox"
"""A browser that shows an item runs nothing of it: any client may have stored it."""


async def put(request: web.Request) -> web.Response:
    """Store an item, or replace the one with its key."""
    site, key = request.app[FLYTE_SITE], request.match_info["item"]
    parts = form_parts(request.headers.get("Content-Type", ""), await raw_body(request))
    file = next((part for part in parts if part.name == "value" and part.filename), None)
    if file is None or not file.content:
        raise Yours("the form has no file `value` with content")
    before = site.items.local(key)
    item: Json = {
        "content": base64.b64encode(file.content).decode(),
        "contentType": file.content_type or TEXT,
        "description": _description(request, parts),
        "since": read_item(before).since if before else site.hub.clock.now(),
    }
    replaced = await site.items.write(key, item, by=caller_of(request))
    log.info("flyte.item_stored", item=key, bytes=len(file.content))
    await site.copies.settle()
    return web.Response(status=204 if replaced else 201)


async def index(request: web.Request) -> web.Response:
    """All items without their contents, the oldest first."""
    site, links = request.app[FLYTE_SITE], Links(request)
    await caught_up(site.items)
    found = sorted((read_item(row).since, row.name, read_item(row)) for row in site.items.all())
    items = [_listed(key, item, links) for _, key, item in found]
    return reply(
        request, {"links": list_links(links, "datastore", "datastore"), "datastore": items}
    )


async def show(request: web.Request) -> web.Response:
    """The content of an item."""
    key = request.match_info["item"]
    row = await request.app[FLYTE_SITE].items.find(key)
    if row is None:
        raise NotFound(f"no item {key[:80]}")
    item = read_item(row)
    headers = {"Content-Type": item.content_type, "Content-Security-Policy": NO_SCRIPTS}
    return web.Response(body=item.content, headers=headers)


async def delete(request: web.Request) -> web.Response:
    """Delete an item."""
    site, key = request.app[FLYTE_SITE], request.match_info["item"]
    if not await site.items.delete(key, by=caller_of(request)):
        raise NotFound(f"no item {key[:80]}")
    log.info("flyte.item_deleted", item=key)
    await site.copies.settle()
    return web.Response(status=204)


def _description(request: web.Request, parts: list[FormPart]) -> str:
    """The description of an item: that of the query, else that of the form."""
    fields = (part for part in parts if part.name == "description" and not part.filename)
    field = next(fields, None)
    in_form = field.content.decode(errors="replace") if field else ""
    return request.query.get("description", in_form)


def _listed(key: str, item: DatastoreItem, links: Links) -> Shape:
    description = {"description": item.description} if item.description else {}
    shown: Shape = {"key": key, "contentType": item.content_type}
    return shown | description | {"links": [links.link("self", "v1", "datastore", key)]}
