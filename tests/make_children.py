"""Judged runs that open child runs, at simulated hosts."""

from typing import Any

from floe.host.opening_inputs import OpenRun
from floe.host.step_result import StepResult
from floe.kernel.judged.lane import judgement
from floe.model.codec import digest_of
from floe.model.flow import Flow
from floe.model.ids import NodeId, RunRef
from floe.model.judging import Judged, UpdateReceived
from floe.model.opening import ChildOpening, Opening
from floe.model.signal import Answered, Reported
from tests.make import exited, the_key
from tests.make_hosts import Host
from tests.toy import judge
from tests.toy.reader import toy_flow

PARENT = toy_flow("toy", ["a | await=k1"])
CHILD = toy_flow("toy", ["c"])


def a_child_opening(key: str = "k1", flow: Flow = CHILD, **others: Any) -> ChildOpening:
    return ChildOpening(key=key, flow=flow, digest=digest_of(flow), opening=Opening(**others))


def open_judged(host: Host, flow: Flow = PARENT, **others: Any) -> RunRef:
    """A run of a judged flow that begins at a host, until it owes no judgement."""
    opening = OpenRun(
        flow=flow, digest=digest_of(flow), trigger=NodeId("start"), by="alice", **others
    )
    ref = host.step(opening, ticket=1).replies[0].run
    assert ref is not None
    work(host, ref)
    return ref


def work(host: Host, ref: RunRef) -> None:
    """Judge what a run owes by the toy, until it owes nothing."""
    while host.run(ref).phase == "active" and (ask := judgement(host.run(ref))) is not None:
        verdicts = judge.judged(host.run(ref), ask.asks, host.now)
        host.step(Judged(epoch=ask.epoch, seq=ask.seq, verdicts=verdicts), run=ref)


def answer(host: Host, ref: RunRef, *opens: ChildOpening, node: str = "a") -> StepResult:
    """The call of a node is good, and opens children."""
    report = Answered(good=True, outputs={}, opens=opens)
    key = the_key(host.run(ref), node)
    return host.step(Reported(key=key, report=report, at=host.now), run=ref)


def open_child(host: Host, ref: RunRef) -> RunRef:
    """A run opens a child that begins, and awaits it at rest."""
    answer(host, ref, a_child_opening())
    passes = host.run(ref).passes
    assert passes is not None
    work(host, ref)
    child = RunRef.parse(passes.children["k1"])
    work(host, child)
    return child


def end_child(host: Host, child: RunRef, status: int = 0) -> StepResult:
    """The one call of a child ends with a status, and is judged."""
    host.step(exited(host.run(child), "c", status), run=child)
    ask = judgement(host.run(child))
    assert ask is not None
    verdicts = judge.judged(host.run(child), ask.asks, host.now)
    return host.step(Judged(epoch=ask.epoch, seq=ask.seq, verdicts=verdicts), run=child)


def updates(host: Host, ref: RunRef) -> list[str]:
    """The updates that a run received."""
    events = host.events(ref)
    return [f"{e.key} {e.state}" for e in events if isinstance(e, UpdateReceived)]
