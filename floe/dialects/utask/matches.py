"""Evaluates the conditions of a step: which of them are met, with their messages."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from floe.dialects.utask.document import THIS, Assertion, UtaskCondition
from floe.dialects.utask.texts import Render, render_compared
from floe.expr.byte_patterns import BytesPattern
from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.gotext.numbers import read_int

_INT32: Final = 1 << 31
_SEPARATOR: Final = ","
_PATTERN_FUEL: Final = 1_000_000


class Match(NamedTuple):
    """A condition that is met: the states that it sets by step, and its message."""

    states: Mapping[str, str]
    message: str
    final: bool


def matches(
    conditions: Iterable[UtaskCondition], kind: str, step: str, render: Render
) -> Iterator[Match]:
    """The conditions of a kind that are met, in order, up to a final one.

    The caller applies each before it takes the next, which sees the new states. Raises
    ExpressionError if a condition cannot be evaluated.
    """
    for condition in conditions:
        if condition.type != kind or not all(_holds(one, render) for one in condition.assertions):
            continue
        states = {
            step if target == THIS else target: state.text
            for target, state in condition.then.items()
        }
        yield Match(states, _message(condition.message, render), condition.final)
        if condition.final:
            return


def _message(text: str, render: Render) -> str:
    """A message; a mistake in it is told in it."""
    try:
        return render(text)
    except ExpressionError as error:
        return f"{text} (TEMPLATING ERROR: {error.what})"


def _holds(assertion: Assertion, render: Render) -> bool:
    value = render_compared(assertion.value, render)
    expected = render_compared(assertion.expected, render)
    match assertion.operator.upper():
        case "EQ":
            return value == expected
        case "NE":
            return value != expected
        case "REGEXP":
            return _is_found(expected, value)
        case "NOTREGEXP":
            return not _is_found(expected, value)
        case "IN" | "NOTIN" as operator:
            separator = assertion.list_separator or _SEPARATOR
            items = [item.strip() for item in value.split(separator)]
            return (expected in items) == (operator == "IN")
        case operator:
            return _is_ordered(operator, _number(value), _number(expected))


def _is_ordered(operator: str, value: int, expected: int) -> bool:
    match operator:
        case "GT":
            return value > expected
        case "LT":
            return value < expected
        case "GE":
            return value >= expected
        case "LE":
            return value <= expected
        case _:
            raise ExpressionError(f"unknown condition operator {operator}")


def _number(text: str) -> int:
    number = read_int(text, 10)
    if number is None or not -_INT32 <= number < _INT32:
        raise ExpressionError("a comparison needs two whole numbers of 32 bits")
    return number


def _is_found(pattern: str, text: str) -> bool:
    fuel = Fuel(_PATTERN_FUEL)
    data = text.encode(errors="replace")
    return BytesPattern(pattern.encode(errors="replace"), fuel).search(data, 0, fuel) is not None
