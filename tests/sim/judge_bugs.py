"""Deliberate bugs of judged runs, each of which an invariant of `judge` must find."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from floe.kernel.items import state_of
from floe.kernel.judged import fold, lane, node_fold, rest, signals, verdicts
from floe.kernel.judged.index import reindexed
from floe.kernel.judged.lane import judgement
from floe.kernel.judged.part import is_expanded, passes_of, table_of
from floe.kernel.judged.states import NewState, put
from floe.kernel.run_step import RunStep
from floe.model.event import Event
from floe.model.flow import Node
from floe.model.ids import NO_ITEM
from floe.model.judging import ActionEnded, Judged, Question, Verdict
from floe.model.nouns import replace
from floe.model.passes import BeginPass, Passes
from floe.model.run import Run
from floe.model.signal import Signal
from floe.model.states import State

BUGS: Final = {
    "late-answer": "an answer counts for any judgement with as many questions",
    "later-attempts": "a judgement has questions about attempts that ended after its event",
    "update-again": "an update begins a pass each time that the run rests",
    "update-during-pass": "an update that came during a pass begins none",
    "twice-a-pass": "a parked node may run again in the pass in which it parked",
    "pass-in-pass": "a person may begin a pass while one goes on",
    "action-again": "an action whose judgement failed runs again",
    "lost-again": "a lost attempt gets the state of the verdict, whatever the node is",
    "no-limit": "all verdicts of a judgement count, however much they add",
    "one-fatal-state": "a failed judgement is fatal, whatever failed",
    "unjudged-again": "an action whose verdict failed runs again with the next pass",
    "recheck-again": "a part runs again before its run would rest, however often it ran",
    "waiting-items-run": "a pass that an update begins runs all items that wait",
    "paused-wakes": "an update begins a pass of a paused run",
    "pause-enters": "a pass goes on although a person paused it",
    "stale-index": "the nodes after one are not looked at when its state changes",
}

PASSES_MAX: Final = 20

_again = fold._again
_apply, _action_ended, _decide = verdicts.apply, node_fold.action_ended, signals.decide_judged


def _late_answer(step: RunStep, signal: Judged) -> bool:
    out = judgement(step.run)
    if out is not None and len(out.asks) == len(signal.verdicts):
        signal = replace(signal, epoch=out.epoch, seq=out.seq)
    return _apply(step, signal)


def _later_attempts(passes: Passes) -> Iterator[Question]:
    for at in range(passes.judged, len(passes.ended)):
        yield passes.ended[at][1]


def _any_update(passes: Passes) -> frozenset[str]:
    if passes.number > PASSES_MAX:  # else one step would not end
        return frozenset()
    met = (keys for keys in passes.waiting.values() if all(key in passes.updates for key in keys))
    return frozenset(key for keys in met for key in keys)


def _no_wake(_: RunStep) -> None:
    pass


def _twice_a_pass(run: Run, node: Node) -> bool:
    state = run.nodes.get(node.id)
    if state is None or state.phase == "again":
        return True
    entries = passes_of(run).entries.get((node.id, NO_ITEM), 0)
    return state.phase == "parked" and entries < 3 and _row(run, state.state).again == "pass"


def _row(run: Run, name: str) -> State:
    return table_of(run).by_name[name]


def _pass_in_pass(step: RunStep, signal: Signal) -> bool:
    if isinstance(signal, BeginPass) and step.run.phase == "active":
        for node in [*step.run.nodes]:
            if step.run.nodes[node].phase == "settled":
                put(step, (node, NO_ITEM), NewState(name="TO_RETRY", by="person"))
        return True
    return _decide(step, signal)


def _action_again(run: Run, passes: Passes, event: ActionEnded, seq: int) -> Run:
    after = _action_ended(run, passes, event, seq)
    if event.outcome.status != 4 or event.item != NO_ITEM or after.phase != "active":
        return after
    state = replace(run.nodes[event.node], phase="entered")
    return replace(run, seq=seq, nodes={**run.nodes, event.node: state})


def _lost_again(run: Run, passes: Passes, event: ActionEnded, seq: int) -> Run:
    return _action_ended(run, passes, replace(event, lost=False), seq)


def _one_fatal_state(step: RunStep, question: Question, why: str, verdict: Verdict) -> None:
    verdicts._give_up(step, question, why, "FATAL_ERROR")


def _recheck_again(run: Run, node: Node, item: int, worst: State | None) -> bool:
    state = state_of(run, node.id, item)
    is_parked = state is not None and state.phase == "parked" and state.state in node.recheck
    entries = passes_of(run).entries.get((node.id, item), 0)
    return is_parked and entries < 4 and (item == NO_ITEM or is_expanded(run, node.id))


def _waiting_items_run(run: Run, _: Any) -> Any:
    return _again(run, None)


def _stale_index(before: Run, run: Run, event: Event) -> Run:
    return reindexed(replace(before, standing=run.standing), run, event)


def _not_paused(run: Run) -> Passes:
    return replace(passes_of(run), paused_by="")


def _not_pausing(run: Run) -> Passes:
    return replace(passes_of(run), pausing=None)


PATCHES: Final[Mapping[str, tuple[str, Any]]] = {
    "late-answer": (f"{signals.__name__}.apply", _late_answer),
    "later-attempts": (f"{lane.__name__}._after", _later_attempts),
    "update-again": (f"{rest.__name__}.keys_met", _any_update),
    "update-during-pass": (f"{rest.__name__}.wake", _no_wake),
    "twice-a-pass": (f"{lane.__name__}._may_run", _twice_a_pass),
    "pass-in-pass": ("floe.kernel.decide.decide_judged", _pass_in_pass),
    "action-again": (f"{fold.__name__}.action_ended", _action_again),
    "lost-again": (f"{fold.__name__}.action_ended", _lost_again),
    "no-limit": (f"{verdicts.__name__}.Room.takes", lambda *_: True),
    "one-fatal-state": (f"{verdicts.__name__}._fail", _one_fatal_state),
    "unjudged-again": (f"{lane.__name__}.is_unjudged", lambda *_: False),
    "recheck-again": (f"{lane.__name__}._is_rechecked", _recheck_again),
    "waiting-items-run": (f"{fold.__name__}._again", _waiting_items_run),
    "paused-wakes": (f"{rest.__name__}.passes_of", _not_paused),
    "pause-enters": (f"{lane.__name__}.passes_of", _not_pausing),
    "stale-index": (f"{fold.__name__}.reindexed", _stale_index),
}
