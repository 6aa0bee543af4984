"""What runs hold alone, and who waits for it: resources, and workspaces that a flow uses again."""

from typing import Any

from aiohttp import web

from floe.hub.hub import Hub
from floe.model.codec import iso
from floe.model.host import Pend
from floe.model.refs import RunRef
from floe.server.bodies import query
from floe.server.keys import HUB
from floe.server.problems import answer

Shape = dict[str, Any]


async def index(request: web.Request) -> web.Response:
    """What is held, by whom and since when, and which runs wait for it, oldest first."""
    query(request).done()
    hub = request.app[HUB]
    table = hub.loop.core.table
    pends = sorted(table.pends.values(), key=lambda pend: table.runs[pend.run].pended_at)
    resources = [
        _lease(hub, tag, "resource", holder, [p for p in pends if tag in p.resource_tags])
        for tag, holder in sorted(table.held.items())
    ]
    spaces = [
        _lease(
            hub, flow, "workspace", holder, [p for p in pends if p.reuse_space and p.flow == flow]
        )
        for flow, holder in sorted(table.spaces.items())
    ]
    return answer({"leases": resources + spaces})


def _lease(hub: Hub, tag: str, kind: str, holder: RunRef, pends: list[Pend]) -> Shape:
    run = hub.loop.core.table.runs[holder]
    return {
        "tag": tag,
        "kind": kind,
        "run": str(holder),
        "flow": run.flow_id,
        "host": run.host,
        "fence": run.fences.get(tag, ""),
        "since": iso(run.started_at),
        "waiting": [str(pend.run) for pend in pends],
    }
