"""The outcome of an attempt, whether a retry follows, and the tag that a node issues.

Source: floe README, "Standard tasks"; ignore-fail and use-status as in the original.
"""

from typing import Final, assert_never

from floe.model.flow import Node
from floe.model.outcome import Outcome, Result
from floe.model.run import NodeState
from floe.model.signal import Answered, Exited, Failed, Report, Stopped
from floe.model.tags import Tag, tag_of

LOST_RETRIES_MAX: Final = 16
"""How many lost attempts `on-lost: retry` repeats, in addition to `retry.max`."""

STOPPED: Final = Outcome(result="stopped")

_LEAD: Final = {
    "start": "could not start",
    "timeout": "timed out",
    "output-limit": "output limit",
    "lost": "lost",
    "error": "",
}


def outcome_of(
    node: Node, report: Exited | Answered | Failed | Stopped, *, ending: bool
) -> Outcome:
    """The outcome with which an attempt may settle its node. A stop on no request is an error."""
    match report:
        case Exited(status=status, note=note):
            result: Result = "good" if status in node.good else "bad"
            return Outcome(result=result, status=status, why=note)
        case Answered(good=good, why=why, kind=kind):
            return Outcome(result="good" if good else "bad", why=why, kind=kind)
        case Failed(cause=cause, why=why):
            lead = _LEAD[cause]
            text = why if why.casefold().startswith(lead) else f"{lead}: {why}"
            return Outcome(result="error", why=text)
        case Stopped():
            return STOPPED if ending else Outcome(result="error", why="stopped from outside")
        case _:
            assert_never(report)


def tag_for(node: Node, outcome: Outcome) -> tuple[Tag | None, bool]:
    """The tag of a node that settles, and whether it counts as good; None for a stopped attempt."""
    if outcome.result == "stopped":
        return None, False
    if node.ignore_fail:
        return tag_of(node.cls, node.id, "good"), True
    numbered = node.use_status and outcome.status is not None
    label = str(outcome.status) if numbered else outcome.result
    return tag_of(node.cls, node.id, label), outcome.result == "good"


def is_retried(node: Node, state: NodeState, outcome: Outcome) -> bool:
    """Whether a node is retried instead of settling: `retry.max` allows one more attempt."""
    return outcome.result in ("bad", "error") and state.tries < node.retry.max


def is_retried_as_lost(node: Node, state: NodeState, report: Report) -> bool:
    """Whether `on-lost: retry` allows one more attempt, instead of settling."""
    lost = isinstance(report, Failed) and report.cause == "lost"
    uncounted = state.attempt - 1 - state.tries
    return lost and node.on_lost == "retry" and uncounted < LOST_RETRIES_MAX
