"""Checks the conditions of steps: types, operators, and the states that they set."""

from collections.abc import Mapping

from floe.dialects.notes import Notes
from floe.dialects.utask.dependencies import StepGraph
from floe.dialects.utask.document import (
    CONDITION_TYPES,
    LOOP_CONDITIONS,
    OPERATORS,
    SET_STATES,
    THIS,
    Assertion,
    UtaskCondition,
    UtaskStep,
)
from floe.expr.patterns import fault_of


def check_condition(
    condition: UtaskCondition,
    step: UtaskStep,
    states: Mapping[str, frozenset[str]],
    graph: StepGraph,
    notes: Notes,
) -> None:
    """Note the mistakes of a condition; `states` are the own states of each step."""
    if condition.type not in CONDITION_TYPES:
        notes.error(condition.at, f"Unknown condition type: {condition.type}", "skip or check")
    _check_loop(condition, step, notes)
    for assertion in condition.assertions:
        _check_assertion(assertion, notes)
    for target, state in condition.then.items():
        if target == step.name and not step.foreach:
            notes.error(state.at, "Step condition should not reference itself, use 'this'")
        name = step.name if target == THIS else target
        if name not in states:
            notes.error(state.at, f"Step condition points to non-existing step: {target}")
            continue
        if name != step.name and name not in graph.chain(step.name):
            notes.error(
                state.at,
                f"Step condition cannot impact the state of step {target}, "
                "which is neither its ancestor nor its descendant",
            )
        if state.text not in SET_STATES and state.text not in states[name]:
            notes.error(
                state.at,
                f"Step condition implies invalid state for step {name}: {state.text}",
                f"one of {', '.join(SET_STATES)}, or of its custom_states",
            )


def _check_loop(condition: UtaskCondition, step: UtaskStep, notes: Notes) -> None:
    if not condition.foreach:
        return
    if condition.foreach not in LOOP_CONDITIONS:
        what = f"Unknown condition foreach: {condition.foreach}"
        notes.error(condition.at, what, " or ".join(LOOP_CONDITIONS))
    if not step.foreach:
        notes.error(condition.at, "Step condition cannot set foreach on a non-foreach step")
    if condition.type == "check":
        notes.error(condition.at, "Step condition can set foreach on a skip condition")


def _check_assertion(assertion: Assertion, notes: Notes) -> None:
    operator = assertion.operator.upper()
    if operator not in OPERATORS:
        what = f"Unknown condition operator: {assertion.operator}"
        notes.error(assertion.at, what, f"one of {', '.join(OPERATORS)}")
    elif operator.endswith("REGEXP") and (fault := fault_of(assertion.expected)):
        notes.error(assertion.at, f"error parsing regexp: {fault}")
