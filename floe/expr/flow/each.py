"""Filters that apply a filter or test to each element: `map`, `select`, `reject`, `selectattr`.

The name of the filter or test is quoted text in the expression, never a value.
"""

from collections.abc import Callable, Sequence
from typing import Final

from floe.expr.errors import ExpressionError, Missing
from floe.expr.flow.list_filters import member
from floe.expr.flow.operators import holds
from floe.expr.fuel import Fuel
from floe.expr.patterns import (
    EXPRESSION_BYTES_MAX,
    EXPRESSION_SIZE_MAX,
    SmallPattern,
    fault_of,
)
from floe.expr.values import kind_of, named
from floe.model.ids import Json

EACH: Final = ("map", "select", "reject", "selectattr")

OPERATORS: Final = {
    **{sign: sign for sign in ("==", "!=", "<", "<=", ">", ">=", "in")},
    "equalto": "==",
}
"""Tests of two values."""

TESTS: Final = ("defined", "matching", *OPERATORS)
"""Tests that `select`, `reject` and `selectattr` know; `is` knows the first two."""


APPLIED: Final = 4
"""Units that an element costs, beside what its filter or test costs."""

MATCHED: Final = 16
"""Steps of a pattern that one unit pays for."""


def matching(text: str) -> Callable[[Json, Fuel], bool]:
    """A test of each element: whether a pattern matches a whole text. Raises ExpressionError."""
    if why := fault_of(text, EXPRESSION_SIZE_MAX, EXPRESSION_BYTES_MAX):
        raise ExpressionError(f"the pattern cannot be read: {why}", "the syntax is RE2's")
    pattern = SmallPattern(text)

    def matches(value: Json, fuel: Fuel) -> bool:
        if not isinstance(value, str):
            raise ExpressionError(f"`matching` takes a text, not {named(kind_of(value))}")
        fuel.spend(len(value) * pattern.size // MATCHED)
        return pattern.is_match(value)

    return matches


def mapped(value: Sequence[Json], change: Callable[[Json, Fuel], Json], fuel: Fuel) -> Json:
    """Each element by a filter or attribute."""
    found: list[Json] = []
    for one in value:
        fuel.spend(APPLIED)
        found.append(change(one, fuel))
    return found


def selected(
    value: Sequence[Json],
    test: Callable[[Json, Fuel], bool],
    fuel: Fuel,
    *,
    attribute: str = "",
    asks_defined: bool = False,
    kept: bool = True,
) -> Json:
    """Each element of which a test is true, or is not; of its attribute, if one is given."""
    found: list[Json] = []
    for one in value:
        fuel.spend(APPLIED)
        try:
            is_true = test(member(one, attribute) if attribute else one, fuel)
        except Missing:
            if not asks_defined:
                raise
            is_true = False
        if is_true == kept:
            found.append(one)
    return found


def compared(sign: str, other: Json) -> Callable[[Json, Fuel], bool]:
    """A test of each element: compares it with a value."""
    return lambda value, fuel: holds(sign, value, other, fuel)
