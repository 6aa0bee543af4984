"""Verdicts that failed, are too large or too few, and what has to follow from them."""

from collections.abc import Sequence, Set
from random import Random
from typing import Final

from floe.model.event import Event, ItemEntered, NodeEntered, NodeSettled
from floe.model.ids import NO_ITEM, NodeId
from floe.model.judging import Judged, NodeSet, Note, Question, RunNoted, Verdict
from floe.model.nouns import replace
from floe.model.passes import Part, PassBegan
from floe.model.run import Run

LIMIT: Final = 3
"""Changes of one judgement, in place of a thousand."""

NOTE: Final = Note(kind="note")


class Broken(Exception):
    """An invariant does not hold."""


def spoiled(verdicts: Sequence[Verdict], chance: Random) -> Judged:
    """The answer of an evaluator that fails at some questions, notes a lot and has no time."""
    some = tuple(_spoiled(verdict, chance) for verdict in verdicts)
    is_partial = chance.random() < 0.1
    if is_partial:
        some = some[: chance.randint(1, len(some))]
    return Judged(epoch=0, seq=0, verdicts=some, is_partial=is_partial)


def _spoiled(verdict: Verdict, chance: Random) -> Verdict:
    dice = chance.random()
    if dice < 0.06:
        return Verdict(failed="no such name", in_condition=chance.random() < 0.5)
    if dice < 0.1:
        return replace(verdict, notes=(NOTE,) * (LIMIT + 1))
    if dice < 0.3:
        return replace(verdict, notes=(NOTE,) * chance.randint(1, LIMIT))
    return verdict


class VerdictWatch:
    """What holds of the verdicts of one run."""

    def __init__(self) -> None:
        self._unjudged: set[Part] = set()
        """The actions about which a verdict failed, and none has counted since."""
        self._leaves_waiting = False

    def decided(self, asks: Sequence[Question], answer: Judged, events: Sequence[Event]) -> None:
        """Look at what follows from a judgement."""
        lists = {question.node for question in asks if question.item != NO_ITEM}
        added = [event for event in events if _is_added(event, lists)]
        if len(added) > LIMIT:
            raise Broken(f"judgement_adds_no_more_than_its_limit: {len(added)} events")
        own = {
            (event.node, event.item): event.state
            for event in events
            if isinstance(event, NodeSet) and not event.by
        }
        for question, verdict in zip(asks, answer.verdicts, strict=False):
            state = own.get((question.node, question.item), "")
            if verdict.failed and state and state not in _states_of(question, verdict):
                raise Broken(f"failed_judgement_has_its_state: {question} is {state}")

    def event(self, before: Run, event: Event) -> None:
        """Look at one event."""
        match event:
            case PassBegan(leaves_waiting=leaves_waiting):
                self._leaves_waiting = leaves_waiting
            case NodeEntered(node=node):
                self._entered(before, (node, NO_ITEM))
                self._unjudged = {part for part in self._unjudged if part[0] != node}
            case ItemEntered(node=node, item=item):
                self._entered(before, (node, item))
            case NodeSet(node=node, item=item, state="CHECK_ERROR", by=""):
                self._unjudged.add((node, item))
            case NodeSet(node=node, item=item) if item != NO_ITEM:
                self._unjudged.discard((node, item))
            case NodeSet(node=node) | NodeSettled(node=node):
                self._unjudged = {part for part in self._unjudged if part[0] != node}
            case _:
                pass

    def _entered(self, before: Run, part: Part) -> None:
        passes = before.passes
        assert passes is not None
        if part in self._unjudged:
            raise Broken(f"action_without_a_verdict_never_runs_again: {part}")
        keys = passes.waiting.get(part, ())
        is_early = part[1] != NO_ITEM and any(key not in passes.updates for key in keys)
        if self._leaves_waiting and is_early and part not in passes.entries:
            raise Broken(f"waiting_item_runs_by_its_own_updates: {part} awaits {keys}")


def _is_added(event: Event, lists: Set[NodeId]) -> bool:
    """Whether an event is a change that a verdict makes besides the state of its own node.

    A list that was set while its items ran gets that state after the last of them.
    """
    if isinstance(event, RunNoted):
        return event.kind == NOTE.kind
    if not isinstance(event, NodeSet) or event.by in ("", "prune", "lost"):
        return False
    return event.item != NO_ITEM or event.node not in lists


def _states_of(question: Question, verdict: Verdict) -> Sequence[str]:
    """The states that may follow from a verdict that failed; the first is that of the table."""
    if question.stage == "after":
        return ("CHECK_ERROR", "CRASHED")
    return ("SERVER_ERROR" if verdict.in_condition else "FATAL_ERROR", "FATAL_ERROR", "CRASHED")
