"""The next events of a run of a judged flow, from one signal.

While a judgement is out, no signal changes a state: what ended waits for its turn, and what a
person may do to a run at rest is refused.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from floe.kernel.items import state_of
from floe.kernel.judged.children import is_known
from floe.kernel.judged.entries import begin_opened
from floe.kernel.judged.limits import run_excess, size_of
from floe.kernel.judged.part import RUNNING, is_expanded, passes_of, table_of
from floe.kernel.judged.people import decide_people, refusal
from floe.kernel.judged.rest import BY_TIMER, allow, begin_pass, conclude, end, go_on, rest
from floe.kernel.judged.states import LOST, NewState, put
from floe.kernel.judged.verdicts import apply
from floe.kernel.offers import answers, unanswered
from floe.kernel.owed import current, run_key
from floe.kernel.process import has_process
from floe.kernel.run_step import RunStep
from floe.kernel.sentences import duration
from floe.kernel.settle import LOST_RETRIES_MAX, outcome_of
from floe.model.call import OutsideWork
from floe.model.event import CancelAsked, GrantRevoked, RetryArmed, RetryDue
from floe.model.flow import Node
from floe.model.ids import NO_ITEM, Instant, Key, NodeId
from floe.model.judging import ActionEnded, Judged, Update, UpdateReceived
from floe.model.opening import BeginOpened
from floe.model.outcome import Outcome
from floe.model.passes import BeginPass, Extend
from floe.model.people import AddNote, Edit, EndRun, Pause, Resolve, Restart
from floe.model.run import NodeState, Run
from floe.model.signal import (
    Abandon,
    Activate,
    Answered,
    Cancel,
    ChildEnded,
    Exited,
    Failed,
    HostLost,
    Report,
    Reported,
    ReturnWork,
    Signal,
    Started,
    TakeWork,
    TimerFired,
)

NONE_OPENED: Final[Mapping[str, str]] = {}


def decide_judged(step: RunStep, signal: Signal) -> bool:
    """Decide the events that a signal causes in a judged run; False if it is as in any other."""
    match signal:
        case Started() | Abandon() | Activate() | TakeWork() | ReturnWork():
            return False
        case BeginOpened():
            begin_opened(step, signal)
        case Judged():
            if step.run.phase == "active" and apply(step, signal):
                rest(step)
        case Reported():
            _reported(step, signal)
        case Update():
            _updated(step, signal)
        case BeginPass(by=by, why=why):
            if not refusal(step.run, signal):
                begin_pass(step, by=by, why=why)
                rest(step)
        case Extend():
            _extended(step, signal)
        case TimerFired():
            _timer_fired(step, signal)
        case Resolve() | Restart() | Edit() | AddNote() | EndRun() | Pause():
            decide_people(step, signal)
        case Cancel(by=by, why=why):
            if step.run.phase in ("pending", "granted", "active", "resting"):
                step.add(CancelAsked(at=step.now, by=by, why=why))
                end(step, "cancelled", f"cancelled by {by}" + (f": {why}" if why else ""))
        case HostLost():
            _host_lost(step, signal)
        case _:
            pass  # for forms and child runs, which it does not have
    return True


def _reported(step: RunStep, signal: Reported) -> None:
    state, report = current(step.run, signal.key), signal.report
    if state is None or isinstance(report, ChildEnded):
        return
    if not (has_process(state) or answers(state, signal)):
        return
    node = step.flow.by_id[signal.key.node]
    outcome = outcome_of(node, report, ending=step.run.phase == "ending")
    is_lost = isinstance(report, Failed) and report.cause == "lost"
    _ended(step, node, state, outcome, signal.at, report, is_lost=is_lost, opened=signal.opened)
    _finish(step)


def _ended(
    step: RunStep,
    node: Node,
    state: NodeState,
    outcome: Outcome,
    ended_at: Instant,
    report: Report | None = None,
    *,
    is_lost: bool,
    opened: Mapping[str, str] = NONE_OPENED,
) -> None:
    """Record the end of an attempt; one that was lost runs again at once if the node may."""
    uncounted = state.attempt - 1 - state.tries
    is_again = is_lost and node.idempotent and uncounted < LOST_RETRIES_MAX
    if is_again and step.run.phase != "ending":
        _run_again(step, node, state, outcome, ended_at)
        return
    outputs = report.outputs if isinstance(report, Exited | Answered) else {}
    metadata = report.metadata if isinstance(report, Answered) else {}
    if excess := run_excess(passes_of(step.run), size_of(outputs) + size_of(metadata)):
        outputs, metadata = {}, {}
        outcome = Outcome(result="error", why=f"its result {excess}")
    step.add(
        ActionEnded(
            at=step.now,
            node=node.id,
            visit=state.visit,
            attempt=state.attempt,
            item=state.item,
            outcome=outcome,
            ended_at=ended_at,
            outputs=outputs,
            metadata=metadata,
            output_bytes=report.output_bytes if report else 0,
            lost=is_lost,
            opened=opened,
        )
    )


def _run_again(
    step: RunStep, node: Node, state: NodeState, outcome: Outcome, ended_at: Instant
) -> None:
    step.add(
        RetryArmed(
            at=step.now,
            node=node.id,
            visit=state.visit,
            attempt=state.attempt,
            outcome=outcome,
            due=step.now,
            ended_at=ended_at,
            lost=True,
            item=state.item,
        )
    )
    step.add(
        RetryDue(
            at=step.now,
            node=node.id,
            visit=state.visit,
            attempt=state.attempt + 1,
            item=state.item,
        )
    )


def _finish(step: RunStep) -> None:
    if step.run.phase == "ending":
        step.finish()


def _updated(step: RunStep, signal: Update) -> None:
    """Record an update, unless it is the last one again; it may begin a pass of a run at rest.

    That of a run on its way to a different host begins there.
    """
    if refusal(step.run, signal) or is_known(passes_of(step.run).updates.get(signal.key), signal):
        return
    step.add(
        UpdateReceived(
            at=step.now,
            source=signal.source,
            key=signal.key,
            state=signal.state,
            value=signal.value,
            epoch=signal.epoch,
            seq=signal.seq,
        )
    )
    go_on(step)


def _extended(step: RunStep, signal: Extend) -> None:
    if refusal(step.run, signal):
        return
    allow(step, by=signal.by, passes=signal.passes)


def _timer_fired(step: RunStep, signal: TimerFired) -> None:
    run = step.run
    if signal.kind == "outside" and run.phase == "active":
        _unanswered(step, signal.key)
    if signal.key != run_key(run) or run.phase not in ("active", "resting"):
        return
    limit_s = step.flow.timeout_s
    if signal.kind == "run" and limit_s is not None:
        end(step, "bad", f"time limit of {duration(limit_s)}")
    elif signal.kind == "pass" and run.phase == "resting" and passes_of(run).due is not None:
        begin_pass(step, by=BY_TIMER)
        rest(step)


def _unanswered(step: RunStep, key: Key) -> None:
    """Record that the time limit of outside work is over."""
    state = current(step.run, key)
    if state is not None and isinstance(state.work, OutsideWork) and state.phase != "judging":
        node = step.flow.by_id[key.node]
        _ended(step, node, state, unanswered(node, state), step.now, is_lost=False)


def _items(run: Run, node: NodeId) -> Iterable[int]:
    """The items of a node that began; the node itself if it runs once, or has settled them."""
    items = run.nodes[node].items if is_expanded(run, node) else None
    return range(items.next) if items is not None else (NO_ITEM,)


def _not_begun(run: Run, node: NodeId) -> range:
    """The items of a node that never began."""
    items = run.nodes[node].items if is_expanded(run, node) else None
    return range(items.next, len(items.values)) if items is not None else range(0)


def _is_known(part: NodeState | None) -> bool:
    """Whether a part of a run is done, or its verdict alone is missing, or it is done outside."""
    if part is None:
        return False
    is_outside = isinstance(part.work, OutsideWork) and part.phase in RUNNING
    return is_outside or part.phase in ("settled", "judging")


def _host_lost(step: RunStep, signal: HostLost) -> None:
    """Go on at the adopter: what was not done may have run on the lost host, or runs there yet.

    A part that is not idempotent is for a person to check, also if its entry is not known here. A
    run at rest keeps its verdict before its first pass, and if nothing is to be checked.
    """
    run = step.run
    if run.host != signal.host or run.phase not in ("granted", "active", "resting", "ending"):
        return
    is_ending = run.phase == "ending"
    if not is_ending:
        step.add(GrantRevoked(at=step.now, epoch=run.epoch))
    known = len(step.events)
    outcome = Outcome(result="error", why=f"lost with host {signal.host}")
    crashed = NewState(name=table_of(run).crashed, why=outcome.why, by=LOST)
    for node in step.flow.nodes:
        for item in _items(step.run, node.id):
            part = state_of(step.run, node.id, item)
            if part is not None and has_process(part):
                _ended(step, node, part, outcome, step.now, is_lost=True)
            elif not (is_ending or node.idempotent or _is_known(part)):
                put(step, (node.id, item), crashed)
        if not (is_ending or node.idempotent) and (left := _not_begun(step.run, node.id)):
            put(step, (node.id, left[0]), crashed, until=left[-1])
    _finish(step)
    passes, is_changed = passes_of(run), len(step.events) > known
    is_resting = step.run.phase == "resting" and not passes.paused_by
    if is_resting and passes.number and is_changed:
        conclude(step)
    rest(step)
