"""The state of a node after an event of it, and the tags that stand after it."""

from collections.abc import Iterable, Mapping

from floe.kernel.inputs import gives_of, seen_from
from floe.kernel.items import attempt_of, begun_state, outputs_of_items
from floe.kernel.shared import with_item, with_last
from floe.model.event import NodeEntered, NodeSettled, RepeatArmed, RetryArmed
from floe.model.nouns import replace
from floe.model.run import ItemStates, NodeState, Run
from floe.model.tags import Tag


def standing_after(run: Run, event: NodeSettled, seq: int) -> Mapping[Tag, int]:
    """The tags that stand after a node settled."""
    if event.tag is None:
        return run.standing
    return with_tags(run.standing, (event.tag, *event.tags), seq)


def with_tags(standing: Mapping[Tag, int], tags: Iterable[Tag], seq: int) -> Mapping[Tag, int]:
    """The tags that stand after some arrived."""
    for tag in tags:
        standing = with_item(standing, tag, seq)
    return standing


def entered_node(run: Run, event: NodeEntered, seq: int) -> NodeState:
    """A node that has just entered."""
    level, seen = seen_from(run, event.sources) if event.inherits else (0, ())
    return NodeState(
        phase="entered",
        work=event.work,
        visit=event.visit,
        attempt=1,
        woke=seq,
        sources=event.sources,
        inherits=event.inherits,
        level=level,
        seen=seen,
        entered_at=event.at,
        queued_at=event.at,
        items=ItemStates(values=event.items) if event.items else None,
    )


def armed_node(run: Run, event: RetryArmed) -> NodeState:
    """A node, or an item, of which a retry is due later."""
    state = begun_state(run, event.node, event.item)
    return replace(
        state,
        phase="armed",
        due=event.due,
        tries=state.tries if event.lost else state.tries + 1,
        attempts=with_last(state.attempts, attempt_of(state, event)),
    )


def repeated_node(run: Run, event: RepeatArmed) -> NodeState:
    """A node of which a repetition is due later."""
    state = run.nodes[event.node]
    attempts = with_last(state.attempts, attempt_of(state, event))
    tries, outputs = state.tries + 1, event.outputs
    return replace(
        state, phase="armed", due=event.due, tries=tries, outputs=outputs, attempts=attempts
    )


def settled_node(run: Run, event: NodeSettled) -> NodeState:
    """A node that has just settled."""
    state = run.nodes[event.node]
    items = state.items
    is_over = state.phase == "armed" or items is not None
    attempts = state.attempts if is_over else with_last(state.attempts, attempt_of(state, event))
    outputs = outputs_of_items(items) if items else event.outputs
    return replace(
        state,
        phase="settled",
        due=None,
        settled_at=event.ended_at,
        outcome=event.outcome,
        tag=event.tag,
        good=event.good,
        outputs=outputs,
        output_bytes=event.output_bytes,
        by=event.by,
        attempts=attempts,
        tags=event.tags,
        gives=gives_of(event.node, state, outputs) if state.inherits else (),
    )
