"""Builders of nouns with defaults for what does not matter to a test."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from floe.kernel.decide import Decision, decide
from floe.kernel.evolve import evolve, fold
from floe.kernel.owed import key_of
from floe.model.children import SubFlow
from floe.model.codec import digest_of
from floe.model.event import Event, RunGranted, RunPended
from floe.model.flow import Flow, Node, Trigger
from floe.model.form import Field, Form
from floe.model.host import HostView
from floe.model.ids import FlowId, HostId, Instant, Json, Key, NodeId, RunRef, StoreId
from floe.model.pend import Pend
from floe.model.run import Attached, Run
from floe.model.signal import Activate, Exited, Reported, Signal, Started, Stopped
from floe.model.tags import Tag
from floe.model.work import Ask, End, Exec, GitCheckout, GitMerge, Join, Wait, Work

NOW = Instant(1_795_600_800_000)
"""2026-11-25T10:00:00Z."""

H1 = HostId("h1")
STORE = StoreId("k3f9")
REF = RunRef(H1, STORE, 1)
WORKSPACE = "/srv/floe/spaces/h1-1"

TYPES: Mapping[type, str] = {
    Exec: "exec",
    GitCheckout: "git-checkout",
    GitMerge: "git-merge",
    Wait: "timer",
    Ask: "data",
    SubFlow: "flow",
    End: "end",
}


def a_node(id: str = "build", work: Work | None = None, **others: Any) -> Node:
    """A task; `on` is what it listens to, `trigger.good` unless told."""
    on = others.pop("on", "trigger.good")
    work = work or Exec(argv=("true",))
    made: dict[str, Any] = {
        "id": NodeId(id),
        "cls": "task",
        "type": TYPES.get(type(work), type(work).__name__.lower()),
        "name": id.replace("-", " "),
        "work": work,
        "heard": frozenset({Tag(on)}),
    }
    return Node(**(made | others))


def a_merge(id: str, wait: Sequence[str], kind: str = "all", **others: Any) -> Node:
    """A merge of `all` or `any` of some tags."""
    tags = tuple(Tag(t) for t in wait)
    made: dict[str, Any] = {
        "id": NodeId(id),
        "cls": "merge",
        "type": kind,
        "name": id.replace("-", " "),
        "work": Join(),
        "needs": (tags,) if kind == "any" else tuple((t,) for t in tags),
    }
    return Node(**(made | others))


def an_end(id: str = "done", on: str = "task.build.good") -> Node:
    """An end node."""
    return a_node(id, End(), on=on)


def a_form(id: str = "sign-off", on: str = "trigger.good", **others: Any) -> Node:
    """A data task with one yes-or-no field."""
    form = Form(title="Sign Off", fields=(Field(id="ok", prompt="Good?", type="bool"),))
    return a_node(id, Ask(form=form), on=on, **others)


def a_timer(id: str = "pause", period_s: float = 60.0, **others: Any) -> Node:
    """A timer task."""
    return a_node(id, Wait(period_s=period_s), **others)


def a_flow(*nodes: Node, **others: Any) -> Flow:
    """A flow with a data trigger `start`; of one task `build` if no nodes are given."""
    made: dict[str, Any] = {
        "id": FlowId("flow"),
        "ver": 1,
        "name": "Flow",
        "triggers": (Trigger(id=NodeId("start"), type="data", name="start"),),
        "nodes": nodes or (a_node(),),
        "inherits": True,
    }
    return Flow(**(made | others))


def a_pended(flow: Flow | None, **others: Any) -> RunPended:
    """The first fact of a run; without a flow, its flow-file is still to be read."""
    made: dict[str, Any] = {
        "at": NOW,
        "flow": flow.id if flow else FlowId("flow"),
        "ver": flow.ver if flow else 1,
        "trigger": NodeId("start"),
        "values": {},
        "by": "alice",
        "digest": digest_of(flow) if flow else None,
    }
    return RunPended(**(made | others))


def a_granted(host: HostId = H1, epoch: int = 1) -> RunGranted:
    """The run was given to a host."""
    return RunGranted(at=NOW, host=host, store=STORE, epoch=epoch, fences={})


def a_pending_run(flow: Flow | None = None, values: Mapping[str, Json] | None = None) -> Run:
    """A run that waits for a host, its flow attached."""
    flow = flow or a_flow()
    return attached(fold(REF, [a_pended(flow, values=values or {})]), flow)


def a_run(flow: Flow | None = None, values: Mapping[str, Json] | None = None) -> Run:
    """A run that was activated on h1 in epoch 1, its flow attached."""
    granted = evolve(a_pending_run(flow, values), a_granted())
    return after(granted, Activate(host=H1, epoch=1, workspace=WORKSPACE))


def attached(run: Run, flow: Flow | None) -> Run:
    """The run with its flow, as the shell attaches it."""
    return replace(run, flow=flow)


def after(run: Run, *signals: Signal, now: Instant = NOW) -> Run:
    """The run once some signals were decided and recorded."""
    for signal in signals:
        run = decided(run, signal, now).run
    return run


def decided(run: Run, signal: Signal, now: Instant = NOW) -> Decision:
    """What a signal causes, with the flow attached that the run has."""
    return decide(run, signal, now, Attached(flow=run.flow))


def grown(run: Run, events: Iterable[Event]) -> Run:
    """The run after some facts."""
    for event in events:
        run = evolve(run, event)
    return run


def the_key(run: Run, node: str) -> Key:
    """The name of a node's current attempt."""
    id = NodeId(node)
    return key_of(run, id, run.nodes[id])


def started(run: Run, node: str, at: Instant = NOW) -> Started:
    """The process of a node's current attempt exists."""
    return Started(key=the_key(run, node), at=at)


def exited(run: Run, node: str, status: int = 0, at: Instant = NOW, **outputs: Json) -> Reported:
    """A node's current attempt ran to its end."""
    report = Exited(status=status, outputs=outputs)
    return Reported(key=the_key(run, node), report=report, at=at)


def stopped(run: Run, node: str) -> Reported:
    """A node's current attempt was stopped."""
    return Reported(key=the_key(run, node), report=Stopped(), at=NOW)


def a_host(id: str = "h1", **others: Any) -> HostView:
    """A host as others see it: this one, without tags, empty."""
    made: dict[str, Any] = {"id": HostId(id), "store": STORE, "tags": frozenset(), "slots": 64}
    return HostView(**(made | others))


def a_pend(**others: Any) -> Pend:
    """A pend that any host could take."""
    made: dict[str, Any] = {
        "run": REF,
        "flow": FlowId("flow"),
        "host_tags": frozenset(),
        "resource_tags": (),
        "reuse_space": False,
    }
    return Pend(**(made | others))
