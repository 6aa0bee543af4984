"""How a run ended: its result, and the sentence about a node that failed.

Source: "How a run ends" in docs/kernel.md.
"""

from collections.abc import Sequence

from floe.kernel.sentences import event_text, first_parts, outcome_text
from floe.model.flow import Flow, Node
from floe.model.ids import NodeId
from floe.model.result import RunResult, failure
from floe.model.run import NodeState, Run
from floe.model.tags import Tag, emitter_of
from floe.model.work import Ask


def result_of(run: Run, *, good: bool, why: str, tag: Tag | None) -> RunResult:
    """The result of a run that ends for a reason, by an event if `tag` is given."""
    if good:
        return "good"
    if run.cancelled_by:
        return "cancelled"
    if why.startswith("stalled: "):
        return "stalled"
    return "rejected" if tag is not None and is_rejection(run, tag) else "bad"


def is_rejection(run: Run, tag: Tag) -> bool:
    """Whether an event makes the result `rejected`: a person rejected a form."""
    node = emitter_of(tag)
    return node is not None and node in run.nodes and _was_rejected(run.settled(node))


def failure_of(run: Run, flow: Flow, tag: Tag) -> str:
    """The reason of a bad result, from a bad event: `Unit Tests failed: exit status 1`.

    Further lines of an outcome are details, such as a long PATH; they stay with the node.
    """
    node = emitter_of(tag)
    assert node is not None, "the trigger is never bad"
    outcome = run.settled(node).outcome
    how = outcome_text(outcome).partition("\n")[0] if outcome else ""
    return failure(flow.by_id[node].name, how)


def reached(run: Run, flow: Flow, end: Node, tags: Sequence[Tag]) -> tuple[bool, str]:
    """The result at an end that these tags lead to: whether it is good, and its sentence."""
    emitters = {tag: emitter_of(tag) for tag in tags}
    states = {tag: run.settled(node) for tag, node in emitters.items() if node is not None}
    if bad := [tag for tag, state in states.items() if not state.good]:
        return False, first_parts([failure_of(run, flow, tag) for tag in bad])
    how = [event_text(t, states[t].outcome) if t in states else t for t in tags]
    return True, f"{end.ref} was reached by {' and '.join(how)}"


def failed_nodes(run: Run, flow: Flow) -> tuple[NodeId, ...]:
    """The nodes that explain why a run is failing, or has a bad result, by entry.

    Those with a bad event that no node listens to; else the one by whose event the run ended; else
    none.
    """
    bad = [n for n, s in run.nodes.items() if s.phase == "settled" and s.tag and not s.good]
    unheard = tuple(n for n in bad if run.nodes[n].tag not in flow.hearers)
    if unheard or run.end_tag is None or run.good:
        return unheard
    node = emitter_of(run.end_tag)
    return (node,) if node in bad and node is not None else ()


def _was_rejected(state: NodeState) -> bool:
    outcome = state.outcome
    return isinstance(state.work, Ask) and outcome is not None and outcome.result == "bad"
