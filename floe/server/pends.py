"""Runs that wait for a host, grouped by their needs."""

from typing import Any, Final

from aiohttp import web

from floe.host.pends import PendQueue
from floe.hub.hub import Hub
from floe.model.codec import iso
from floe.server import fan_out
from floe.server.app_keys import HUB
from floe.server.fields import query
from floe.server.problems import answer

RUNS_MAX: Final = 100
"""Runs named per group."""


async def index(request: web.Request) -> web.Response:
    """The pending runs of all hosts, grouped by equal needs and evaluated once per group."""
    query(request).done()
    others = await fan_out.others(request)
    hub = request.app[HUB]
    groups = [_group(hub, queue) for queue in hub.reads.queues()]
    groups += [group for shape in others.shapes for group in shape["pends"]]
    groups += [
        {**group, "as_of": iso(reply.at)}
        for reply in others.earlier
        for group in reply.shape["pends"]
    ]
    return answer({"pends": groups, "away": others.away})


def _group(hub: Hub, queue: PendQueue) -> dict[str, Any]:
    why, runs = queue
    return {
        "text": why.text,
        "hosts": [{"host": h, "reasons": list(r)} for h, r in why.hosts.items()],
        "count": len(runs),
        "runs": [hub.reads.name_of(ref) for ref in runs[:RUNS_MAX]],
    }
