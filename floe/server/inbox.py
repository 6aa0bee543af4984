"""The event inbox of each host: what waits for its runs, and what was wrong with earlier events."""

from typing import Final

from aiohttp import web

from floe.host.inbox import FlowFindings
from floe.model.codec import iso
from floe.model.ids import Shape
from floe.server import fan_out
from floe.server.app_keys import HUB
from floe.server.fields import query
from floe.server.problems import answer

FLOWS_MAX: Final = 200
"""Flows whose findings are shown of a host, those with the newest."""


async def index(request: web.Request) -> web.Response:
    """The inbox of each host."""
    query(request).done()
    others = await fan_out.others(request)
    hub = request.app[HUB]
    view = hub.reads.event_inbox()
    found = sorted(view.findings.items(), key=lambda one: _newest_at(one[1]), reverse=True)
    own: Shape = {
        "host": hub.reads.host,
        "waiting": view.waiting,
        "bytes": view.bytes,
        "oldest_at": iso(view.oldest_at) if view.oldest_at is not None else None,
        "findings": [_shown(flow, one) for flow, one in found[:FLOWS_MAX]],
    }
    inboxes = [own, *(one for shape in others.shapes for one in shape["inboxes"])]
    inboxes += [
        {**one, "as_of": iso(reply.at)}
        for reply in others.earlier
        for one in reply.shape["inboxes"]
    ]
    return answer({"inboxes": inboxes, "away": others.away})


def _shown(flow: str, found: FlowFindings) -> Shape:
    return {
        "flow": flow,
        "name": found.name or flow,
        "count": found.count,
        "newest": [{"at": one.get("at"), "why": one.get("why")} for one in found.newest],
    }


def _newest_at(found: FlowFindings) -> str:
    return str(found.newest[0].get("at", "")) if found.newest else ""
