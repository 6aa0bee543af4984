"""Child runs of a node: which may begin, how their ends count, and how they are cancelled.

Source: docs/kernel.md, "Child runs".
"""

from collections.abc import Mapping
from typing import Final

from floe.kernel.open_children import is_timed_out
from floe.kernel.owed import current
from floe.kernel.sentences import duration
from floe.kernel.settle import STOPPED
from floe.model.children import Above, ChildPended, ChildTimedOut, Parent, SubFlow
from floe.model.flow import Flow, Node
from floe.model.ids import Json, Key, RunRef
from floe.model.nouns import replace
from floe.model.outcome import Outcome
from floe.model.result import RunResult
from floe.model.run import NodeState, Run
from floe.model.signal import Cancel, ChildEnded

DEPTH_MAX: Final = 8
"""How many runs may be above a child run, its parent included."""

NO_OUTPUTS: Final[Mapping[str, Json]] = {}

PER_HOST: Final = "host:"
"""Of a resource tag that is exclusive per host: a child may get it at a different host."""


def awaits_child(run: Run, key: Key) -> SubFlow | None:
    """Whether an attempt still has no child run, as the work to start one; None for any other."""
    state = current(run, key)
    if state is None or state.phase != "entered" or run.phase != "active":
        return None
    return state.work if isinstance(state.work, SubFlow) else None


def with_child(state: NodeState, event: ChildPended | ChildTimedOut) -> NodeState:
    """The node, or the item of one, after an event of its child run."""
    if isinstance(event, ChildPended):
        return replace(
            state, phase="started", started_at=event.at, child=event.run, why_new=event.why_new
        )
    return replace(state, timed_out=event.attempt)


def parent_of(run: Run, key: Key, *, waits: bool) -> Parent:
    """What a child run that an attempt of this run starts knows of the runs above it."""
    above = run.parent.above if run.parent else ()
    flow = run.flow
    assert flow is not None, "an active run has its flow"
    holds = tuple(tag for tag in flow.resource_tags if not tag.startswith(PER_HOST))
    chain = (Above(run=run.ref.key, flow=run.flow_id, holds=holds), *above)
    if not waits:
        chain = tuple(Above(run=one.run, flow=one.flow) for one in chain)
    return Parent(key=str(key), waits=waits, above=chain)


def refusal_of(parent: Parent, flow: Flow) -> str:
    """Why a flow cannot be a child run below these runs; empty if it can."""
    names = [str(RunRef.parse(one.run)) for one in parent.above]
    for name, one in zip(names, parent.above, strict=True):
        who = f"its parent {name}" if one is parent.above[0] else f"{name} above it"
        if one.flow == flow.id:
            return f"{flow.id} would run below itself: {who} is a run of it"
        for tag in flow.resource_tags:
            if tag in one.holds:
                return f"{tag} is held by {who}"
    if len(names) > DEPTH_MAX:
        return f"more than {DEPTH_MAX} runs would be above it: {', '.join(names[:3])}, …"
    return ""


def end_of(
    name: str, result: RunResult, why: str, outputs: Mapping[str, Json] = NO_OUTPUTS
) -> ChildEnded:
    """The end of a child run, as its parent's host reports it. `name`: of the child."""
    text = f"{name} ended bad: {why}" if result == "bad" else f"{name}: {why}"
    return ChildEnded(result=result, why=text, outputs=outputs)


def outcome_of_child(node: Node, state: NodeState, report: ChildEnded, *, ending: bool) -> Outcome:
    """The outcome of an attempt whose child run is over."""
    if is_timed_out(state):
        limit = duration(node.timeout_s or 0)
        return Outcome(result="error", why=f"timed out after {limit}")
    if report.result == "good":
        return Outcome(result="good")
    if report.result != "cancelled":
        return Outcome(result="bad", why=report.why)
    return STOPPED if ending else Outcome(result="error", why=report.why)


def cancel_of(run: Run, key: Key) -> Cancel:
    """The cancel of the child run of an attempt of this run."""
    state = current(run, key)
    is_late = state is not None and is_timed_out(state) and run.phase != "ending"
    return Cancel(by=f"its parent {run.ref}", why=f"{key.node} timed out" if is_late else run.why)


def cancel_of_orphan(run: Run) -> Cancel | None:
    """The cancel of a child run lost with its parent's host; None for a run that goes on."""
    if run.parent is None or not run.parent.waits:
        return None
    parent = Key.parse(run.parent.key).run
    return Cancel(by=f"its parent {parent}", why=f"lost with host {run.ref.host}")
