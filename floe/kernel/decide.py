"""The next events of a run, from its state and one signal.

Signals may be late, repeated or out of order. A signal that does not fit the current state has no
effect. A report counts for the current attempt only.
"""

from typing import assert_never

from floe.kernel.approval import refusal
from floe.kernel.attempt_end import arm, begin_retry, settle, settle_or_repeat, settle_or_retry
from floe.kernel.callbacks import answer_call, is_over_at_request
from floe.kernel.children import awaits_child, outcome_of_child
from floe.kernel.judged.index import indexed
from floe.kernel.judged.rest import go_on
from floe.kernel.judged.signals import decide_judged
from floe.kernel.node_skips import skip_lost
from floe.kernel.offers import answers, end_unanswered, return_work, take_work
from floe.kernel.open_children import has_child, is_timed_out
from floe.kernel.owed import current, run_key
from floe.kernel.process import goes_on, has_process
from floe.kernel.run_step import GOOD, RunStep
from floe.kernel.sentences import duration
from floe.kernel.settle import is_retried_as_lost, outcome_of
from floe.model.callback import Callback
from floe.model.children import ChildPended, ChildTimedOut
from floe.model.event import (
    CancelAsked,
    Event,
    GrantRevoked,
    GrantSuperseded,
    NodeReset,
    NodeStarted,
    RunActivated,
)
from floe.model.flow import Node
from floe.model.ids import Instant
from floe.model.judging import Judged, Update
from floe.model.moving import RunResumed
from floe.model.nouns import dataclass, replace
from floe.model.opening import BeginOpened
from floe.model.outcome import Outcome
from floe.model.passes import BeginPass, Extend
from floe.model.people import AddNote, Edit, EndRun, Pause, Resolve, Restart
from floe.model.run import Attached, Run
from floe.model.signal import (
    Abandon,
    Activate,
    Cancel,
    ChildEnded,
    ChildMade,
    DataGiven,
    Failed,
    FlowUnreadable,
    HostLost,
    Reported,
    Reset,
    ReturnWork,
    Signal,
    Skip,
    Started,
    TakeWork,
    TimerFired,
)
from floe.model.tags import TRIGGER_GOOD
from floe.model.work import Ask, Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided about a signal: events, and the run after them."""

    events: tuple[Event, ...]
    runs: tuple[Run, ...]
    """The run after each event, so that callers need not evolve it again."""
    run: Run
    """The run after all events."""


def decide(run: Run, signal: Signal, now: Instant, attached: Attached) -> Decision:
    """Decide the events that a signal causes: none if it is late, repeated or does not fit.

    `attached` has the flow, except for Cancel and FlowUnreadable before it is read, and for
    Abandon.
    """
    step = RunStep(run, now, attached)
    if run.passes is None or not decide_judged(step, signal):
        _decide(step, signal)
    if run.passes is not None and step.events:
        step.run = step.runs[-1] = indexed(step.run)
    return Decision(events=tuple(step.events), runs=tuple(step.runs), run=step.run)


def _decide(step: RunStep, signal: Signal) -> None:
    match signal:
        case Started():
            _started(step, signal)
        case ChildMade():
            _child_made(step, signal)
        case Reported():
            _reported(step, signal)
        case TakeWork():
            take_work(step, signal)
        case ReturnWork():
            return_work(step, signal)
        case Activate():
            _activate(step, signal)
        case TimerFired():
            _timer_fired(step, signal)
        case DataGiven():
            _data_given(step, signal)
        case Reset():
            _reset(step, signal)
        case Cancel():
            _cancel(step, signal)
        case Skip(why=why):
            if step.run.phase == "pending":
                step.end(good=False, why=why, result="cancelled")
        case Abandon():
            _abandon(step, signal)
        case FlowUnreadable(why=why):
            if step.run.phase == "reading":
                step.end(good=False, why=why)
        case HostLost():
            _host_lost(step, signal)
        case Judged() | Update() | BeginPass() | Extend():
            pass  # for runs of judged flows alone
        case Resolve() | Restart() | Edit() | AddNote() | EndRun() | Pause() | BeginOpened():
            pass  # for them too
        case _:
            assert_never(signal)


def _activate(step: RunStep, signal: Activate) -> None:
    run = step.run
    match run.phase:
        case "pending":
            is_due = signal.epoch > run.epoch  # a grant of the same epoch was returned or revoked
        case "granted":
            is_due = signal.epoch >= run.epoch and signal.host == run.host
        case _:
            is_due = False
    if not is_due:
        return
    if run.started_at is not None:
        resumed = RunResumed(
            at=step.now, host=signal.host, epoch=signal.epoch, workspace=signal.workspace
        )
        step.add(resumed)
        if run.passes is not None:
            go_on(step)
        return
    step.add(
        RunActivated(
            at=step.now,
            host=signal.host,
            epoch=signal.epoch,
            workspace=signal.workspace,
            moved_from=signal.moved_from,
        )
    )
    tags = [TRIGGER_GOOD]
    for taken in run.taken:
        step.add(replace(taken, at=step.now))
        tags += (taken.tag, *taken.tags)
    step.spread(*tags)


def _started(step: RunStep, signal: Started) -> None:
    state = current(step.run, signal.key)
    if state is None or state.phase != "entered" or not has_process(state):
        return
    step.add(
        NodeStarted(
            at=step.now,
            node=signal.key.node,
            visit=state.visit,
            attempt=state.attempt,
            started_at=signal.at,
            item=state.item,
        )
    )


def _child_made(step: RunStep, signal: ChildMade) -> None:
    key = signal.key
    work = awaits_child(step.run, key)
    if work is None:
        return
    step.add(
        ChildPended(
            at=step.now,
            node=key.node,
            visit=key.visit,
            attempt=key.attempt,
            run=signal.run.key,
            item=key.item,
            why_new=signal.why_new,
        )
    )
    state = current(step.run, key)
    if state is not None and not work.wait:
        settle(step, step.flow.by_id[key.node], state, GOOD, step.now, {"run": str(signal.run)})


def _reported(step: RunStep, signal: Reported) -> None:
    state = current(step.run, signal.key)
    report = signal.report
    is_refused = isinstance(report, Failed) and awaits_child(step.run, signal.key) is not None
    if state is None or not (goes_on(state) or is_refused or answers(state, signal)):
        return
    if not is_over_at_request(step, state, signal):
        return
    node = step.flow.by_id[signal.key.node]
    ending = step.run.phase == "ending"
    if isinstance(report, ChildEnded):
        outcome = outcome_of_child(node, state, report, ending=ending)
    else:
        outcome = outcome_of(node, report, ending=ending)
    if not ending and is_retried_as_lost(node, state, report):
        arm(step, node, state, outcome, signal.at, report.output_bytes, lost=True)
    elif node.repeat is not None and not ending:
        settle_or_repeat(step, node, outcome, signal.at, report)
    else:
        settle_or_retry(step, node, state, outcome, signal.at, report)


def _timer_fired(step: RunStep, signal: TimerFired) -> None:
    run = step.run
    if signal.kind == "run":
        if run.phase == "active" and signal.key == run_key(run):
            limit_s = step.flow.timeout_s
            if limit_s is not None:
                step.end(good=False, why=f"time limit of {duration(limit_s)}")
        return
    state = current(run, signal.key)
    if state is None:
        return
    node = step.flow.by_id[signal.key.node]
    match signal.kind, state.phase:
        case "retry", "armed":
            begin_retry(step, node, state)
        case "form", "asking":
            outcome = Outcome(result="error", why=f"nobody answered within {_limit(node)}")
            settle_or_retry(step, node, state, outcome, step.now)
        case "outside", "entered" | "started":
            end_unanswered(step, node, state)
        case "child", "started" if has_child(state) and not is_timed_out(state):
            at, visit, attempt = step.now, state.visit, state.attempt
            step.add(
                ChildTimedOut(
                    at=at, node=node.id, visit=visit, attempt=attempt, item=signal.key.item
                )
            )
        case "wait", "entered" if isinstance(state.work, Wait):
            if node.timeout_s is not None and node.timeout_s < state.work.period_s:
                outcome = Outcome(result="error", why=f"timed out after {_limit(node)}")
            else:
                outcome = GOOD
            settle_or_retry(step, node, state, outcome, step.now)
        case _:
            pass  # of an earlier phase of this attempt


def _data_given(step: RunStep, signal: DataGiven) -> None:
    state = step.run.nodes.get(signal.node)
    if state is not None and isinstance(state.work, Callback):
        answer_call(step, signal)
        return
    if state is None or state.phase != "asking" or step.run.phase != "active":
        return
    if signal.visit not in (0, state.visit):
        return
    if isinstance(state.work, Ask) and refusal(step.run, state.work.form, signal.by):
        return
    rejected = f"rejected by {signal.by}" + (f": {signal.why}" if signal.why else "")
    step.settle(
        step.flow.by_id[signal.node],
        GOOD if signal.good else Outcome(result="bad", why=rejected),
        ended_at=step.now,
        outputs=signal.values,
        by=signal.by,
    )


def _reset(step: RunStep, signal: Reset) -> None:
    run = step.run
    states = [run.nodes.get(node) for node in signal.nodes]
    if run.phase != "active" or signal.by not in run.standing:
        return
    if any(state is None or state.phase != "settled" for state in states):
        return
    step.add(NodeReset(at=step.now, nodes=signal.nodes, by=signal.by))
    step.spread(signal.by, *skip_lost(step, (step.flow.by_id[node] for node in signal.nodes)))


def _cancel(step: RunStep, signal: Cancel) -> None:
    if step.run.phase not in ("reading", "pending", "granted", "active"):
        return
    step.add(CancelAsked(at=step.now, by=signal.by, why=signal.why))
    step.end(good=False, why=_cancelled(signal))


def _abandon(step: RunStep, signal: Abandon) -> None:
    if step.run.phase in ("ended", "packed") or step.run.superseded:
        return
    epoch, why = step.run.epoch, _cancelled(signal)
    step.add(GrantSuperseded(at=step.now, epoch=epoch, by=signal.by, why=why))


def _cancelled(signal: Cancel | Abandon) -> str:
    return f"cancelled by {signal.by}" + (f": {signal.why}" if signal.why else "")


def _host_lost(step: RunStep, signal: HostLost) -> None:
    run = step.run
    if run.host != signal.host or run.phase not in ("granted", "active", "ending"):
        return
    why = f"lost with host {signal.host}"
    if run.phase == "ending":  # its result is already decided
        for node in step.open_nodes():
            step.lose(step.flow.by_id[node], Outcome(result="error", why=why))
        return
    step.add(GrantRevoked(at=step.now, epoch=run.epoch, keeps=signal.keeps))
    if step.flow.on_host_lost == "fail" and not signal.keeps:
        step.end(good=False, why=why)


def _limit(node: Node) -> str:
    return duration(node.timeout_s or 0)
