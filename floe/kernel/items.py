"""The items of a node: their states, which one begins next, and what the node came to.

An item is a `NodeState` of its own below that of its node, so attempts, retries and timers follow
the same rules for both.

Source: docs/kernel.md, "Items".
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from floe.kernel.sentences import first_parts, outcome_text
from floe.kernel.shared import with_item, with_member, without_member
from floe.model.codec import to_text
from floe.model.event import ItemEntered, ItemSettled, NodeSettled, RepeatArmed, RetryArmed
from floe.model.flow import Foreach
from floe.model.ids import NO_ITEM, Json, Key, NodeId
from floe.model.nouns import replace
from floe.model.outcome import Outcome, Result
from floe.model.run import Attempt, ItemStates, NodeState, Run
from floe.model.taken import ItemTaken
from floe.model.visible import visible

ITEMS_MAX: Final = 1000
"""Items of one node."""

OUTPUTS_BYTES_MAX: Final = 1 << 20
"""Of the outputs of all items of a node, as those of a node that runs once."""

LABEL_MAX: Final = 40
"""Characters of the label of an item."""

_WORST: Final[tuple[Result, ...]] = ("stopped", "error", "bad")


def state_of(run: Run, node: NodeId, item: int = NO_ITEM) -> NodeState | None:
    """The latest visit of a node, or one item of it; None if that has not begun."""
    state = run.nodes.get(node)
    if state is None or item == NO_ITEM:
        return state
    return state.items.states.get(item) if state.items else None


def placed(run: Run, node: NodeId, state: NodeState) -> Mapping[NodeId, NodeState]:
    """The nodes of a run with a new state of a node, or of one item of it."""
    if state.item == NO_ITEM:
        return with_item(run.nodes, node, state)
    above = run.nodes[node]
    if above.started_at is None and state.started_at is not None:
        above = replace(above, phase="started", started_at=state.started_at)
    items = above.items
    assert items is not None, "an item belongs to a list"
    is_new = state.item not in items.states
    is_over = state.phase == "settled"
    open_ = items.open
    if is_over:
        open_ = without_member(open_, state.item)
    elif is_new:
        open_ = with_member(open_, state.item)
    changed = replace(
        items,
        states=with_item(items.states, state.item, state),
        open=open_,
        next=max(items.next, state.item + 1) if is_new else items.next,
        failed=items.failed + (is_over and not state.good),
        outputs_bytes=items.outputs_bytes + (bytes_of(state.outputs) if is_over else 0),
    )
    return with_item(run.nodes, node, replace(above, items=changed))


def bytes_of(outputs: Mapping[str, Json]) -> int:
    """The size of the outputs of an item as JSON; most have none."""
    return len(to_text(outputs).encode()) if outputs else 0


def with_taken(above: NodeState, values: tuple[Json, ...], taken: Iterable[ItemTaken]) -> NodeState:
    """A node of a re-run with the items that it took over, of a list that it may have already."""
    values = above.items.values if above.items else values
    if not values:
        return above
    states = {one.item: _taken(above, one) for one in taken}
    size = sum(bytes_of(state.outputs) for state in states.values())
    items = ItemStates(values=values, states=states, failed=_failed(states), outputs_bytes=size)
    return replace(above, items=items)


def _failed(states: Mapping[int, NodeState]) -> int:
    return sum(not state.good for state in states.values())


def _taken(above: NodeState, taken: ItemTaken) -> NodeState:
    return NodeState(
        phase="settled",
        work=above.work,
        visit=above.visit,
        attempt=taken.attempt,
        woke=above.woke,
        sources=(),
        entered_at=taken.entered_at,
        queued_at=taken.entered_at,
        started_at=taken.started_at,
        settled_at=taken.ended_at,
        outcome=taken.outcome,
        good=taken.outcome.result == "good",
        outputs=taken.outputs,
        output_bytes=taken.output_bytes,
        taken_from=taken.from_run,
        item=taken.item,
    )


def begun(above: NodeState, event: ItemEntered) -> NodeState:
    """An item that begins."""
    return NodeState(
        phase="entered",
        work=event.work or above.work,
        visit=event.visit,
        attempt=1,
        woke=above.woke,
        sources=(),
        entered_at=event.at,
        queued_at=event.at,
        item=event.item,
    )


def begun_state(run: Run, node: NodeId, item: int) -> NodeState:
    """The latest visit of a node that has entered, or one item of it that has begun."""
    state = state_of(run, node, item)
    assert state is not None, "an event about it comes after its beginning"
    return state


def settled_item(run: Run, event: ItemSettled) -> NodeState:
    """An item that is done."""
    state = begun_state(run, event.node, event.item)
    is_over = state.phase == "armed"
    return replace(
        state,
        phase="settled",
        due=None,
        settled_at=event.ended_at,
        outcome=event.outcome,
        good=event.outcome.result == "good",
        outputs=event.outputs,
        output_bytes=event.output_bytes,
        attempts=state.attempts if is_over else (*state.attempts, attempt_of(state, event)),
    )


def attempt_of(
    state: NodeState, event: RetryArmed | RepeatArmed | NodeSettled | ItemSettled
) -> Attempt:
    """The attempt of a node or an item that an event finishes."""
    return Attempt(
        attempt=event.attempt,
        outcome=event.outcome,
        started_at=state.started_at,
        ended_at=event.ended_at,
        output_bytes=event.output_bytes,
        child=state.child,
    )


def too_large(items: ItemStates, outputs: Mapping[str, Json]) -> Outcome | None:
    """The error of an item whose outputs are too many beside those of the others; None if not."""
    if not outputs or items.outputs_bytes + bytes_of(outputs) <= OUTPUTS_BYTES_MAX:
        return None
    what = "the outputs of all items of a task have at most 1 MiB together"
    return Outcome(result="error", why=f"{what}; try: write large ones to files in the workspace")


def open_items(state: NodeState) -> list[NodeState]:
    """The items of a node that have begun and not settled, in order."""
    if state.items is None:
        return []
    return [state.items.states[item] for item in sorted(state.items.open)]


def attempts_of(run: Run) -> Iterator[tuple[Key, Attempt]]:
    """The finished attempts of all nodes and items, by entry of the node."""
    for node in run.nodes:
        for visit in run.visits(node):
            for state in visit.parts():
                for one in state.attempts:
                    at = Key(run.ref, run.epoch, node, state.visit, one.attempt, state.item)
                    yield at, one


def failed_item(state: NodeState) -> NodeState:
    """The first item of a node that failed; the state itself of a node that runs once."""
    if state.items is None:
        return state
    each = (state.items.states[item] for item in sorted(state.items.states))
    return next((one for one in each if one.outcome and not one.good), state)


def upcoming(foreach: Foreach, items: ItemStates) -> Iterator[int]:
    """The items that may begin now: after a bad item none, if the node stops then."""
    if items.failed and foreach.on_item_bad == "stop":
        return
    free = len(items.values) if foreach.parallel is None else foreach.parallel - len(items.open)
    for item in range(items.next, len(items.values)):
        if free <= 0:
            return
        if item not in items.states:  # else a re-run took it over
            free -= 1
            yield item


def outcome_of_items(items: ItemStates) -> Outcome:
    """What a node with these items came to, once none of them is open."""
    left = len(items.values) - len(items.states)
    bad = [s for s in items.states.values() if s.outcome and s.outcome.result != "good"]
    results = {state.outcome.result for state in bad if state.outcome}
    result = next((one for one in _WORST if one in results), "stopped" if left else "good")
    if result in ("good", "stopped"):
        return Outcome(result=result)
    parts = [
        f"{item_text(items, state.item)}: {first_line(state.outcome)}"
        for state in bad
        if state.outcome and state.outcome.result != "stopped"
    ]
    unbegun = f"; {left} of {len(items.values)} did not begin" if left else ""
    return Outcome(result=result, why=first_parts(parts) + unbegun)


def first_line(outcome: Outcome) -> str:
    """Why an item failed; further lines of an outcome are details."""
    return outcome_text(outcome).partition("\n")[0]


def outputs_of_items(items: ItemStates) -> Mapping[str, Json]:
    """The outputs of a node with items: by name the values of all, null where one gave none."""
    names = dict.fromkeys(name for s in items.states.values() for name in s.outputs)
    each = [items.states.get(index) for index in range(len(items.values))]
    return {name: [state.outputs.get(name) if state else None for state in each] for name in names}


def done_text(items: ItemStates) -> str:
    """How many items are done: `2 of 3 done, 1 failed`."""
    done = len(items.states) - len(items.open)
    failed = f", {items.failed} failed" if items.failed else ""
    return f"{done} of {len(items.values)} done{failed}"


def item_text(items: ItemStates, item: int) -> str:
    """An item with its label, for people: `item 1 (eu)`."""
    return f"item {item} ({label_of_item(items.values[item])})"


def label_of_item(value: Json) -> str:
    """A short text for an item: its text, or the values of a map."""
    parts = value.values() if isinstance(value, Mapping) else (value,)
    text = visible(" ".join(", ".join(map(_plain, parts)).split()))
    return text if len(text) <= LABEL_MAX else text[: LABEL_MAX - 1] + "…"


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else to_text(value)
