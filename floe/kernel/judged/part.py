"""The parts of a run of a judged flow: its nodes and their items, and how their states change."""

from collections.abc import Iterator, Mapping

from floe.kernel.items import state_of
from floe.kernel.shared import with_item, with_member, without_item, without_member
from floe.model.flow import Node
from floe.model.ids import NO_ITEM, Instant, NodeId
from floe.model.nouns import replace
from floe.model.passes import Part, Passes
from floe.model.run import NodeState, Run
from floe.model.states import State, StateTable

RUNNING = ("entered", "started", "armed", "judging")
"""The phases of a part whose action or verdict is still to come."""

LEFT = ("parked", "again")
"""The phases of a part that runs again."""


def passes_of(run: Run) -> Passes:
    """The passes of a judged run."""
    assert run.passes is not None, "a judged run has passes"
    return run.passes


def table_of(run: Run) -> StateTable:
    """The table of states of the flow of a judged run."""
    assert run.flow is not None, "the flow is attached"
    assert run.flow.states is not None, "its flow is judged"
    return run.flow.states


def is_running(state: NodeState) -> bool:
    """Whether a part gets a verdict of its own later; a node with items, while one of them does."""
    return state.phase in RUNNING and (state.items is None or bool(state.items.open))


def is_expanded(run: Run, node: NodeId) -> bool:
    """Whether a node has items in this visit and has not settled or parked itself."""
    state = run.nodes.get(node)
    return state is not None and state.items is not None and node in run.open


def is_unjudged(run: Run, state: NodeState) -> bool:
    """Whether a part ran, and the verdict about that failed: it is judged again, and not run."""
    failed = table_of(run).verdict_failed
    return state.phase == "parked" and state.state == failed != "" and state.attempt > 0


def next_entry(run: Run, part: Part) -> tuple[int, int]:
    """The visit and the attempt with which a part enters next.

    A node that runs again after it settled, or with a new list, begins a new visit.
    """
    node, item = part
    state = state_of(run, node, item)
    if state is None:
        forgotten = len(run.earlier.get(node, ()))
        return (forgotten + 1 if item == NO_ITEM else run.nodes[node].visit), 1
    if item == NO_ITEM and (state.items is not None or state.settled_at is not None):
        return state.visit + 1, 1
    return state.visit, state.attempt + 1


def with_part(
    run: Run, node: NodeId, state: NodeState, *, awaits: bool = False
) -> dict[str, object]:
    """The changes of a run in which a node, or an item of it, has a new state; `awaits` if it is
    parked and awaits updates."""
    if state.item == NO_ITEM:
        is_open = state.phase in RUNNING
        open_ = with_member(run.open, node) if is_open else without_member(run.open, node)
        return {"nodes": with_item(run.nodes, node, state), "open": open_}
    return {"nodes": _with_item(run, node, state, awaits=awaits)}


def _with_item(
    run: Run, node: NodeId, state: NodeState, *, awaits: bool
) -> Mapping[NodeId, NodeState]:
    above = run.nodes[node]
    items = above.items
    assert items is not None, "an item belongs to a list"
    at, old = state.item, items.states.get(state.item)
    is_parked = state.phase == "parked"
    changed = replace(
        items,
        states=with_item(items.states, at, state),
        open=(with_member if state.phase in RUNNING else without_member)(items.open, at),
        parked=(with_member if is_parked and not awaits else without_member)(items.parked, at),
        awaiting=(with_member if is_parked and awaits else without_member)(items.awaiting, at),
        again=(with_member if state.phase == "again" else without_member)(items.again, at),
        counts=_counts(items.counts, old, state),
        dues=_dues(items.dues, state),
        next=max(items.next, at + 1) if old is None else items.next,
        failed=items.failed + _is_failed(state) - (old is not None and _is_failed(old)),
    )
    return with_item(run.nodes, node, replace(above, items=changed))


def _counts(
    counts: Mapping[str, int], old: NodeState | None, state: NodeState
) -> Mapping[str, int]:
    """How many items that run again are in each state, after one changed."""
    changed = dict(counts)
    if old is not None and old.phase in LEFT:
        changed[old.state] -= 1
    if state.phase in LEFT:
        changed[state.state] = changed.get(state.state, 0) + 1
    return {name: count for name, count in changed.items() if count}


def _dues(dues: Mapping[int, Instant], state: NodeState) -> Mapping[int, Instant]:
    if state.phase in LEFT and state.due is not None:
        return with_item(dues, state.item, state.due)
    return without_item(dues, state.item)


def _is_failed(state: NodeState) -> bool:
    return state.phase == "settled" and not state.good


def part_text(node: Node, item: int) -> str:
    """A part of a run for people: `task.build`, `task.build[7]`."""
    return node.ref if item == NO_ITEM else f"{node.ref}[{item}]"


def worst_of(run: Run) -> State | None:
    """The row of the worst state; None if no node is in a state that counts."""
    rows = (table_of(run).by_name.get(name) for name in _names(run))
    counted = [row for row in rows if row is not None and row.verdict]
    return max(counted, key=lambda row: (row.rank, row.name), default=None)


def name_of(run: Run, node: NodeId) -> str | None:
    """The state of a node; None of one whose items go on, which count in its place."""
    state = run.nodes.get(node)
    if state is None:
        return table_of(run).initial
    return None if state.items is not None and is_expanded(run, node) else state.state


def _names(run: Run) -> Iterator[str]:
    """The states of all nodes; of one with items left, of these items."""
    assert run.flow is not None, "the flow of an active run is attached"
    counts = passes_of(run).counts
    if counts is None:
        names = (name_of(run, node.id) for node in run.flow.nodes)
        yield from (name for name in names if name is not None)
    else:
        yield from counts
    for node in run.open:
        items = run.nodes[node].items
        yield from items.counts if items is not None else ()


def dues_of(run: Run) -> Iterator[tuple[Instant, State]]:
    """When the parts of a run that run again are due, and their states."""
    rows = table_of(run).by_name
    for node, state in run.nodes.items():
        if state.items is not None and is_expanded(run, node):
            items = state.items
            yield from ((due, rows[items.states[at].state]) for at, due in items.dues.items())
        elif state.due is not None:
            yield state.due, rows[state.state]
