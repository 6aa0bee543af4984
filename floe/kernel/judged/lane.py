"""The lane of a run: its one judgement at a time, about all that waits for one.

A judgement sees the run as it was after one event. Until its answer is there, no state of the run
changes, so what it saw stays true. No event records that it was begun: it follows from the state
of the run, and what happens meanwhile leaves it as it is.

Source: docs/kernel.md, "Judged runs".
"""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice, takewhile
from typing import Final

from floe.kernel.items import state_of
from floe.kernel.judged.part import (
    is_expanded,
    is_unjudged,
    next_entry,
    passes_of,
    table_of,
    worst_of,
)
from floe.kernel.match import is_ready
from floe.model.flow import Flow, Node
from floe.model.ids import NO_ITEM, NodeId
from floe.model.judging import JudgeRun, Question
from floe.model.passes import Passes
from floe.model.run import ItemStates, NodeState, Run
from floe.model.states import State

QUESTIONS_MAX: Final = 256
"""Of one judgement; others wait for the next."""


def judgement(run: Run) -> JudgeRun | None:
    """The judgement that an active run owes; None if nothing waits for one."""
    passes, flow = passes_of(run), run.flow
    assert flow is not None, "the flow of an active run is attached"
    asks = asks_of(run) if passes.asks is None else passes.asks
    seq = passes.base
    if not asks and passes.judged < len(passes.ended):
        seq, first = passes.ended[passes.judged]
        asks = (first,)
    if not asks and not in_flight(run):
        asks = tuple(islice(_rechecks(run, flow), QUESTIONS_MAX))
    return JudgeRun(run=run.ref, epoch=run.epoch, seq=seq, asks=asks) if asks else None


def asks_of(run: Run) -> tuple[Question, ...]:
    """What has waited for a judgement since the last state changed."""
    assert run.flow is not None, "the flow of an active run is attached"
    passes, before = passes_of(run), _before(run, run.flow)
    if passes.pausing:  # nothing enters
        before = (question for question in before if question.stage == "after")
    return tuple(islice(chain(_after(passes), before), QUESTIONS_MAX))


def is_asked(run: Run, node: Node) -> bool:
    """Whether there is a question before an attempt of a node or of its items, or after these."""
    return any(True for _ in _of(run, node))


def waits(run: Run, question: Question) -> bool:
    """Whether a part still waits for its judgement, after the verdicts before it."""
    assert run.flow is not None, "the flow of an active run is attached"
    node, item = run.flow.by_id[question.node], question.item
    is_list = is_expanded(run, node.id)
    if is_list and item == NO_ITEM:
        return question in _end_of_items(run, node)
    state = state_of(run, node.id, item)
    if state is not None and state.phase == "judging":
        return question.stage == "after"
    if item == NO_ITEM:
        may_begin = question in _of_node(run, node)
    else:
        may_begin = is_list and _room(run, node) > 0 and _may_begin(run, node, item)
    may_begin = may_begin or (bool(node.recheck) and _is_rechecked(run, node, item, worst_of(run)))
    return may_begin and question == _question(run, node, item)


def in_flight(run: Run) -> bool:
    """Whether an action of a run goes on."""
    states = (run.nodes[node] for node in run.open)
    return any(state.items is None or bool(state.items.open) for state in states)


def _after(passes: Passes) -> Iterator[Question]:
    """The attempts that had ended when the last state changed, in order."""
    for at in range(passes.judged, len(passes.ended)):
        seq, question = passes.ended[at]
        if seq > passes.base:
            return
        yield question


def _before(run: Run, flow: Flow) -> Iterator[Question]:
    ready = passes_of(run).ready
    if ready is None:
        nodes: Iterable[Node] = flow.nodes
    else:
        nodes = (flow.by_id[id] for id in sorted(ready, key=flow.order.__getitem__))
    for node in nodes:
        yield from _of(run, node)


def _of(run: Run, node: Node) -> Iterator[Question]:
    return _of_items(run, node) if is_expanded(run, node.id) else _of_node(run, node)


def _of_node(run: Run, node: Node) -> Iterator[Question]:
    if _may_run(run, node) and is_ready(run, node):
        yield _question(run, node)


