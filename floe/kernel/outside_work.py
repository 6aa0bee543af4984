"""Outside work of a node or an item: whether it is taken, and what it owes."""

from collections.abc import Callable, Mapping
from typing import Final

from floe.model.call import OutsideWork
from floe.model.codec import iso
from floe.model.effect import AwaitAnswer, Effect, OfferWork, SetTimer
from floe.model.event import NodeStarted, WorkReturned
from floe.model.ids import Instant, Key
from floe.model.nouns import replace
from floe.model.run import NodeState, Takes

Takers = Mapping[str, Callable[[OutsideWork], str]]
"""By type of outside work: who may take it, and what is known of them, as the end of `waits for`.
Of other types nothing is known."""

NO_TAKERS: Final[Takers] = {}


def is_offered(state: NodeState) -> bool:
    """Whether a node, or an item, is outside work that may be taken now."""
    return isinstance(state.work, OutsideWork) and state.phase == "entered"


def is_taken(state: NodeState) -> bool:
    """Whether a node, or an item, is outside work that is taken and has no answer yet."""
    return isinstance(state.work, OutsideWork) and state.phase == "started"


def taken_state(state: NodeState, event: NodeStarted) -> NodeState:
    """The state of outside work after a taker took it."""
    void = state.takes.void if state.takes else ()
    takes = Takes(take=event.take, by=event.by, through=event.through, void=void)
    return replace(state, phase="started", started_at=event.started_at, takes=takes)


def returned_state(state: NodeState, event: WorkReturned) -> NodeState:
    """The state of outside work after a take became void; it is offered unless another holds it."""
    takes = state.takes or Takes()
    void = (*takes.void, event.take)
    if takes.take != event.take:
        return replace(state, takes=replace(takes, void=void))
    takes = Takes(void=void)
    return replace(state, phase="entered", started_at=None, takes=takes)


def owed_outside(
    state: NodeState, work: OutsideWork, key: Key, due: Instant | None
) -> frozenset[Effect]:
    """What outside work owes: its offer until it is taken, then its answer; and its time limit."""
    effects: list[Effect] = []
    if is_taken(state):
        assert state.takes is not None, "it is taken"
        assert state.started_at is not None, "it is taken"
        by, take, through = state.takes.by, state.takes.take, state.takes.through or ""
        taken = AwaitAnswer(key, work.queue, work.name, by, state.started_at, take, through)
        effects.append(taken)
    if is_offered(state):
        effects.append(OfferWork(key, work.queue, work.labels, state.queued_at, work.name))
    if due is not None:
        effects.append(SetTimer(key, "outside", due))
    return frozenset(effects)


def wait_text(state: NodeState, work: OutsideWork, takers: Takers) -> str:
    """What open outside work waits for, as the end of a sentence."""
    takes = state.takes
    if takes and takes.take:
        through = f" through {takes.through}" if takes.through else ""
        return f"its answer; taken by {takes.by}{through} at {iso(state.started_at)}; no result yet"
    known = takers.get(work.type)
    who = known(work) if known else f"a program to take it from the queue {work.queue}"
    return f"{who}; offered since {iso(state.queued_at)}"
