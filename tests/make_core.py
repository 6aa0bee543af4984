"""The core of a single host, and inputs for it."""

from typing import Any

from hypothesis import strategies as st

from floe.host.core import HostCore
from floe.host.inputs import FlowRead, Incoming, Input, Packed, Start
from floe.host.site import SiteSettings
from floe.host.step_result import StepResult
from floe.kernel.process import takes_slot
from floe.model.codec import digest_of
from floe.model.event import Event
from floe.model.flow import Flow, Retry
from floe.model.ids import FlowId, NodeId, RunRef
from floe.model.run import Run
from floe.model.signal import Cancel, DataGiven, TimerFired
from tests.make import (
    H1,
    NOW,
    STORE,
    a_flow,
    a_form,
    a_merge,
    a_node,
    a_timer,
    an_end,
    exited,
    started,
    the_key,
)

BUILD = a_flow(a_node("build"), an_end())


def a_core(**others: Any) -> HostCore:
    made: dict[str, Any] = {"id": H1, "tags": frozenset({"linux"}), "workspace_root": "/srv"}
    return HostCore(SiteSettings(**(made | others)), STORE)


def a_start(flow: Flow = BUILD, **others: Any) -> Incoming:
    made: dict[str, Any] = {
        "flow": flow,
        "digest": None if flow.flow_file else digest_of(flow),
        "trigger": NodeId("start"),
        "values": {},
        "by": "alice",
    }
    return Incoming(input=Start(**(made | others)))


def a_resource(*tags: str, **others: Any) -> Flow:
    return a_flow(a_node("build"), an_end(), resource_tags=tags, **others)


def stepped(core: HostCore, *words: Incoming) -> StepResult:
    return core.step(words, NOW)


def begun(core: HostCore, *flows: Flow) -> list[Run]:
    """The runs of some flows, each started in a step of its own."""
    refs = [stepped(core, a_start(flow)).appends[0].run for flow in flows]
    return [core.table.runs[ref] for ref in refs]


def to(run: Run | RunRef, word: Input, **others: Any) -> Incoming:
    return Incoming(input=word, run=run.ref if isinstance(run, Run) else run, **others)


def ended(core: HostCore, run: Run) -> StepResult:
    """The step in which the one command of a run ends well."""
    return stepped(core, to(run, exited(core.table.runs[run.ref], "build")))


def events_of(decided: StepResult) -> list[Event]:
    return [step.record.event for step in decided.recorded]


def phases(core: HostCore, *runs: Run) -> list[str]:
    return [core.table.runs[run.ref].phase for run in runs]


CHAIN = a_flow(
    a_node("a", retry=Retry(max=1)),
    a_node("b", on="task.a.good"),
    a_form("ask", on="task.a.good", timeout_s=9.0),
    a_timer("pause", on="task.ask.good"),
    a_merge("all", ["task.b.good", "task.pause.good"]),
    an_end(on="merge.all.good"),
    id=FlowId("chain"),
    timeout_s=3600.0,
)


FLOWS = (
    BUILD,
    CHAIN,
    a_resource("nic", id=FlowId("nic"), reuse_space=True),
    a_resource("nic", "host:usb", id=FlowId("usb")),
    a_flow(id=FlowId("stuck"), host_tags=("gpu",)),
    a_flow(an_end(on="trigger.good"), id=FlowId("at-once"), resource_tags=("host:usb",)),
    a_flow(id=FlowId("read"), flow_file="x.yml"),
)


Move = tuple[int, int, int]


MOVES = st.lists(st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=4), max_size=25)


def input_of(core: HostCore, move: Move) -> Incoming:
    """A word that fits the state at hand, more or less: some are late or repeated."""
    what, which, how = move
    runs = list(core.table.runs.values())
    if what < 4 or not runs:
        once = f"k{which}" if how > 7 else ""
        return a_start(FLOWS[which % len(FLOWS)], once=once)
    run = runs[which % len(runs)]
    if run.phase == "reading":
        return to(run, FlowRead(flow=BUILD, digest=digest_of(BUILD), source="x"))
    if run.phase == "ended":
        return to(run, Packed(digests={}))
    if what == 4:
        return to(run, Cancel(by="bob"))
    nodes = [n for n in run.nodes if n in run.open]
    if not nodes:
        return to(run, Cancel(by="bob"))
    node = nodes[how % len(nodes)]
    state = run.nodes[node]
    key = the_key(run, node)
    if state.phase == "asking":
        return to(run, DataGiven(node=node, values={"ok": True}, good=how != 0, by="bob"))
    if state.phase == "armed":
        return to(run, TimerFired(key=key, kind="retry"))
    if node == "pause":
        return to(run, TimerFired(key=key, kind="wait"))
    if what == 5:
        return to(run, started(run, node))
    return to(run, exited(run, node, 0 if how else 1))


def snapshot(core: HostCore) -> object:
    table = core.table
    return (
        dict(table.runs),
        dict(table.pends),
        {needs: list(queue) for needs, queue in table.queues.items()},
        dict(table.held),
        dict(table.spaces),
        table.active,
        {ref: table.owed(ref) for ref in table.runs},
        dict(core.site.once.items()),
        set(core.site.flows_stored),
    )


def check(core: HostCore) -> None:
    """What holds of a table at any time."""
    table = core.table
    holders = [
        (tag, run.ref)
        for run in table.runs.values()
        if run.state == "active" and run.started_at is not None and run.flow
        for tag in run.flow.resource_tags
    ]
    assert dict(holders) == table.held
    assert len(holders) == len(table.held), "a resource is never held by two runs at once"
    assert table.active == len([r for r in table.runs.values() if takes_slot(r)])
    assert sorted(ref for q in table.queues.values() for ref in q) == sorted(table.pends)
    assert set(table.pends) == {r.ref for r in table.runs.values() if r.phase == "pending"}
    if not core.is_behind and core.site.has_room:
        assert all(core.place(p, NOW) != H1 for p in table.pends.values()), "somebody is stranded"
