"""The hosts of the cluster; in this release the one that answers."""

import os
from typing import Any

from aiohttp import web

import floe
from floe.hub.views import finding_shape
from floe.model.codec import iso
from floe.model.errors import NotFound, NotYet
from floe.model.refs import host_id
from floe.server.bodies import json_body, once_of, query
from floe.server.keys import HUB, SETTINGS
from floe.server.problems import answer


async def index(request: web.Request) -> web.Response:
    """All hosts and what they do."""
    query(request).done()
    return answer({"hosts": [_self(request)]})


def _self(request: web.Request) -> dict[str, Any]:
    hub, settings = request.app[HUB], request.app[SETTINGS]
    view, book = hub.view(), hub.book
    return {
        "id": view.id,
        "store": view.store,
        "self": True,
        "keeper": True,
        "tags": sorted(view.tags),
        "version": floe.__version__,
        "started_at": iso(hub.started_at),
        "seen_at": iso(hub.clock.now()),
        "draining": view.draining,
        "slots": view.slots,
        "active": view.active,
        "pending": len(hub.loop.core.table.pends),
        "load": round(os.getloadavg()[0], 2),
        "cpus": os.cpu_count() or 1,
        "commands": settings.commands,
        "running": hub.acts.running(),
        "waiting": len(hub.acts.waiting()),
        "config": {
            "path": book.path,
            "digest": book.digest,
            "loaded_at": iso(book.loaded_at),
            "findings": [finding_shape(f) for f in book.findings],
        },
        "url": f"{request.scheme}://{request.host}",
        "offers": ["reload"],
    }


async def reload(request: web.Request) -> web.Response:
    """Read the host's config again; a bad one changes nothing."""
    once_of(request)  # to read it once more does no harm: what is read is what is there now
    query(request).done()
    (await json_body(request)).done()
    hub, id = request.app[HUB], host_id(request.match_info["host"])
    if id != hub.host.id:
        raise NotFound(f"no host {id}", f"this host is {hub.host.id}")
    book = await hub.reload()
    return answer({"flows": len(book.flows), "findings": [finding_shape(f) for f in book.findings]})


async def drain(request: web.Request) -> web.Response:
    """Take no more runs; not yet."""
    raise NotYet("hosts cannot be drained yet", "stop the host: its commands keep running")


async def forget(request: web.Request) -> web.Response:
    """Give up a host that is gone for good; not yet."""
    raise NotYet("there are no other hosts yet")
