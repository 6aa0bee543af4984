"""What holds of conditions, items, repetitions and skips in every run, named once.

Those of a log take the run and all its events. Those of a state hold after each append: what a step
has to record is in the append of that step.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from floe.expr.errors import ExpressionError
from floe.kernel.coming_tags import is_behind_loop, over_loops
from floe.kernel.condition import unmet
from floe.kernel.evolve import evolve
from floe.kernel.item_list import list_of
from floe.kernel.judge import NodeScope, is_true
from floe.kernel.loops import next_round
from floe.kernel.process import goes_on
from floe.kernel.repeat import given_of
from floe.kernel.skipping import is_lost
from floe.model.event import (
    Event,
    GrantSuperseded,
    ItemEntered,
    ItemSettled,
    NodeEntered,
    NodeReset,
    NodeSettled,
    NodeSkipped,
    RepeatArmed,
    RunActivated,
    RunEnding,
)
from floe.model.flow import Flow, Node
from floe.model.ids import NodeId
from floe.model.outcome import Result
from floe.model.run import NodeState, Run
from floe.model.taken import ItemsTaken

# --- of a state ---


def check_state(run: Run) -> None:
    """All that holds of a run at its host after each append."""
    if run.phase in ("active", "ending", "ended") and not run.superseded:
        settled_list_has_no_open_item(run)
    if run.phase == "ending":
        ending_run_waits_for_processes_alone(run)
    if run.phase == "active":
        active_run_waits_for_a_node(run)
        item_begins_with_the_end_of_another(run)
        round_begins_with_the_end_of_another(run)
        nothing_is_left_to_skip(run)


def settled_list_has_no_open_item(run: Run) -> None:
    """A node with items is open as long as one of them is."""
    lists = (state for id, state in run.nodes.items() if state.items and id not in run.open)
    assert not any(state.items and state.items.open for state in lists)


def ending_run_waits_for_processes_alone(run: Run) -> None:
    """The end of a run closes all nodes and items that have no process and no child run, such as
    those that wait for a retry, in its own append."""
    for state in (run.nodes[id] for id in run.open):
        items = [state.items.states[item] for item in state.items.open] if state.items else []
        assert all(goes_on(one) for one in (state, *items))


def active_run_waits_for_a_node(run: Run) -> None:
    """A run without an open node has ended in the append of the last settlement."""
    assert run.open


def item_begins_with_the_end_of_another(run: Run) -> None:
    """The end of an item and the beginning of the next are one append: no place is left free."""
    assert run.flow is not None
    for id in run.open:
        items, foreach = run.nodes[id].items, run.flow.by_id[id].foreach
        if items is None or foreach is None:
            continue
        begun = items.states
        failed = any(s.outcome and s.outcome.result != "good" for s in begun.values())
        is_full = foreach.parallel is not None and len(items.open) >= foreach.parallel
        is_stopped = failed and foreach.on_item_bad == "stop"
        assert is_full or is_stopped or len(begun) == len(items.values)


def round_begins_with_the_end_of_another(run: Run) -> None:
    """No round is left to begin: a tag led back and all nodes of the loop have settled."""
    assert run.flow is not None
    assert not run.flow.loops or next_round(run, run.flow) is None


def nothing_is_left_to_skip(run: Run) -> None:
    """No node waits for skipped nodes alone, unless these are in a loop that may go on."""
    assert run.flow is not None
    if not run.flow.followers:
        return
    lost = [n for n in run.flow.nodes if is_lost(run, n)]
    assert all(is_behind_loop(run, run.flow, n) for n in lost)
    assert not any(is_lost(run, n) for n in over_loops(run, run.flow, lost))


# --- of a log ---


def no_item_begins_after_a_bad_one(run: Run, log: Sequence[Event]) -> None:
    """With `on-item-bad: stop` a node begins no item once one has failed."""
    assert run.flow is not None
    stops = {n.id for n in run.flow.nodes if n.foreach and n.foreach.on_item_bad == "stop"}
    failed: set[tuple[NodeId, int]] = set()
    for event in log if stops else ():
        match event:
            case RunActivated():
                failed.clear()
            case ItemEntered(node=node, visit=visit) if node in stops:
                assert (node, visit) not in failed
            case ItemSettled(node=node, visit=visit, outcome=outcome) if outcome.result != "good":
                failed.add((node, visit))
            case _:
                pass


def list_settles_as_its_items(run: Run, log: Sequence[Event]) -> None:
    """The result of a node with items is the worst of theirs."""
    results: dict[tuple[NodeId, int], set[Result]] = {}
    for event in log:
        match event:
            case RunActivated():
                results.clear()
            case ItemsTaken(node=node, visit=visit, taken=taken):
                results.setdefault((node, visit), set()).update(t.outcome.result for t in taken)
            case ItemSettled(node=node, visit=visit, outcome=outcome):
                results.setdefault((node, visit), set()).add(outcome.result)
            case NodeSettled(node=node, visit=visit, outcome=outcome):
                worst = next((r for r in WORST if r in results.get((node, visit), ())), None)
                assert worst is None or outcome.result in MAY_BE[worst]
            case _:
                pass


WORST: Final[tuple[Result, ...]] = ("stopped", "error", "bad", "good")

MAY_BE: Final[Mapping[Result, tuple[Result, ...]]] = {
    "stopped": ("stopped", "error"),  # the others were lost with their host
    "error": ("error",),
    "bad": ("bad",),
    "good": ("good", "stopped"),  # others did not begin before the run ended
}
"""The results of a node by the worst of its items."""


# --- of the steps of a log ---


class LogStep(NamedTuple):
    """An event, the run before it, and the event after it."""

    before: Run
    event: Event
    after: Event | None


def steps_of(run: Run, log: Sequence[Event]) -> list[LogStep]:
    """The steps of a run; none if its flow has nothing that the invariants of steps judge."""
    assert run.flow is not None
    nodes = run.flow.nodes
    if not (run.flow.loops or any(n.excused or n.can_skip or n.repeat for n in nodes)):
        return []
    steps = []
    before = evolve(None, log[0], ref=run.ref)
    for event, after in pairwise((*log[1:], None)):
        assert event is not None
        steps.append(LogStep(before, event, after))
        before = evolve(before, event)
    return steps


def node_with_a_false_if_is_skipped(flow: Flow, steps: Sequence[LogStep]) -> None:
    """A node enters only if its `if` was true. If that could not be judged, it fails at once."""
    for before, event, after in steps:
        if isinstance(event, NodeEntered) and not _is_met(before, flow, event.node):
            assert isinstance(after, NodeSettled)
            assert after.node == event.node
            assert after.outcome.result == "error"


def skipped_node_has_its_reason(flow: Flow, steps: Sequence[LogStep]) -> None:
    """A node is skipped by its `if`, by its empty list, or by skipped nodes before it."""
    for before, event, _ in steps:
        if isinstance(event, NodeSkipped):
            node = flow.by_id[event.node]
            assert (
                is_lost(before, node)
                or _stands_by_excuses(before, node)
                or not _is_met(before, flow, node.id)
                or not _has_items(before, flow, node)
            )


def merge_of_skipped_nodes_alone_is_skipped(flow: Flow, steps: Sequence[LogStep]) -> None:
    """A merge of all goes on without skipped nodes, but not without all of its nodes."""
    for before, event, _ in steps:
        if isinstance(event, NodeEntered):
            assert not _stands_by_excuses(before, flow.by_id[event.node])


def repetition_settles_by_until(flow: Flow, steps: Sequence[LogStep]) -> None:
    """A node with `repeat` is repeated while `until` is false, and settles with the outcome of the
    attempt after which it was true; as bad, once that was its last attempt."""
    is_ending = False
    entered: Event | None = None
    for before, event, _ in steps:
        is_ending |= isinstance(event, RunEnding | GrantSuperseded)
        if isinstance(event, RepeatArmed):
            assert not _is_until(before, flow, event)
        elif isinstance(event, NodeSettled) and flow.by_id[event.node].repeat:
            is_at_once = isinstance(entered, NodeEntered) and entered.node == event.node
            if not (is_ending or is_at_once or event.outcome.why.startswith("until: ")):
                is_last = event.outcome.why.startswith("until was still false")
                assert is_last or _is_until(before, flow, event)
                assert not is_last or _count(before, event) == _most(flow, event)
        entered = event


def reset_names_its_loop(flow: Flow, steps: Sequence[LogStep]) -> None:
    """A round resets all nodes of one loop that settled since the last; or its head alone, which
    then fails, if that has entered often enough."""
    for before, event, _ in steps:
        if isinstance(event, NodeReset) and flow.loops:
            [loop] = [one for one in flow.loops if any(event.by in t for t in one.back.values())]
            nodes = [(id, before.nodes[id]) for id in loop.nodes if id in before.nodes]
            settled = {id for id, s in nodes if s.phase == "settled" and not _is_over(flow, id, s)}
            spent = [{id} for id, s in nodes if id in loop.back and s.visit == flow.by_id[id].loop]
            assert set(event.nodes) == settled or set(event.nodes) in spent


def _is_over(flow: Flow, id: NodeId, state: NodeState) -> bool:
    return 0 < flow.by_id[id].loop < state.visit


def _is_until(before: Run, flow: Flow, event: RepeatArmed | NodeSettled) -> bool:
    repeat = flow.by_id[event.node].repeat
    assert repeat is not None
    given = given_of(event.outcome, event.outputs)
    is_error = event.outcome.result == "error"
    return not is_error and is_true(repeat.until, NodeScope(run=before, flow=flow, given=given))


def _count(before: Run, event: NodeSettled) -> int:
    """The attempts of a node that count, with the one that settles it."""
    return before.nodes[event.node].tries + 1


def _most(flow: Flow, event: NodeSettled) -> int:
    repeat = flow.by_id[event.node].repeat
    return repeat.max if repeat else 0


def _is_met(before: Run, flow: Flow, id: NodeId) -> bool:
    """Whether the `if` of a node is true; not if it cannot be judged."""
    condition = flow.by_id[id].condition
    try:
        return not condition or not unmet(condition, NodeScope(run=before, flow=flow).value)
    except ExpressionError:
        return False


def _has_items(before: Run, flow: Flow, node: Node) -> bool:
    if node.foreach is None:
        return True
    values, wrong = list_of(node.foreach, NodeScope(run=before, flow=flow))
    return bool(values or wrong)


def _stands_by_excuses(before: Run, node: Node) -> bool:
    """Whether a merge of all would go on without any of its nodes."""
    standing = [tag for clause in node.needs for tag in clause if tag in before.standing]
    return bool(node.excused) and node.excused.issuperset(standing)


OF_A_LOG: Final = (no_item_begins_after_a_bad_one, list_settles_as_its_items)

OF_STEPS: Final = (
    node_with_a_false_if_is_skipped,
    skipped_node_has_its_reason,
    merge_of_skipped_nodes_alone_is_skipped,
    repetition_settles_by_until,
    reset_names_its_loop,
)
