"""The datastore for people: its items with who changed them, and edits that overwrite none unseen.

The routes of flyte's own API are in `items`.
"""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

import structlog
from aiohttp import web

from floe.hub.shared.named_rows import ANY, Expected, NamedRow
from floe.model.errors import Conflict, NotFound, Yours
from floe.model.ids import Json, Shape
from floe.model.shared_row import RowOrigin
from floe.server.app_keys import CALLER
from floe.server.bodies import raw_body
from floe.server.fields import query
from floe.server.flyte.item_facts import etag_of, item_facts, read_item
from floe.server.flyte.items import NO_SCRIPTS, TEXT
from floe.server.flyte.site import FLYTE_SITE, caught_up
from floe.server.problems import Stale, answer

log = structlog.get_logger()

ITEMS_MAX: Final = 500
"""Items in one reply."""

FIRST_MAX: Final = 100_000

DESCRIPTION_MAX: Final = 2000
"""Characters of a description."""


async def index(request: web.Request) -> web.Response:
    """The items of the datastore without their contents, by key."""
    fields = query(request)
    text = fields.text("text").casefold()
    first = fields.integer("first", 0, 0, FIRST_MAX)
    limit = fields.integer("limit", ITEMS_MAX, 1, ITEMS_MAX)
    fields.done()
    site = request.app[FLYTE_SITE]
    await caught_up(site.items)
    shown = await site.item_facts.all()
    found = [one for one in shown if text in f"{one['key']}\n{one['description']}".casefold()]
    return answer(
        {
            "items": found[first : first + limit],
            "count": len(found),
            "all": len(shown),
            "old": site.hub.shared.age(),
        },
        is_output=True,
    )


async def show(request: web.Request) -> web.Response:
    """One item without its content."""
    query(request).done()
    row = await _found(request)
    return _reply(item_facts(row))


async def content(request: web.Request) -> web.Response:
    """The content of an item as it is stored, to be saved as a file."""
    query(request).done()
    row = await _found(request)
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.name, safe='')}",
        "Content-Security-Policy": NO_SCRIPTS,
        "ETag": etag_of(row.row),
    }
    return web.Response(body=read_item(row).content, headers=headers)


async def put(request: web.Request) -> web.Response:
    """Store the body as an item of the type of the body. With If-Match it replaces that version
    alone, and with `If-None-Match: *` none."""
    fields = query(request)
    description = fields.text("description")
    if len(description) > DESCRIPTION_MAX:
        fields.wrong("description", f"at most {DESCRIPTION_MAX} characters are stored")
    fields.done()
    site, key = request.app[FLYTE_SITE], request.match_info["item"]
    body = await raw_body(request)
    if not body:
        raise Yours("an item has at least one byte", "delete it instead")
    before = await site.items.find(key)
    since = read_item(before).since if before else site.hub.clock.now()
    item: Json = {
        "content": base64.b64encode(body).decode(),
        "contentType": request.headers.get("Content-Type") or TEXT,
        "description": description,
        "since": since,
    }
    async with _unchanged():
        replaced = await site.items.write(
            key, item, by=request[CALLER].by, expected=_expected(request)
        )
    log.info("flyte.item_stored", item=key, bytes=len(body))
    await site.copies.settle()
    return _reply(item_facts(await _found(request)), 200 if replaced else 201)


async def delete(request: web.Request) -> web.Response:
    """Delete an item. With If-Match that version alone."""
    query(request).done()
    site, key = request.app[FLYTE_SITE], request.match_info["item"]
    async with _unchanged():
        is_deleted = await site.items.delete(
            key, by=request[CALLER].by, expected=_expected(request)
        )
    if not is_deleted:
        raise NotFound(f"no item {key[:80]}")
    log.info("flyte.item_deleted", item=key)
    await site.copies.settle()
    return web.Response(status=204)


async def _found(request: web.Request) -> NamedRow:
    key = request.match_info["item"]
    row = await request.app[FLYTE_SITE].items.find(key)
    if row is None:
        raise NotFound(f"no item {key[:80]}")
    return row


def _reply(shape: Shape, status: int = 200) -> web.Response:
    # As output: a description that was masked would be stored so by the next edit.
    reply = answer(shape, status, is_output=True)
    reply.headers["ETag"] = shape["etag"]
    return reply


def _expected(request: web.Request) -> Expected:
    """The version of an item that a request changes. Raises Yours.

    Source: RFC 9110 13.1.
    """
    match, none = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if none is not None and (none != "*" or match is not None):
        raise Yours("If-None-Match is `*`, which adds an item, and comes without If-Match")
    if none is not None:
        return None
    if match is None:
        return ANY
    sequence, _, number = match.strip().strip('"').rpartition(".")
    if not sequence or not number.isdecimal() or len(number) > len(str(2**63)):
        raise Stale("this is no version of the item", "load it again")
    return RowOrigin(sequence=sequence, number=int(number))


@asynccontextmanager
async def _unchanged() -> AsyncIterator[None]:
    """A write that finds a different version is refused with the status for that."""
    try:
        yield
    except Conflict as error:
        raise Stale(error.what, "load it again, and edit the new version") from None
