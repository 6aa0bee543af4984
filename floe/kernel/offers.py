"""Outside work is taken by one taker at a time, answered once, and can be given back.

A take has a name. It counts for one attempt, and a take that was given back never counts again. So
the requests of a taker may be lost, repeated and late.
"""

from floe.kernel.attempt_end import settle_or_retry
from floe.kernel.outside_work import is_offered, is_taken
from floe.kernel.owed import current
from floe.kernel.run_step import RunStep
from floe.kernel.sentences import duration
from floe.model.call import OutsideWork
from floe.model.event import NodeStarted, WorkReturned
from floe.model.flow import Node
from floe.model.outcome import Outcome
from floe.model.run import NodeState, Takes
from floe.model.signal import Reported, ReturnWork, TakeWork


def take_work(step: RunStep, signal: TakeWork) -> None:
    """Record who takes outside work, unless it is taken, or this take was given back before."""
    state = current(step.run, signal.key)
    if state is None or not is_offered(state) or signal.take in _void(state):
        return
    step.add(
        NodeStarted(
            at=step.now,
            node=signal.key.node,
            visit=state.visit,
            attempt=state.attempt,
            started_at=step.now,
            item=state.item,
            by=signal.by,
            take=signal.take,
            through=signal.through,
        )
    )


def return_work(step: RunStep, signal: ReturnWork) -> None:
    """Record that a take is void, also one that has not arrived yet."""
    state = current(step.run, signal.key)
    if state is None or not (is_offered(state) or is_taken(state)) or signal.take in _void(state):
        return  # an attempt that has its answer is not offered again
    step.add(
        WorkReturned(
            at=step.now,
            node=signal.key.node,
            visit=state.visit,
            attempt=state.attempt,
            take=signal.take,
            item=state.item,
        )
    )


def answers(state: NodeState, signal: Reported) -> bool:
    """Whether a report is the answer to outside work that is taken."""
    held = state.takes.take if state.takes else ""
    return is_taken(state) and signal.take in ("", held)


def end_unanswered(step: RunStep, node: Node, state: NodeState) -> None:
    """Settle outside work, or retry it, after its time limit."""
    settle_or_retry(step, node, state, unanswered(node, state), step.now)


def unanswered(node: Node, state: NodeState) -> Outcome:
    """The outcome of outside work whose time limit is over."""
    work = state.work
    assert isinstance(work, OutsideWork), "its timer was owed"
    limit = duration(node.timeout_s or 0)
    if state.takes and (by := state.takes.by):
        why = f"{by} took it and gave no answer within {limit}"
    else:
        why = f"no taker came for it to the queue {work.queue} within {limit}"
    return Outcome(result="error", why=why)


def _void(state: NodeState) -> tuple[str, ...]:
    return (state.takes or Takes()).void
