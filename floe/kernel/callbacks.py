"""A call: its request is sent, then it waits for the answer at its address, which counts once.

An answer may come before the request is over: a fast program calls back first. It is kept then.

Source: docs/flows.md, "call".
"""

from typing import Final

from floe.expr.errors import ExpressionError
from floe.kernel.attempt_end import settle
from floe.kernel.items import state_of
from floe.kernel.judge import CODE_SHOWN_MAX, fault_text, is_true
from floe.kernel.process import has_process
from floe.kernel.run_step import GOOD, RunStep
from floe.model.answers import CallAnswer, CallAnswered
from floe.model.callback import Callback
from floe.model.ids import NO_ITEM, NodeId
from floe.model.outcome import Outcome
from floe.model.run import NodeState, Run
from floe.model.signal import Answered, DataGiven, Reported
from floe.model.title import one_line

GIVEN: Final = "outputs"
"""The first name of the answer in `good-when`."""


def is_open_call(run: Run, state: NodeState | None) -> bool:
    """Whether a call takes an answer now. `state` is that of its latest visit, or of an item."""
    if state is None or not isinstance(state.work, Callback) or state.items is not None:
        return False
    return run.phase == "active" and state.phase != "settled" and state.answer is None


def answer_call(step: RunStep, signal: DataGiven) -> None:
    """Settle a call with its answer, or keep the answer until the request is over."""
    state = state_of(step.run, signal.node, signal.item)
    if state is None or not is_open_call(step.run, state) or signal.visit != state.visit:
        return
    if not has_process(state):
        answer = CallAnswer(signal.values, signal.by, signal.good)
        size = state.output_bytes if state.phase == "asking" else 0
        _settle(step, state, signal.node, answer, why=signal.why, output_bytes=size)
        return
    step.add(
        CallAnswered(
            at=step.now,
            node=signal.node,
            visit=state.visit,
            attempt=state.attempt,
            values=signal.values,
            by=signal.by,
            good=signal.good,
            item=state.item,
        )
    )


def is_over_at_request(step: RunStep, state: NodeState, signal: Reported) -> bool:
    """Whether a call is over, as other work is, when its request is: it failed, or was stopped.

    If not, the call has its answer by now, or waits for it.
    """
    report = signal.report
    if not isinstance(state.work, Callback) or step.run.phase == "ending":
        return True
    if state.answer is not None:
        _settle(step, state, signal.key.node, state.answer, output_bytes=report.output_bytes)
        return False
    if not (isinstance(report, Answered) and report.good):
        return True
    step.ask(signal.key.node, state.visit, state.item, report.output_bytes)
    return False


def _settle(
    step: RunStep,
    state: NodeState,
    id: NodeId,
    answer: CallAnswer,
    *,
    why: str = "",
    output_bytes: int = 0,
) -> None:
    node, outputs = step.flow.by_id[id], answer.values
    outcome = _outcome(step, state, answer, why)
    if state.item == NO_ITEM:
        step.settle(
            node,
            outcome,
            ended_at=step.now,
            outputs=outputs,
            output_bytes=output_bytes,
            by=answer.by,
        )
    else:
        settle(step, node, state, outcome, step.now, outputs, output_bytes)


def _outcome(step: RunStep, state: NodeState, answer: CallAnswer, why: str) -> Outcome:
    assert isinstance(state.work, Callback), "only a call has an answer"
    code = state.work.good_when
    if not answer.good:
        return Outcome(result="bad", why=why)
    try:
        if not code or is_true(code, step.scope({GIVEN: answer.values})):
            return GOOD
    except ExpressionError as fault:
        return Outcome(result="error", why=f"good-when: {fault_text(code, fault)}")
    return Outcome(result="bad", why=f"good-when was false: {one_line(code, CODE_SHOWN_MAX)}")
