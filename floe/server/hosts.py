"""The hosts of the cluster: their state, and commands to each."""

import functools
from typing import Any, Final

from aiohttp import web

from floe.model.codec import iso
from floe.model.errors import NotFound
from floe.model.ids import HostId, StoreId, host_id
from floe.server.app_keys import HUB
from floe.server.bodies import json_body
from floe.server.fields import query
from floe.server.idempotency import idempotency_key
from floe.server.problems import Handler, answer
from floe.server.relay import at_host
from floe.shapes.findings import finding_shape
from floe.shapes.hosts import host_shapes

STAYING_MAX: Final = 100
"""Runs that a drained host names; it counts all."""


async def index(request: web.Request) -> web.Response:
    """All hosts and their state, this one first."""
    query(request).done()
    shapes = host_shapes(request.app[HUB].reads.fleet())
    shapes[0]["url"] = f"{request.scheme}://{request.host}"
    for shape in shapes:
        shape["offers"] = _offers(shape)
    return answer({"hosts": shapes})


def _offers(shape: dict[str, Any]) -> list[str]:
    """The commands that a host accepts through this one."""
    if shape["self"]:
        return ["reload", "drain"]
    return ["reload", "drain", "forget"] if shape["id"] and shape["store"] else []


def at_named_host(handler: Handler) -> Handler:
    """Run a handler at the host that the path names, whichever host gets the request."""

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        id = host_id(request.match_info["host"])
        if id == request.app[HUB].reads.host:
            return await handler(request)
        _require_known(request, id)
        return await at_host(request, id)

    return answered


async def reload(request: web.Request) -> web.Response:
    """Reload the host's config; a config with errors changes nothing."""
    idempotency_key(request)  # safe to repeat: the file is read as it is now
    query(request).done()
    (await json_body(request)).done()
    book = await request.app[HUB].reload()
    return answer({"flows": len(book.flows), "findings": [finding_shape(f) for f in book.findings]})


async def drain(request: web.Request) -> web.Response:
    """Drain the host: accept no new runs, or (`on` false) accept them again."""
    idempotency_key(request)  # safe to repeat, here and below
    query(request).done()
    body = await json_body(request)
    on = body.flag("on") is not False
    body.done()
    hub = request.app[HUB]
    await hub.drain(on=on)
    reads, staying = hub.reads, hub.reads.staying()
    return answer(
        {
            "id": reads.host,
            "draining": on,
            "active": reads.view().active,
            "left": len(staying),
            "staying": [{"run": run, "why": why} for run, why in staying[:STAYING_MAX]],
        }
    )


async def forget(request: web.Request) -> web.Response:
    """Give up a permanently lost host and its store: its runs end or restart elsewhere."""
    idempotency_key(request)
    query(request).done()
    body = await json_body(request)
    store, force = body.text("store"), body.flag("force") is True
    body.done()
    hub, id = request.app[HUB], host_id(request.match_info["host"])
    _require_known(request, id)
    await hub.forget(id, StoreId(store) if store else None, force=force)
    return answer({"id": id, "forgotten": iso(hub.reads.now())})


def _require_known(request: web.Request, id: HostId) -> None:
    shapes: list[dict[str, Any]] = host_shapes(request.app[HUB].reads.fleet())
    known = [shape["id"] for shape in shapes if shape["id"]]
    if id not in known:
        raise NotFound(f"no host {id}", f"this host knows: {', '.join(known)}")
