"""The flows this host knows."""

from aiohttp import web

from floe.hub.flows import FlowBook
from floe.hub.hub import Hub
from floe.model.codec import iso
from floe.model.flow import Flow, Trigger
from floe.model.ids import Shape
from floe.model.secret import without_password
from floe.server.app_keys import HUB
from floe.server.fields import query
from floe.server.flyte.board import in_short
from floe.server.flyte.site import FLYTE_SITE
from floe.server.problems import answer
from floe.shapes.findings import finding_shape
from floe.shapes.flows import definition_shape, flow_page, flow_shape, trigger_shape
from floe.shapes.runs import summary_shape
from floe.store.base import FlowRuns


async def index(request: web.Request) -> web.Response:
    """All flows, and the findings of their documents."""
    query(request).done()
    hub = request.app[HUB]
    book = hub.reads.book()
    runs = await hub.reads.flow_runs(book.flows)
    flows = [{**flow_shape(flow), **_known(hub, flow, runs[flow.id])} for flow in book.flows]
    findings = [finding_shape(f) for f in book.findings]
    flyte = in_short(request.app[FLYTE_SITE])
    return answer({"flows": flows, "findings": findings, "flyte": flyte})


async def show(request: web.Request) -> web.Response:
    """One flow with its graph; without a version the highest."""
    query(request).done()
    hub = request.app[HUB]
    flow = hub.reads.flow(request.match_info["flow"])
    runs = await hub.reads.flow_runs((flow,))
    return answer({**flow_page(flow), **_known(hub, flow, runs[flow.id])})


async def definition(request: web.Request) -> web.Response:
    """The definition of a flow: as it is written in the config, and what its nodes do."""
    query(request).done()
    reads = request.app[HUB].reads
    flow = reads.flow(request.match_info["flow"])
    text = reads.book().written.get((flow.id, flow.ver))
    return answer(definition_shape(flow, _file(reads.book(), flow), text))


def _known(hub: Hub, flow: Flow, runs: FlowRuns) -> Shape:
    book = hub.reads.book()
    file = _file(book, flow)
    own = [f for f in book.findings if f.file == file and flow.origin != book.path]
    return {
        "triggers": [_trigger(hub, flow, t) for t in flow.triggers],
        "last": summary_shape(runs.last, hub.reads.name_of) if runs.last else None,
        "findings": [finding_shape(f) for f in own],
        "failing": _failing(runs),
    }


def _file(book: FlowBook, flow: Flow) -> str:
    """The document that has a flow."""
    written = book.written.get((flow.id, flow.ver))
    return without_password((written and written.file) or flow.origin)


def _failing(runs: FlowRuns) -> Shape | None:
    """Since when every ended run of a flow was bad; None if the last was good."""
    if not runs.bad:
        return None
    return {"since": iso(runs.bad_since), "runs": runs.bad, "more": runs.has_more}


def _trigger(hub: Hub, flow: Flow, trigger: Trigger) -> Shape:
    problem = hub.reads.trigger_problem(flow, trigger)
    passed = hub.reads.passed_over(flow, trigger)
    return trigger_shape(trigger, hub.reads.next_due(flow, trigger), problem, passed)
