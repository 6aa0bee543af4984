"""The end of an attempt of a node with `repeat`: it settles, or the next attempt is due later.

Source: docs/flows.md, "repeat".
"""

from collections.abc import Mapping
from typing import Final

from floe.expr.errors import ExpressionError
from floe.kernel.judge import CODE_SHOWN_MAX, NodeScope, fault_text, is_true
from floe.kernel.sentences import outcome_text
from floe.model.flow import Node
from floe.model.ids import Json
from floe.model.outcome import Outcome
from floe.model.run import NodeState
from floe.model.title import one_line

GIVEN: Final = ("outputs", "status", "state")
"""First names of the attempt that is over, beside those of every expression of a node."""


def given_of(outcome: Outcome, outputs: Mapping[str, Json]) -> Mapping[str, Json]:
    """What `until` of a repeated task sees of the attempt that is over."""
    return {"outputs": outputs, "status": outcome.status, "state": outcome.result}


def verdict_on(node: Node, state: NodeState, outcome: Outcome, scope: NodeScope) -> Outcome | float:
    """Whether to repeat a task: its outcome, or the seconds until its next attempt.

    An attempt that ended with an error counts as one after which `until` is false.
    """
    repeat = node.repeat
    assert repeat is not None, "the node has repeat"
    try:
        if outcome.result != "error" and is_true(repeat.until, scope):
            return outcome
    except ExpressionError as fault:
        return Outcome(result="error", why=f"until: {fault_text(repeat.until, fault)}")
    count = state.tries + 1
    if count < repeat.max:
        return repeat.every_s
    attempts = f"{count} attempts" if count > 1 else "its only attempt"
    last = outcome_text(outcome) or outcome.result
    return Outcome(result="bad", why=f"until was still false after {attempts}; the last: {last}")


def repetition_text(node: Node, state: NodeState) -> str:
    """Which attempt of how many it is, as a part of a sentence; empty without `repeat`."""
    return f"attempt {state.tries + 1} of {node.repeat.max}" if node.repeat else ""


def until_text(node: Node, state: NodeState) -> str:
    """What the next attempt of a repeated task is for, as the end of a sentence."""
    if node.repeat is None:
        return ""
    last = state.attempts[-1].outcome
    until = one_line(node.repeat.until, CODE_SHOWN_MAX)
    return f", until {until} (the last: {outcome_text(last) or last.result})"
