"""The end of an attempt: the node settles, or a retry or a repetition is due later."""

from collections.abc import Mapping

from floe.kernel.backoff import delay_ms
from floe.kernel.owed import key_of, later
from floe.kernel.process import only_waits
from floe.kernel.repeat import given_of, verdict_on
from floe.kernel.run_step import RunStep
from floe.kernel.settle import is_retried
from floe.model.event import RepeatArmed, RetryArmed, RetryDue
from floe.model.flow import Node
from floe.model.ids import NO_ITEM, Instant, Json
from floe.model.outcome import Outcome
from floe.model.run import NodeState
from floe.model.signal import Answered, ChildEnded, Exited, Report
from floe.model.work import Ask


def settle_or_retry(
    step: RunStep,
    node: Node,
    state: NodeState,
    outcome: Outcome,
    ended_at: Instant,
    report: Report | None = None,
) -> None:
    """Settle an open node, or item, after an attempt, unless it has retries left."""
    output_bytes = report.output_bytes if report else state.output_bytes
    if step.run.phase != "ending" and is_retried(node, state, outcome):
        arm(step, node, state, outcome, ended_at, output_bytes, lost=False)
        return
    outputs = report.outputs if isinstance(report, Exited | Answered | ChildEnded) else {}
    settle(step, node, state, outcome, ended_at, outputs, output_bytes)


def settle(
    step: RunStep,
    node: Node,
    state: NodeState,
    outcome: Outcome,
    ended_at: Instant,
    outputs: Mapping[str, Json],
    output_bytes: int = 0,
) -> None:
    """Record that an open node, or an open item of one, is done."""
    if state.item == NO_ITEM:
        step.settle(node, outcome, ended_at=ended_at, outputs=outputs, output_bytes=output_bytes)
    else:
        step.settle_item(
            node, state, outcome, ended_at=ended_at, outputs=outputs, output_bytes=output_bytes
        )


def settle_or_repeat(
    step: RunStep, node: Node, outcome: Outcome, ended_at: Instant, report: Report
) -> None:
    """Settle a node with `repeat` after an attempt, unless `until` is not true yet."""
    outputs = report.outputs if isinstance(report, Exited | Answered) else {}
    state = step.run.nodes[node.id]
    verdict = verdict_on(node, state, outcome, step.scope(given_of(outcome, outputs)))
    if isinstance(verdict, Outcome):
        step.settle(
            node, verdict, ended_at=ended_at, outputs=outputs, output_bytes=report.output_bytes
        )
        return
    step.add(
        RepeatArmed(
            at=step.now,
            node=node.id,
            visit=state.visit,
            attempt=state.attempt,
            outcome=outcome,
            outputs=outputs,
            due=later(step.now, verdict),
            ended_at=ended_at,
            output_bytes=report.output_bytes,
        )
    )


def arm(
    step: RunStep,
    node: Node,
    state: NodeState,
    outcome: Outcome,
    ended_at: Instant,
    output_bytes: int,
    *,
    lost: bool,
) -> None:
    """Record that a retry is due after the backoff. `lost`: `retry.max` does not count it."""
    before = state.attempt - 1 - state.tries if lost else state.tries
    delay = delay_ms(node.retry.backoff, before + 1, key_of(step.run, node.id, state))
    step.add(
        RetryArmed(
            at=step.now,
            node=node.id,
            visit=state.visit,
            attempt=state.attempt,
            outcome=outcome,
            due=Instant(step.now + delay),
            ended_at=ended_at,
            output_bytes=output_bytes,
            lost=lost,
            item=state.item,
        )
    )


def begin_retry(step: RunStep, node: Node, state: NodeState) -> None:
    """Record that the next attempt is due."""
    step.add(
        RetryDue(
            at=step.now,
            node=node.id,
            visit=state.visit,
            attempt=state.attempt + 1,
            item=state.item,
        )
    )
    if isinstance(state.work, Ask) or only_waits(state.work):
        step.ask(node.id, state.visit, state.item)
