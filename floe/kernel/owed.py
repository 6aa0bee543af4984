"""The effects that a run still owes, as a function of its state.

The caller compares them with the effects in progress and starts the difference, after a crash as
after any other step. A step changes only the effects of the run as a whole and of the nodes it
touched, so `owed_by` suffices to keep the set up to date.
"""

from floe.kernel.backoff import longest_delay_s
from floe.kernel.items import open_items, state_of
from floe.kernel.judged.owed import owed_by_judged
from floe.kernel.open_children import has_child, is_timed_out
from floe.kernel.outside_work import owed_outside
from floe.kernel.process import has_process
from floe.model.call import OutsideWork
from floe.model.children import SubFlow
from floe.model.effect import (
    AskData,
    Effect,
    LoadFlow,
    OfferRun,
    PackArchive,
    PendChild,
    SetTimer,
    StartAction,
    StopAction,
    StopChild,
)
from floe.model.event import Event
from floe.model.flow import Flow, Node
from floe.model.ids import NO_ITEM, Instant, Key, NodeId
from floe.model.passes import Part
from floe.model.run import NodeState, Run
from floe.model.work import Wait

WHOLE = NodeId("")
"""The run as a whole, instead of a node."""

_NOTHING: frozenset[Effect] = frozenset()

_MOVING = ("pending", "granted")
"""Phases without a host. A run that moves has open nodes then, too, but they owe nothing."""


def owed(run: Run) -> frozenset[Effect]:
    """All effects that a run owes: as a whole, for each open node and for each open item."""
    return frozenset().union(*(owed_by(run, *part) for part in parts_of(run)))


def parts_of(run: Run) -> list[Part]:
    """The parts of a run that may owe effects: the whole, its open nodes, and their open items."""
    nodes = [node for node in run.nodes if node in run.open]
    items = [(node, state.item) for node in nodes for state in open_items(run.nodes[node])]
    return [(WHOLE, NO_ITEM), *((node, NO_ITEM) for node in nodes), *items]


def part_of(event: Event) -> Part:
    """The part of a run that may owe other effects after an event; the whole may after each."""
    return getattr(event, "node", WHOLE), getattr(event, "item", NO_ITEM)


def owed_by(run: Run, node: NodeId, item: int = NO_ITEM) -> frozenset[Effect]:
    """The effects that a node or an item owes or, with an empty id, the run as a whole.

    Needs `run.flow` while the run is active, for its time limits.
    """
    if node == WHOLE:
        return _owed_by_run(run)
    if node not in run.open or run.phase in _MOVING:
        return _NOTHING
    state = state_of(run, node, item)
    if state is None or state.items is not None or state.phase == "settled":
        return _NOTHING  # a node with items owes nothing besides what they owe
    key = key_of(run, node, state)
    if run.phase == "ending" and has_child(state):
        return frozenset((StopChild(key, state.child),))
    if run.phase == "ending":
        return frozenset((StopAction(key),)) if has_process(state) else _NOTHING
    return _owed_by_node(run, node, state, key)


def key_of(run: Run, node: NodeId, state: NodeState) -> Key:
    """The key of what an open node or item owes: that of its current attempt."""
    return Key(run.ref, run.epoch, node, state.visit, state.attempt, state.item)


def current(run: Run, key: Key) -> NodeState | None:
    """The node or item that owes what has this key: its current attempt; None if that is over."""
    state = state_of(run, key.node, key.item)
    if key.node not in run.open or state is None or state.phase == "settled":
        return None
    if run.phase in _MOVING:
        return None  # it moves: its next host owes the same under its own epoch
    if state.items is not None:
        return None  # its items have attempts, it has none
    return state if key == key_of(run, key.node, state) else None


def run_key(run: Run) -> Key:
    """The key of effects that the run as a whole owes, such as its time limit."""
    return Key(run.ref, run.epoch, WHOLE, 0, 0)


def later(at: Instant, seconds: float) -> Instant:
    """When an owed effect is due: the instant `seconds` after `at`."""
    return Instant(at + round(seconds * 1000))


