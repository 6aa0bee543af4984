"""Which nodes can never enter, because what came before them is done in a different state.

A clause that prunes is lost when all nodes whose tags it names are done and none of the tags
stands. A node that ran, or judged itself, is never pruned.
"""

from floe.kernel.judged.part import table_of
from floe.kernel.judged.states import PRUNE, NewState, put
from floe.kernel.run_step import RunStep
from floe.kernel.sentences import first_parts
from floe.model.event import NodeSettled
from floe.model.flow import Node
from floe.model.ids import NO_ITEM, NodeId
from floe.model.judging import NodeSet
from floe.model.run import Run
from floe.model.tags import Tag, emitter_of


def prune_lost(step: RunStep, since: int) -> None:
    """Prune what is lost after the events of a step from an index on, and what follows from it.

    Terminates because a node that is pruned stays so in this step.
    """
    if not step.flow.followers:
        return
    at = since
    while at < len(step.events):
        event = step.events[at]
        at += 1
        if isinstance(event, NodeSettled) or (isinstance(event, NodeSet) and event.item == NO_ITEM):
            own = step.flow.by_id[event.node]
            for node in (own, *step.flow.followers.get(event.node, ())):
                _prune(step, node)


def prune_all(step: RunStep) -> None:
    """Prune whatever is lost in a flow that has just changed, and what follows from it."""
    since = len(step.events)
    for node in step.flow.nodes:
        _prune(step, node)
    prune_lost(step, since)


def _prune(step: RunStep, node: Node) -> None:
    if _may_be_pruned(step.run, node) and (lost := _lost(step.run, node)):
        why = _message(step.run, node)
        kind = "" if why else PRUNE
        name = table_of(step.run).pruned
        new = NewState(name=name, why=why or _why(step, lost), kind=kind, by=PRUNE)
        put(step, (node.id, NO_ITEM), new)


def _message(run: Run, node: Node) -> str:
    """What the verdict said that set a node before; empty for nothing."""
    state = run.nodes.get(node.id)
    return state.outcome.why if state is not None and state.outcome is not None else ""


def _may_be_pruned(run: Run, node: Node) -> bool:
    state = run.nodes.get(node.id)
    if not node.prunes or (state is not None and state.state == table_of(run).pruned):
        return False
    return state is None or (state.attempt == 0 and state.by != "")


def _lost(run: Run, node: Node) -> tuple[Tag, ...]:
    """The first clause of a node that is lost; empty for none."""
    clauses = (node.needs[at] for at in node.prunes)
    return next((clause for clause in clauses if all(_is_dead(run, tag) for tag in clause)), ())


def _is_dead(run: Run, tag: Tag) -> bool:
    emitter = emitter_of(tag)
    state = run.nodes.get(emitter) if emitter is not None else None
    return state is not None and state.phase == "settled" and tag not in run.standing


def _why(step: RunStep, lost: tuple[Tag, ...]) -> str:
    """Why a node is pruned, as the end of a sentence: `Build is FAILED`."""
    ids = dict.fromkeys(NodeId(emitter_of(tag) or "") for tag in lost)
    return first_parts([f"{step.flow.by_id[id].name} is {step.run.nodes[id].state}" for id in ids])
