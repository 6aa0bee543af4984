"""Runs: lists, one run and its nodes, why it waits or ended, cancel."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TypeVar, get_args

from aiohttp import web

from floe.model.errors import Lost, NotFound
from floe.model.event import FlowPinned
from floe.model.flow import Node
from floe.model.ids import (
    NO_ITEM,
    FlowId,
    HostId,
    Instant,
    RunRef,
    flow_id,
    host_id,
    node_id,
)
from floe.model.result import RunResult
from floe.model.run import Run, State
from floe.model.summary import Summary
from floe.server.app_keys import CALLER, HUB
from floe.server.bodies import json_body
from floe.server.callbacks import addresses
from floe.server.events import SEQ_MAX, event_shape, fact_shape
from floe.server.fields import Fields, item_in, query, visit_in
from floe.server.flyte.graph import FLYTE, flyte_graph
from floe.server.idempotency import idempotency_key
from floe.server.problems import answer
from floe.shapes.flows import definition_shape, graph_shape
from floe.shapes.nodes import at_visit, item_page, node_page
from floe.shapes.notices import notices_shape
from floe.shapes.passwords import without_passwords
from floe.shapes.runs import as_of_shape, run_shape, summary_shape, why_shape
from floe.store.base import RunQuery

PAGE: Final = 50
PAGE_MAX: Final = 500
KNOWN_MAX: Final = 200
"""Events of a run whose log is away."""
PINNED_BY: Final = 10
"""Events at the start of a run, by which its flow-file was read."""
STATES: Final[tuple[State, ...]] = ("pending", "active", "archive")
RESULTS: Final[tuple[RunResult, ...]] = get_args(RunResult)


Word = TypeVar("Word", bound=str)


async def index(request: web.Request) -> web.Response:
    """Runs, newest first, page by page."""
    return await _page(request, None)


async def of_flow(request: web.Request) -> web.Response:
    """Runs of one flow."""
    return await _page(request, request.match_info["flow"])


async def _page(request: web.Request, flow: str | None) -> web.Response:
    fields = query(request)
    text = flow if flow is not None else fields.text("flow")
    host = fields.text("host")
    wanted = RunQuery(
        flow=_flow(text) if text else None,
        states=fields.words("state", STATES),
        good=fields.flag("good"),
        results=fields.words("result", RESULTS),
        host=_host(host) if host else None,
        text=fields.text("text"),
        since=_instant(fields, "since"),
        until=_instant(fields, "until"),
        limit=fields.integer("limit", PAGE, 1, PAGE_MAX),
        cursor=fields.text("cursor"),
    )
    fields.done()
    hub = request.app[HUB]
    as_of = hub.reads.as_of()
    page = await hub.reads.runs(wanted)
    rows = [summary_shape(row, hub.reads.name_of) for row in page.runs]
    shape = {"runs": rows, "next": page.next}
    return answer({**shape, **as_of_shape(as_of)})


def _instant(fields: Fields, key: str) -> Instant | None:
    text = fields.text(key)
    if not text:
        return None
    try:
        return Instant(int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000))
    except (ValueError, OverflowError):
        fields.wrong(key, "a time is expected, as 2026-11-21T10:00:00Z")
        return None


def _flow(text: str) -> FlowId:
    return flow_id(text.partition("@")[0])


def _host(text: str) -> HostId:
    return host_id(text)


async def show(request: web.Request) -> web.Response:
    """One run in full, now or after one of its events, and the feed position of this state."""
    seq = _seq(request)
    hub = request.app[HUB]
    pos = hub.reads.position()  # before the run is read: the feed delivers the changes in between
    run = await _run(request, seq)
    shape = {
        **run_shape(run, hub.reads.row_of(run), hub.reads.name_of, hub.reads.moved_to(run)),
        "pos": pos,
        "callbacks": [] if seq else await addresses(hub.callbacks, run),
        "moment": None,
    }
    if run.flow is not None and run.flow.dialect == FLYTE:
        shape["graph"] = flyte_graph(run.flow)
    if seq:
        (last,) = await hub.reads.events(run.ref.key, run.seq - 1, 1)
        shape["moment"] = fact_shape(last)
    return answer(shape)


async def known(request: web.Request, run: str) -> dict[str, object]:
    """What this host knows of a run whose log is away: the graph of its flow, and some events."""
    reads = request.app[HUB].reads
    row = await reads.summary(reads.ref(run))
    found = [event_shape(stored) for stored in await reads.events(run, 0, KNOWN_MAX)]
    if row.label:  # a run of a dialect may have passwords, and its log is not here to tell
        found = [{**one, "data": {}} for one in found]
    graph: object = None
    with suppress(NotFound):
        flow = reads.book().find(f"{row.flow}@{row.ver}")
        graph = graph_shape(flow) if flow.nodes else None
    return {"graph": graph, "events": found}


async def node(request: web.Request) -> web.Response:
    """One node of a run, with its inputs and its work: its latest visit or an earlier one, now or
    after an event."""
    fields = query(request)
    seq, item = fields.integer("seq", 0, 1, SEQ_MAX), item_in(fields)
    visit = visit_in(fields)
    fields.done()
    run = await _run(request, seq)
    found = node_of(run, request.match_info["node"])
    run = at_visit(run, found, visit)
    shape = item_page(run, found, item) if item != NO_ITEM else node_page(run, found)
    return answer(without_passwords(run, shape))


async def definition(request: web.Request) -> web.Response:
    """The definition of a run: what its nodes do, and the flow-file that it read."""
    query(request).done()
    run = await _run(request)
    if run.flow is None:
        raise NotFound(f"{run.ref} has not read its flow yet", "look again when it has started")
    reads = request.app[HUB].reads
    first = [stored.record.event for stored in await reads.events(run.ref.key, 0, PINNED_BY)]
    source = next((event.source for event in first if isinstance(event, FlowPinned)), "")
    text = await reads.written_of(run, source) if source else None
    return answer(definition_shape(run.flow, source, text))


async def why(request: web.Request) -> web.Response:
    """Why a run waits, or why it ended."""
    query(request).done()
    run = await _run(request)
    hub = request.app[HUB]
    return answer(why_shape(run, await hub.reads.why(run.ref.key), hub.reads.name_of))


async def notices(request: web.Request) -> web.Response:
    """The notices of a run that has ended."""
    query(request).done()
    found = await request.app[HUB].reads.notices_of(request.match_info["run"])
    return answer(notices_shape(found))


def why_lost(request: web.Request, row: Summary, lost: Lost) -> web.Response:
    """Why a run ended whose log is gone, from its row."""
    name = request.app[HUB].reads.name_of(RunRef.parse(row.key))
    text = lost.what.removeprefix(f"{name} ")
    parts: dict[str, list[object]] = {"hosts": [], "waiting": [], "never": [], "skipped": []}
    return answer({"run": name, "state": row.state, "text": text, **parts})


async def cancel(request: web.Request) -> web.Response:
    """Cancel a run."""
    query(request).done()
    fields = await json_body(request)
    reason = fields.text("why")
    fields.done()
    hub = request.app[HUB]
    done = await hub.cancel(
        request.match_info["run"],
        by=request[CALLER].by,
        why=reason,
        once=idempotency_key(request),
    )
    return answer(summary_shape(done.row, hub.reads.name_of), 202)


def _seq(request: web.Request) -> int:
    """The event after which to show a run; 0: its current state."""
    fields = query(request)
    seq = fields.integer("seq", 0, 1, SEQ_MAX)
    fields.done()
    return seq


async def _run(request: web.Request, seq: int = 0) -> Run:
    hub, name = request.app[HUB], request.match_info["run"]
    run = await (hub.reads.run_at(name, seq) if seq else hub.reads.run(name))
    flow = request.match_info.get("flow")
    if flow is not None and flow not in (run.flow_id, f"{run.flow_id}@{run.ver}"):
        what = f"flow {flow[:80]} has no run {hub.reads.name_of(run.ref)}"
        raise NotFound(what, f"it is a run of {run.flow_id}")
    return run


def node_of(run: Run, text: str) -> Node:
    """A node of a run's flow, by `build` or `task.build`. Raises IdInvalid, NotFound."""
    id = node_id(text.removeprefix("task.").removeprefix("merge."))
    nodes = run.flow.by_id if run.flow else {}
    if id not in nodes:
        raise NotFound(f"{run.ref} has no node {id}", f"it has {', '.join(nodes) or 'none yet'}")
    return nodes[id]
