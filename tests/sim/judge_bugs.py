"""Deliberate bugs of judged runs, each of which an invariant of `judge` must find."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from floe.kernel.judged import fold, lane, node_fold, rest, signals, verdicts
from floe.kernel.judged.awaited import keys_met
from floe.kernel.judged.lane import judgement
from floe.kernel.judged.part import passes_of, table_of
from floe.kernel.judged.states import NewState, put
from floe.kernel.run_step import RunStep
from floe.model.flow import Node
from floe.model.ids import NO_ITEM
from floe.model.judging import ActionEnded, Judged, Question
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
}

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
    return keys_met(replace(passes, fresh=frozenset(passes.updates)))


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


PATCHES: Final[Mapping[str, tuple[str, Any]]] = {
    "late-answer": (f"{signals.__name__}.apply", _late_answer),
    "later-attempts": (f"{lane.__name__}._after", _later_attempts),
    "update-again": (f"{rest.__name__}.keys_met", _any_update),
    "update-during-pass": (f"{rest.__name__}.wake", _no_wake),
    "twice-a-pass": (f"{lane.__name__}._may_run", _twice_a_pass),
    "pass-in-pass": ("floe.kernel.decide.decide_judged", _pass_in_pass),
    "action-again": (f"{fold.__name__}.action_ended", _action_again),
    "lost-again": (f"{fold.__name__}.action_ended", _lost_again),
}