def _may_run(run: Run, node: Node) -> bool:
    """Whether a node runs now if its clauses stand; a parked one does so once in a pass."""
    state = run.nodes.get(node.id)
    if state is None or state.phase == "again":
        return True
    part, passes = (node.id, NO_ITEM), passes_of(run)
    if passes.called is not None and part in passes.waiting and part not in passes.called:
        return False
    return (
        state.phase == "parked" and part not in passes.entries and _row(run, state).again == "pass"
    )


def _of_items(run: Run, node: Node) -> Iterator[Question]:
    """The items that may begin; after the last, the node itself."""
    _, items = _list_of(run, node)
    may_begin = partial(_may_begin, run, node)
    begun = filter(may_begin, items.again)
    new = takewhile(may_begin, range(items.next, len(items.values)))
    for item in islice(chain(begun, new), _room(run, node)):
        yield _question(run, node, item)
    yield from _end_of_items(run, node)


def _end_of_items(run: Run, node: Node) -> Iterator[Question]:
    state, items = _list_of(run, node)
    left = items.open or items.again or items.parked or items.awaiting
    if items.next == len(items.values) and not left and not state.state:
        yield Question(node=node.id, visit=state.visit, attempt=state.attempt, stage="after")


def _room(run: Run, node: Node) -> int:
    """How many items may begin now, at most."""
    state, items = _list_of(run, node)
    assert node.foreach is not None, "the flow has a list for it"
    if state.state:  # set from outside: it leaves when the items that run are over
        return 0
    limit = node.foreach.parallel
    return len(items.values) if limit is None else max(limit - len(items.open), 0)


def _may_begin(run: Run, node: Node, item: int) -> bool:
    """Whether an item may begin, or begin again, as soon as there is room."""
    _, items = _list_of(run, node)
    return (item >= items.next or _is_again(run, items, item)) and _follows(node, items, item)


def _follows(node: Node, items: ItemStates, item: int) -> bool:
    """Whether the item before one is in a state that lets it run, if the items are a sequence."""
    assert node.foreach is not None, "the flow has a list for it"
    if not (node.foreach.after and item):
        return True
    before = items.states.get(item - 1)
    return before is not None and before.state in node.foreach.after


def _is_again(run: Run, items: ItemStates, item: int) -> bool:
    return item in items.again and _row(run, items.states[item]).again != "never"


def _list_of(run: Run, node: Node) -> tuple[NodeState, ItemStates]:
    state = run.nodes[node.id]
    assert state.items is not None, "it has items"
    return state, state.items


def _rechecks(run: Run, flow: Flow) -> Iterator[Question]:
    """About the parts that run once more in this pass, before the run would rest."""
    if passes_of(run).pausing or not any(node.recheck for node in flow.nodes):
        return
    worst, room = worst_of(run), dict[NodeId, int]()
    for id, item in passes_of(run).entries:
        node = flow.by_id[id]
        if _is_rechecked(run, node, item, worst):
            left = room[id] = room.get(id, 1 if item == NO_ITEM else _room(run, node)) - 1
            if left >= 0:
                yield _question(run, node, item)


def _is_rechecked(run: Run, node: Node, item: int, worst: State | None) -> bool:
    """Whether a part that ran once in this pass runs again before the run would rest."""
    state = state_of(run, node.id, item)
    if state is None or state.phase != "parked" or state.state not in node.recheck:
        return False
    if worst is None or worst.name not in node.recheck:
        return False
    passes, part = passes_of(run), (node.id, item)
    if part not in passes.entries or part in passes.rechecked:
        return False
    if item == NO_ITEM:
        return is_ready(run, node)
    return (
        is_expanded(run, node.id)
        and _room(run, node) > 0
        and _follows(node, _list_of(run, node)[1], item)
    )


def _question(run: Run, node: Node, item: int = NO_ITEM) -> Question:
    """About a part that is to run, or that ran and has no verdict since that failed."""
    state = state_of(run, node.id, item)
    if state is not None and is_unjudged(run, state):
        visit, attempt = state.visit, state.attempt
        return Question(node=node.id, visit=visit, attempt=attempt, stage="after", item=item)
    visit, attempt = next_entry(run, (node.id, item))
    return Question(node=node.id, visit=visit, attempt=attempt, stage="before", item=item)


def _row(run: Run, state: NodeState) -> State:
    return table_of(run).by_name[state.state]
