"""The state of a node that a re-run took over from an earlier run."""

from floe.kernel.inputs import gives_of, seen_from
from floe.kernel.items import with_taken
from floe.model.nouns import replace
from floe.model.run import NodeState, Run
from floe.model.taken import NodeTaken


def taken_node(run: Run, event: NodeTaken, seq: int) -> NodeState:
    """The node as it settled earlier. It gives all outputs before it to the nodes after it, even if
    the flow of its own run did not."""
    level, seen = seen_from(run, event.sources)
    taken = NodeState(
        phase="settled",
        work=event.work,
        visit=1,
        attempt=event.attempt,
        woke=seq,
        sources=event.sources,
        inherits=event.inherits,
        level=level,
        seen=seen,
        entered_at=event.entered_at,
        queued_at=event.entered_at,
        started_at=event.started_at,
        settled_at=event.ended_at,
        outcome=event.outcome,
        tag=event.tag,
        good=event.good,
        outputs=event.outputs,
        output_bytes=event.output_bytes,
        by=event.by,
        tags=event.tags,
        taken_from=event.from_run,
    )
    taken = replace(taken, gives=gives_of(event.node, taken, event.outputs))
    return with_taken(taken, event.items, event.items_taken)
