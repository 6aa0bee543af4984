"""The event inbox of each host: what waits for its runs, and what was wrong with earlier events."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from floe.host.inbox import FlowFindings, InboxEvent
from floe.model.codec import from_text, iso
from floe.model.ids import Shape
from floe.server import fan_out
from floe.server.app_keys import HUB
from floe.server.fields import query
from floe.server.problems import answer

READ_MAX: Final = 64 * 1024
"""Characters of an event that is read for its name."""

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
        "first": [_waiting(event) for event in view.first],
        "stuck": view.stuck,
        "findings": [
            {"flow": flow, "name": one.name or flow, **findings_shape(one)}
            for flow, one in found[:FLOWS_MAX]
        ],
    }
    inboxes = [own, *(one for shape in others.shapes for one in shape["inboxes"])]
    inboxes += [
        {**one, "as_of": iso(reply.at)}
        for reply in others.earlier
        for one in reply.shape["inboxes"]
    ]
    return answer({"inboxes": inboxes, "away": others.away})


def findings_shape(found: FlowFindings) -> Shape:
    """What was wrong when events were judged for a flow: how many times, and the newest."""
    keys = ("at", "why", "about")
    newest = [{key: one[key] for key in keys if key in one} for one in found.newest]
    return {"count": found.count, "newest": newest}


def _waiting(event: InboxEvent) -> Shape:
    return {"at": iso(event.at), "bytes": len(event.body), "what": _name_of(event)}


def _name_of(event: InboxEvent) -> str:
    """An event for people: the pack and the event; the dialect where it has no such names."""
    body = from_text(event.body) if len(event.body) <= READ_MAX else None
    if isinstance(body, Mapping) and isinstance(pack := body.get("pack"), Mapping):
        return f"{pack.get('name')} {body.get('event')}"
    return event.dialect


def _newest_at(found: FlowFindings) -> str:
    return str(found.newest[0].get("at", "")) if found.newest else ""
