"""What runs hold alone, and who waits for it: resources, and workspaces that a flow uses again."""

from collections.abc import Collection, Iterator
from typing import Any, Literal

from aiohttp import web

from floe.hub.cluster import Cluster
from floe.hub.holdings import Holding
from floe.hub.hub import Hub
from floe.hub.members import ref_of
from floe.kernel.place import HOST_SCOPED
from floe.model.codec import iso
from floe.model.host import Pend
from floe.model.refs import HostId, Instant, RunRef
from floe.server.bodies import json_body, once_of, query
from floe.server.keys import CALLER, HUB
from floe.server.problems import answer
from floe.server.relay import at_host, whereabouts

Shape = dict[str, Any]
Kind = Literal["resource", "workspace"]


async def index(request: web.Request) -> web.StreamResponse:
    """What is held, by whom and since when, and which runs wait for it, oldest first.

    The keeper knows, so it answers, whichever host is asked; while it is away a host says what
    its own runs hold.
    """
    query(request).done()
    hub = request.app[HUB]
    cluster = hub.loop.core.cluster
    keeper = _elsewhere(request)
    problem = ""
    if keeper is not None and cluster is not None:
        member = cluster.members.by_id.get(keeper)
        if member is not None and not member.stale:
            return await at_host(request, keeper)
        problem = f"the keeper {keeper} is away: only what runs of this host hold is known"
    resources = list(_resources(hub, is_own=cluster is None or bool(problem)))
    spaces = list(_spaces(hub))
    if cluster is None:
        return answer({"leases": resources + spaces, "problem": ""})
    kept = [await _kept(hub, cluster, *held) for held in cluster.keeper.holdings.held()]
    leases = sorted(kept + resources, key=lambda lease: str(lease["tag"])) + spaces
    if not problem and hub.host.keeper:
        problem = cluster.keeper.problem()
    return answer({"leases": leases, "problem": problem or _no_keeper(hub)})


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


def _no_keeper(hub: Hub) -> str:
    return "" if hub.host.keeper else "no `keeper:` is configured: nobody gives resources"


def _resources(hub: Hub, *, is_own: bool) -> Iterator[Shape]:
    """Those that each host decides alone; of this host all that its runs hold, if `is_own`."""
    table = hub.loop.core.table
    pends = _pends(hub)
    cluster = hub.loop.core.cluster
    for tag, holder in sorted(table.held.items()):
        if is_own or tag.startswith(HOST_SCOPED):
            waiting = [p.run for p in pends if tag in p.resource_tags]
            yield _lease(hub, tag, "resource", holder, waiting)
    for member in cluster.members.lives() if cluster else ():
        for tag, key in member.ping.held.items() if member.ping else ():
            yield _elsewhere_held(tag, "resource", key, member.id)


def _spaces(hub: Hub) -> Iterator[Shape]:
    pends = _pends(hub)
    cluster = hub.loop.core.cluster
    for flow, holder in sorted(hub.loop.core.table.spaces.items()):
        waiting = [p.run for p in pends if p.reuse_space and p.flow == flow]
        yield _lease(hub, flow, "workspace", holder, waiting)
    for member in cluster.members.lives() if cluster else ():
        for flow, key in member.ping.spaces.items() if member.ping else ():
            yield _elsewhere_held(flow, "workspace", key, member.id) | {"flow": flow}


def _pends(hub: Hub) -> list[Pend]:
    table = hub.loop.core.table
    return sorted(table.pends.values(), key=lambda pend: table.runs[pend.run].pended_at)


async def _kept(hub: Hub, cluster: Cluster, tag: str, holding: Holding) -> Shape:
    """A resource of the whole cluster, as the keeper's table has it."""
    ref = ref_of(holding.claim.run)
    row = await hub.store.find(ref) if ref else None
    waiting = [ref_of(claim.claim.run) for claim in cluster.keeper.holdings.waiting(tag)]
    return {
        "tag": tag,
        "kind": "resource",
        "run": str(ref),
        "flow": row.flow if row else "",
        "host": row.host if row else None,
        "fence": holding.fences.get(tag, ""),
        "since": iso(Instant(holding.since)),
        "waiting": [str(ref) for ref in waiting],
    }


def _elsewhere_held(tag: str, kind: Kind, run: str, host: HostId) -> Shape:
    return {
        "tag": tag,
        "kind": kind,
        "run": str(ref_of(run)),
        "flow": "",
        "host": host,
        "fence": "",
        "since": None,
        "waiting": [],
    }


def _lease(hub: Hub, tag: str, kind: Kind, holder: RunRef, waiting: Collection[RunRef]) -> Shape:
    run = hub.loop.core.table.runs[holder]
    return {
        "tag": tag,
        "kind": kind,
        "run": str(holder),
        "flow": run.flow_id,
        "host": run.host,
        "fence": run.fences.get(tag, ""),
        "since": iso(run.started_at),
        "waiting": [str(ref) for ref in waiting],
    }
