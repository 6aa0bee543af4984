"""The operators of expressions, with the numbers of Go: 64 bits, and floats that divide by 0."""

import math

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.pongo2.moments import Moment
from floe.expr.pongo2.values import (
    Cycled,
    GoStruct,
    TemplateFunction,
    Value,
    contains,
    float_of,
    integer_of,
    is_number,
    named,
    same,
    wrapped,
)


def compared(sign: str, left: Value, right: Value, fuel: Fuel) -> bool:
    """Whether `left sign right` holds; an order is one of numbers. Raises ExpressionError."""
    if sign in ("==", "!="):
        if isinstance(left, str):
            fuel.search(len(left))
        return same(left, right) == (sign == "==")
    if sign == "in":
        return contains(right, left, fuel)
    one, other = _numbers(left, right)
    if sign == "<":
        return one < other
    if sign == ">":
        return one > other
    return one <= other if sign == "<=" else one >= other


def computed(sign: str, left: Value, right: Value) -> int | float:
    """What `left sign right` comes to; what is no number is 0. Raises ExpressionError."""
    if sign == "^":
        return _power(float_of(left), float_of(right))
    if sign == "%":
        return _remainder(integer_of(left), integer_of(right))
    one, other = _numbers(left, right)
    if sign == "/":
        if isinstance(one, int) and isinstance(other, int):
            return _quotient(one, other)
        return _divided(one, other)
    made = one + other if sign == "+" else one - other if sign == "-" else one * other
    return wrapped(made) if isinstance(made, int) else made


def _numbers(left: Value, right: Value) -> tuple[int, int] | tuple[float, float]:
    """Both as floats if either is one, else both as whole numbers."""
    if left.__class__ is float or right.__class__ is float:
        return float_of(left), float_of(right)
    return integer_of(left), integer_of(right)


def _quotient(one: int, other: int) -> int:
    if not other:
        raise ExpressionError("a whole number cannot be divided by 0")
    whole = abs(one) // abs(other)
    return wrapped(whole if (one < 0) == (other < 0) else -whole)


def _remainder(one: int, other: int) -> int:
    if not other:
        raise ExpressionError("a whole number cannot be divided by 0")
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


def _divided(one: float, other: float) -> float:
    if other:
        return one / other
    if not one or math.isnan(one):
        return math.nan
    return math.copysign(math.inf, one) * math.copysign(1.0, other)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        if base:
            return math.nan
        return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf


def minus(value: Value) -> int | float:
    """A number with the other sign. Raises ExpressionError."""
    if isinstance(value, float):
        return -1 * value
    if isinstance(value, int) and is_number(value):
        return wrapped(-value)
    raise ExpressionError(f"`-` needs a number, not {named(value)}")


def negated(value: Value) -> Value:
    """`not` of a value: of a number it is a number."""
    if isinstance(value, float):
        return 0.0 if value else 1.1
    if isinstance(value, int) and is_number(value):
        return 0 if value else 1
    if isinstance(value, GoStruct | Cycled | Moment | TemplateFunction):
        return False
    return not value
