"""Which nodes of a run have questions, kept up to date from event to event.

A look at all nodes of a flow after each event costs the square of their number. So a run has the
nodes about which there are questions, and an event changes that for its own node and for those
after it. It is derived: a run from a log is without it until its first step, and equal to one that
has it.
"""

from floe.kernel.judged.lane import asks_of, is_asked
from floe.kernel.judged.part import passes_of
from floe.kernel.shared import with_member, without_member
from floe.model.event import Event
from floe.model.ids import NodeId
from floe.model.nouns import replace
from floe.model.run import Run


def indexed(run: Run) -> Run:
    """An active run with what waits for a judgement, for the steps to come."""
    passes = passes_of(run)
    if run.phase != "active" or run.flow is None:
        return run
    if passes.ready is None:
        ready = frozenset(node.id for node in run.flow.nodes if is_asked(run, node))
        run = replace(run, passes=replace(passes, ready=ready))
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
    if node is None or flow is None or ready is None:
        return replace(run, passes=replace(passes, ready=None, asks=None))
    after = () if run.standing is before.standing else flow.followers.get(node, ())
    for one in (flow.by_id[node], *after):
        if (is_in := is_asked(run, one)) != (one.id in ready):
            ready = (with_member if is_in else without_member)(ready, one.id)
    return replace(run, passes=replace(passes, ready=ready, asks=None))
