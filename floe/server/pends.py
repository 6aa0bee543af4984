"""Runs that wait for a host, by what keeps them waiting."""

from typing import Any, Final

from aiohttp import web

from floe.hub.hub import Hub
from floe.kernel.place import Refusals
from floe.kernel.why import why
from floe.model.refs import RunRef
from floe.server import together
from floe.server.bodies import query
from floe.server.keys import HUB
from floe.server.problems import answer

RUNS_MAX: Final = 100
"""Runs that are named of each group."""


async def index(request: web.Request) -> web.Response:
    """The queues of all hosts: runs that need the same are asked for once, and told together."""
    query(request).done()
    others = await together.others(request)
    hub = request.app[HUB]
    queues = (_stored(hub, refs) for refs in hub.loop.core.table.queues.values())
    groups = [_group(hub, refs) for refs in queues if refs]
    groups += [group for shape in others.shapes for group in shape["pends"]]
    return answer({"pends": groups, "away": others.away})


def _stored(hub: Hub, refs: list[RunRef]) -> list[RunRef]:
    """Leave out runs whose first fact the store has not taken yet."""
    return [ref for ref in refs if hub.loop.storing.get(ref, ref) is not None]


def _group(hub: Hub, refs: list[RunRef]) -> dict[str, Any]:
    core = hub.loop.core
    placed = core.place(core.table.pends[refs[0]], hub.clock.now())
    said = why(core.table.runs[refs[0]], placed if isinstance(placed, Refusals) else None)
    return {
        "text": said.text,
        "hosts": [{"host": h, "reasons": list(r)} for h, r in said.hosts.items()],
        "count": len(refs),
        "runs": [hub.names.of(ref) for ref in refs[:RUNS_MAX]],
    }
