"""Which nodes of a run have questions, and how many are in each state, from event to event.

A look at all nodes of a flow after each event costs the square of their number. So an event changes
the index for its own node and for those after it. It is derived: a run from a log is without it
until its first step, and equal to one that has it.
"""

from collections import Counter
from collections.abc import Set

from floe.kernel.judged.lane import asks_of, is_asked
from floe.kernel.judged.part import name_of, passes_of
from floe.kernel.shared import with_member, without_member
from floe.model.event import Event
from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, NodeId
from floe.model.nouns import replace
from floe.model.passes import PassBegan, Passes
from floe.model.run import Run


def indexed(run: Run) -> Run:
    """An active run with what waits for a judgement, for the steps to come."""
    passes = passes_of(run)
    if run.phase != "active" or run.flow is None:
        return run
    if passes.ready is None:
        nodes = run.flow.nodes
        ready = frozenset(node.id for node in nodes if is_asked(run, node))
        idle = frozenset(node.id for node in nodes if _is_idle(run, node.id))
        names = (name_of(run, node.id) for node in nodes)
        counts = Counter(name for name in names if name is not None)
        run = replace(run, passes=replace(passes, ready=ready, idle=idle, counts=counts))
    if passes.asks is None:
        run = replace(run, passes=replace(passes_of(run), asks=asks_of(run)))
    return run


def reindexed(before: Run, run: Run, event: Event) -> Run:
    """A run after an event, its index up to date; without one if the event concerns all nodes."""
    passes = passes_of(run)
    if passes.base == passes_of(before).base or (passes.ready is None and passes.asks is None):
        return run  # no state changed, or there is no index
    node: NodeId | None = getattr(event, "node", None)
    ready, flow = passes.ready, run.flow
    changed = replace(passes, ready=None, idle=frozenset(), counts=None, asks=None)
    if flow is not None and ready is not None:
        if isinstance(event, PassBegan):
            changed = replace(passes, ready=_ready_again(run, flow, ready), asks=None)
        elif node is not None:
            changed = _after(before, run, flow, node, ready)
    return replace(run, passes=changed)


def _ready_again(run: Run, flow: Flow, ready: Set[NodeId]) -> Set[NodeId]:
    """The nodes with questions when a pass begins: those that had some, and what is parked."""
    passes = passes_of(run)
    parts = passes.waiting if passes.called is None else passes.called
    maybe = frozenset(ready).union(passes.idle, run.open, (node for node, _ in parts))
    return frozenset(node for node in maybe if is_asked(run, flow.by_id[node]))


def _after(before: Run, run: Run, flow: Flow, node: NodeId, ready: Set[NodeId]) -> Passes:
    """The passes after an event of a node."""
    passes = passes_of(run)
    after = () if run.standing is before.standing else flow.followers.get(node, ())
    for one in (flow.by_id[node], *after):
        ready = _with(ready, one.id, is_in=is_asked(run, one))
    idle = _with(passes.idle, node, is_in=_is_idle(run, node))
    counts = passes.counts
    old, new = name_of(before, node), name_of(run, node)
    if old != new and counts is not None:
        changed = Counter(counts)
        changed.update({} if new is None else {new: 1})
        changed.subtract({} if old is None else {old: 1})
        counts = +changed
    return replace(passes, ready=ready, idle=idle, counts=counts, asks=None)


def _with(members: Set[NodeId], node: NodeId, *, is_in: bool) -> Set[NodeId]:
    if is_in == (node in members):
        return members
    return (with_member if is_in else without_member)(members, node)


def _is_idle(run: Run, node: NodeId) -> bool:
    """Whether a node is parked and awaits no update."""
    state = run.nodes.get(node)
    is_parked = state is not None and state.phase == "parked"
    return is_parked and (node, NO_ITEM) not in passes_of(run).waiting
