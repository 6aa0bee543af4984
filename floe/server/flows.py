"""The flows this host knows."""

from dataclasses import replace
from typing import Any, Final

from aiohttp import web

from floe.hub.hub import Hub
from floe.model.codec import iso
from floe.model.flow import Flow, Trigger
from floe.model.secret import without_password
from floe.server.bodies import query
from floe.server.keys import HUB
from floe.server.problems import answer
from floe.shapes.findings import finding_shape
from floe.shapes.flows import flow_page, flow_shape, trigger_shape
from floe.shapes.runs import summary_shape
from floe.store.base import RunQuery

Shape = dict[str, Any]

FAILING_MAX: Final = 100
"""Bad runs in a row that are counted."""


async def index(request: web.Request) -> web.Response:
    """All flows, and what is to be said about the document they came from."""
    query(request).done()
    hub = request.app[HUB]
    book = hub.reads.book()
    flows = [{**flow_shape(flow), **await _known(hub, flow)} for flow in book.flows]
    return answer({"flows": flows, "findings": [finding_shape(f) for f in book.findings]})


async def show(request: web.Request) -> web.Response:
    """One flow with its graph; without a version the highest."""
    query(request).done()
    hub = request.app[HUB]
    flow = hub.reads.flow(request.match_info["flow"])
    return answer({**flow_page(flow), **await _known(hub, flow)})


async def _known(hub: Hub, flow: Flow) -> Shape:
    page = await hub.reads.runs(RunQuery(flow=flow.id, limit=1))
    origin = without_password(flow.origin)
    own = [
        f
        for f in hub.reads.book().findings
        if f.file == origin and flow.origin != hub.reads.book().path
    ]
    return {
        "triggers": [_trigger(hub, flow, t) for t in flow.triggers],
        "last": summary_shape(page.runs[0], hub.reads.name_of) if page.runs else None,
        "findings": [finding_shape(f) for f in own],
        "failing": await _failing(hub, flow),
    }


async def _failing(hub: Hub, flow: Flow) -> Shape | None:
    """Since when every run of a flow that has ended was bad; None where the last was good."""
    over = RunQuery(flow=flow.id, states=frozenset({"archive"}))
    last = (await hub.reads.runs(replace(over, limit=1))).runs
    if not last or last[0].good is not False:
        return None
    good = (await hub.reads.runs(replace(over, good=True, limit=1))).runs
    since = good[0].pended_at if good else None
    bad = await hub.reads.runs(replace(over, good=False, since=since, limit=FAILING_MAX))
    first = bad.runs[-1]
    return {
        "since": iso(first.ended_at or first.pended_at),
        "runs": len(bad.runs),
        "more": bool(bad.next),
    }


def _trigger(hub: Hub, flow: Flow, trigger: Trigger) -> Shape:
    problem = hub.reads.trigger_problem(flow, trigger)
    return trigger_shape(trigger, hub.reads.next_due(flow, trigger), problem)
