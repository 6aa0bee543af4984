"""Functions of numbers: whole ones of 64 bits, fractions, sequences.

Source: https://masterminds.github.io/sprig/math.html, /mathf.html, /integer_slice.html.
"""

import math
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Final

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import Fuel
from floe.expr.gotext.calls import Function, Scope, function
from floe.expr.gotext.go_values import INT64_END, Int64, IntList, Value, wrapped
from floe.expr.gotext.numbers import digits_of, read_int64, to_float, to_int64
from floe.expr.gotext.text_functions import as_text

ELEMENTS_MAX: Final = 100_000
"""Of a sequence of numbers."""

_PRECISE: Final = Context(prec=400)
_DIVISION_PLACES: Final = Decimal("1e-16")


def _folded(fold: Callable[[int, int], int], *, start: int | None = None) -> Function:
    """A function that goes over its arguments as whole numbers."""

    def compute(_: Scope, *values: Value) -> Int64:
        numbers = [to_int64(value) for value in values]
        total = numbers.pop(0) if start is None else start
        for number in numbers:
            total = wrapped(fold(total, number))
        return Int64(total)

    return function("any..." if start is not None else "any any...", compute)


def _divided(left: int, right: int) -> int:
    """Go's division, towards zero."""
    size = abs(left) // abs(right)
    return size if (left < 0) == (right < 0) else -size


def _remainder(left: int, right: int) -> int:
    size = abs(left) % abs(right)
    return -size if left < 0 else size


def _pair(compute: Callable[[int, int], int]) -> Function:
    return function(
        "any any",
        lambda _, left, right: Int64(wrapped(compute(to_int64(left), to_int64(right)))),
    )


def _exact(number: float) -> Decimal:
    """A fraction by its shortest digits, as Go's decimal reads it. Raises ExpressionError."""
    if not math.isfinite(number):
        raise ExpressionError("Cannot create a Decimal from NaN or Inf")
    digits, point = digits_of(number)
    sign = "-" if number < 0 else ""
    return Decimal(f"{sign}{digits}e{point - len(digits)}")


def _divided_exactly(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise ExpressionError("decimal division by 0")
    return _PRECISE.quantize(_PRECISE.divide(left, right), _DIVISION_PLACES)


def _of_fractions(
    fold: Callable[[Decimal, Decimal], Decimal], *, start: float | None = None
) -> Function:
    """A function that goes over its arguments as decimal fractions."""

    def compute(_: Scope, *values: Value) -> float:
        numbers = [_exact(to_float(value)) for value in values]
        total = numbers.pop(0) if start is None else _exact(start)
        for number in numbers:
            total = fold(total, number)
        return float(total)

    return function("any..." if start is not None else "any any...", compute)


def _chosen(choose: Callable[[float, float], float]) -> Function:
    def compute(_: Scope, *values: Value) -> float:
        numbers = [to_float(value) for value in values]
        if any(map(math.isnan, numbers)):
            return math.nan
        total = numbers[0]
        for number in numbers[1:]:
            total = choose(total, number)
        return total

    return function("any any...", compute)


def _rounded(_: Scope, value: Value, places: int, *on: float) -> float:
    number = to_float(value)
    limit = on[0] if on else 0.5
    try:
        power = 10.0**places
    except OverflowError:
        power = math.inf
    digit = power * number
    if not math.isfinite(digit) or not power:
        return math.nan if math.isinf(power) or not power else digit / power
    fraction = math.modf(digit)[0]
    whole = math.ceil(digit) if fraction >= limit else math.floor(digit)
    return float(whole) / power


def _whole(round_to: Callable[[float], int]) -> Function:
    def compute(_: Scope, value: Value) -> float:
        number = to_float(value)
        if not math.isfinite(number):
            return number
        return math.copysign(float(round_to(number)), number)

    return function("any", compute)


def steps(start: int, stop: int, step: int, fuel: Fuel) -> IntList:
    """Numbers from a start to before a stop; none if the step leads away. Raises TooMuch."""
    if not step or (stop < start) != (step < 0):
        return IntList()
    numbers = range(start, stop, step)
    if abs(stop - start) // abs(step) > ELEMENTS_MAX:
        raise TooMuch(f"a sequence has at most {ELEMENTS_MAX} numbers")
    fuel.spend(len(numbers))
    return IntList(numbers)


def _until(scope: Scope, count: int) -> IntList:
    return steps(0, count, -1 if count < 0 else 1, scope.fuel)


def _seq(scope: Scope, *given: int) -> str:
    match given:
        case (end,):
            start, step = 1, -1 if end < 1 else 1
        case (start, end):
            step = -1 if end < start else 1
        case (start, step, end):
            if end < start and step > 0:
                return ""
        case _:
            return ""
    past = (-1 if end < start else 1) if len(given) != 2 else step
    return " ".join(map(str, steps(start, end + past, step, scope.fuel)))


def _octal(scope: Scope, value: Value) -> Int64:
    return Int64(read_int64(as_text(value, scope.fuel), 8) or 0)


def _atoi(_: Scope, text: str) -> int:
    number = read_int64(text, 10)
    if number is not None:
        return number
    is_number = text[:1] in "+-0123456789" and text.lstrip("+-").isdecimal() and len(text) > 18
    return (-INT64_END if text[0] == "-" else INT64_END - 1) if is_number else 0


NUMBERS: Final[dict[str, Function]] = {
    "add": _folded(lambda left, right: left + right, start=0),
    "add1": function("any", lambda _, value: Int64(wrapped(to_int64(value) + 1))),
    "add1f": function("any", lambda _, value: float(_exact(to_float(value)) + 1)),
    "addf": _of_fractions(_PRECISE.add, start=0.0),
    "atoi": function("text", _atoi),
    "biggest": _folded(max),
    "ceil": _whole(math.ceil),
    "div": _pair(_divided),
    "divf": _of_fractions(_divided_exactly),
    "float64": function("any", lambda _, value: to_float(value)),
    "floor": _whole(math.floor),
    "int": function("any", lambda _, value: to_int64(value)),
    "int64": function("any", lambda _, value: Int64(to_int64(value))),
    "max": _folded(max),
    "maxf": _chosen(max),
    "min": _folded(min),
    "minf": _chosen(min),
    "mod": _pair(_remainder),
    "mul": _folded(lambda left, right: left * right),
    "mulf": _of_fractions(_PRECISE.multiply),
    "round": function("any int float...", _rounded),
    "seq": function("int...", _seq),
    "sub": _pair(lambda left, right: left - right),
    "subf": _of_fractions(_PRECISE.subtract),
    "toDecimal": function("any", _octal),
    "until": function("int", _until),
    "untilStep": function(
        "int int int", lambda scope, start, stop, step: steps(start, stop, step, scope.fuel)
    ),
}
