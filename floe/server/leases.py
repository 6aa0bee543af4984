"""Exclusive resources and reused workspaces: their holders and waiting runs."""

from typing import Any

from aiohttp import web

from floe.host.leases.base import Lease
from floe.hub.hub import Hub
from floe.model.codec import iso
from floe.model.errors import HostAway
from floe.model.ids import HostId, ref_of
from floe.server.app_keys import CALLER, HUB
from floe.server.bodies import json_body
from floe.server.fields import query
from floe.server.idempotency import idempotency_key
from floe.server.problems import answer
from floe.server.relay import at_host, reply_of


async def index(request: web.Request) -> web.StreamResponse:
    """Leases: held resources with holder and time, and the runs that wait for them.

    The keeper replies, whichever host gets the request. While it is away, a host reports the
    resources of its own runs.
    """
    query(request).done()
    hub, away = request.app[HUB], _elsewhere(request)
    if away is None:
        problem = hub.reads.lease_problem()
    else:
        try:
            return await reply_of(request, away)
        except HostAway:
            problem = f"the keeper {away} is away: only resources of this host's runs are known"
    leases = [await _shape(hub, lease) for lease in hub.reads.leases()]
    return answer({"leases": leases, "problem": problem, "away": away})


async def free(request: web.Request) -> web.StreamResponse:
    """End a lease: take a resource from its holder; at the keeper, whichever host is asked."""
    if (keeper := _elsewhere(request)) is not None:
        return await at_host(request, keeper)
    idempotency_key(request)  # safe to repeat: only the named run can lose the resource
    query(request).done()
    body = await json_body(request)
    tag, run = body.text("tag", None), body.text("run", None)
    body.done()
    hub = request.app[HUB]
    await hub.free(tag, hub.reads.ref(run))
    return answer({"tag": tag})


def _elsewhere(request: web.Request) -> HostId | None:
    """The keeper, if it is another host and did not relay this request."""
    return None if request[CALLER].via else request.app[HUB].reads.keeper_elsewhere()


async def _shape(hub: Hub, lease: Lease) -> dict[str, Any]:
    ref, called = ref_of(lease.run), hub.reads.name_of_key
    row = await hub.reads.row(ref) if ref else None
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