def longest_s(run: Run, timer: SetTimer) -> float:
    """The longest duration of an owed timer, from the event that started it."""
    assert run.flow is not None
    if timer.kind in ("run", "pass"):
        return longest_of_flow_s(run.flow, timer)
    node = run.flow.by_id[timer.key.node]
    if timer.kind == "retry":
        every_s = node.repeat.every_s if node.repeat is not None else 0.0
        return max(every_s, longest_delay_s(node.retry.backoff, timer.key.attempt))
    work = run.nodes[node.id].work
    period_s = work.period_s if isinstance(work, Wait) else float("inf")
    return min(period_s, float("inf") if node.timeout_s is None else node.timeout_s)


def longest_of_flow_s(flow: Flow, timer: SetTimer) -> float:
    """The same for a timer of a run as a whole."""
    if timer.kind == "run":
        return flow.timeout_s or 0.0
    assert flow.states is not None, "its flow is judged"
    return flow.states.rest_longest_s


def wait_due(run: Run, node: NodeId) -> Instant | None:
    """When the owed timer of an open timer task is due; None for any other node."""
    state = run.nodes[node]
    if not isinstance(state.work, Wait) or state.phase not in ("entered", "started"):
        return None
    assert run.flow is not None
    timeout_s = run.flow.by_id[node].timeout_s
    period_s = state.work.period_s
    return later(state.queued_at, period_s if timeout_s is None else min(period_s, timeout_s))


def asked_until(node: Node, state: NodeState) -> Instant | None:
    """When an open form, or a call that waits for its answer, is over; None for never."""
    if node.timeout_s is None or state.asked_at is None:
        return None
    return later(state.asked_at, node.timeout_s)


def _owed_by_run(run: Run) -> frozenset[Effect]:
    match run.phase:
        case "reading":
            return frozenset((LoadFlow(run.ref),))
        case "granted":
            return frozenset((OfferRun(run.ref, run.epoch),))
        case "active" if run.passes is None:
            assert run.flow is not None
            assert run.started_at is not None
            if run.flow.timeout_s is None:
                return _NOTHING
            due = later(run.started_at, run.flow.timeout_s)
            return frozenset((SetTimer(run_key(run), "run", due),))
        case "active" | "resting":
            return owed_by_judged(run, run_key(run))
        case "ended":
            return frozenset((PackArchive(run.ref),))
        case _:
            return _NOTHING


def _owed_by_node(run: Run, node: NodeId, state: NodeState, key: Key) -> frozenset[Effect]:
    assert run.flow is not None
    timeout_s = run.flow.by_id[node].timeout_s
    match state.phase:
        case "asking":
            if (due := asked_until(run.flow.by_id[node], state)) is None:
                return frozenset((AskData(key),))
            return frozenset((AskData(key), SetTimer(key, "form", due)))
        case "armed":
            assert state.due is not None
            return frozenset((SetTimer(key, "retry", state.due),))
        case "judging" | "parked" | "again":
            return _NOTHING
        case _ if isinstance(state.work, OutsideWork):
            over = None if timeout_s is None else later(state.queued_at, timeout_s)
            return owed_outside(state, state.work, key, over)
        case "entered" if isinstance(state.work, SubFlow):
            return frozenset((PendChild(key),))
        case "started" if isinstance(state.work, SubFlow):
            return _by_child(state, key, timeout_s)
        case phase:
            if (over := wait_due(run, node)) is not None:
                return frozenset((SetTimer(key, "wait", over),))
            return frozenset((StartAction(key, started=phase == "started"),))


def _by_child(state: NodeState, key: Key, timeout_s: float | None) -> frozenset[Effect]:
    """What an attempt owes while its child run goes on."""
    if is_timed_out(state):
        return frozenset((StopChild(key, state.child),))
    if timeout_s is None:
        return _NOTHING
    assert state.started_at is not None
    return frozenset((SetTimer(key, "child", later(state.started_at, timeout_s)),))
