"""What runs hold alone, and who waits for it: resources, and workspaces that a flow uses again."""

from typing import Any

from aiohttp import web

from floe.host.leases.report import Lease
from floe.host.peers.members import ref_of
from floe.hub.hub import Hub
from floe.model.codec import iso
from floe.model.refs import HostId
from floe.server.bodies import json_body, once_of, query
from floe.server.keys import CALLER, HUB
from floe.server.problems import answer
from floe.server.relay import at_host, whereabouts


async def index(request: web.Request) -> web.StreamResponse:
    """What is held, by whom and since when, and which runs wait for it, oldest first.

    The keeper knows, so it answers, whichever host is asked; while it is away a host says what
    its own runs hold.
    """
    query(request).done()
    hub = request.app[HUB]
    cluster = hub.loop.core.cluster
    problem = ""
    if cluster is not None and (keeper := _elsewhere(request)) is not None:
        member = cluster.members.by_id.get(keeper)
        if member is not None and not member.stale:
            return await at_host(request, keeper)
        problem = f"the keeper {keeper} is away: only what runs of this host hold is known"
    elif cluster is not None:
        no_keeper = "no `keeper:` is configured: nobody gives resources"
        problem = cluster.keeper.problem() if hub.host.keeper else no_keeper
    leases = [await _shape(hub, lease) for lease in hub.loop.core.leases()]
    return answer({"leases": leases, "problem": problem})


async def free(request: web.Request) -> web.StreamResponse:
    """Take a resource from its holder; at the keeper, whichever host is asked."""
    if (keeper := _elsewhere(request)) is not None:
        return await at_host(request, keeper)
    once_of(request)  # it names the run, and who does not hold it loses nothing
    query(request).done()
    body = await json_body(request)
    tag, run = body.text("tag", None), body.text("run", None)
    body.done()
    _, ref = await whereabouts(request, run)
    await request.app[HUB].free(tag, ref)
    return answer({"tag": tag})


def _elsewhere(request: web.Request) -> HostId | None:
    """The keeper, where it is another host that was not asked yet."""
    hub = request.app[HUB]
    keeper = hub.host.keeper if hub.loop.core.cluster else None
    return None if keeper in (None, hub.host.id) or request[CALLER].via else keeper


async def _shape(hub: Hub, lease: Lease) -> dict[str, Any]:
    ref, called = ref_of(lease.run), hub.loop.core.called
    row = await hub.store.find(ref) if ref else None
    return {
        "tag": lease.tag,
        "kind": lease.kind,
        "run": called(lease.run),
        "flow": row.flow if row else "",
        "host": lease.host or (row.host if row else None),
        "fence": lease.fence,
        "since": iso(lease.since or (row.started_at if row else None)),
        "waiting": [called(run) for run in lease.waiting],
    }
