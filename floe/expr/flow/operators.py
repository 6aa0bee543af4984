"""Operators: what each takes, and what it comes to. Each pays before it makes anything."""

import operator
from collections.abc import Callable, Mapping
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.values import (
    Kind,
    as_text,
    exact,
    is_list,
    is_number,
    kind_of,
    named,
    same,
)
from floe.model.ids import Json

_NUMBERS: Final[Mapping[str, Callable[[int | float, int | float], int | float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_ORDERS: Final[Mapping[str, Callable[[object, object], bool]]] = {
    "<": operator.lt,  # type: ignore[dict-item]  # of two numbers or two texts
    "<=": operator.le,  # type: ignore[dict-item]
    ">": operator.gt,  # type: ignore[dict-item]
    ">=": operator.ge,  # type: ignore[dict-item]
}
_ORDERED: Final = frozenset({("number", "number"), ("text", "text")})
_ADDED: Final = _ORDERED | {("list", "list")}
_INSIDE: Final = frozenset({("text", "text"), ("text", "map")})


def fault_of(sign: str, left: Kind, right: Kind) -> str:
    """Why an operator does not take two types; empty if it does."""
    both = (left, right)
    match sign:
        case "+":
            due, fits = "two numbers, two texts or two lists", both in _ADDED
        case "-" | "*" | "/" | "//" | "%":
            due, fits = "two numbers", both == ("number", "number")
        case "<" | "<=" | ">" | ">=":
            due, fits = "two numbers or two texts", both in _ORDERED
        case "in" | "not in":
            due, fits = "a value and a list, or a text and a text or a map", False
            fits = right == "list" or both in _INSIDE
        case "~":
            due, fits = "values that have a text", "null" not in both
        case _:
            return ""
    return "" if fits else f"`{sign}` takes {due}, not {named(left)} and {named(right)}"


def computed(sign: str, left: Json, right: Json, fuel: Fuel) -> Json:
    """What the operators `+ - * / // %` make of two values. Raises ExpressionError."""
    if is_number(left) and is_number(right):
        try:
            return exact(_NUMBERS[sign](left, right))
        except ZeroDivisionError:
            raise ExpressionError("a number is divided by zero") from None
        except OverflowError:
            raise ExpressionError("a number is too large") from None
    _check(sign, left, right)
    if isinstance(left, str) and isinstance(right, str):
        fuel.make(len(left) + len(right))
        return left + right
    assert is_list(left), "`+` takes two lists"
    assert is_list(right)
    fuel.spend(len(left) + len(right))
    return [*left, *right]


def joined(values: list[Json], fuel: Fuel) -> str:
    """What the operator `~` makes of values. Raises ExpressionError."""
    texts = [as_text(value, fuel) for value in values]
    fuel.make(sum(map(len, texts)))
    return "".join(texts)


def holds(sign: str, left: Json, right: Json, fuel: Fuel) -> bool:
    """What a comparison operator makes of two values. Raises ExpressionError."""
    match sign:
        case "==":
            return same(left, right, fuel)
        case "!=":
            return not same(left, right, fuel)
        case "in":
            return _is_in(sign, left, right, fuel)
        case "not in":
            return not _is_in(sign, left, right, fuel)
        case _:
            _check(sign, left, right)
            fuel.search(len(left) if isinstance(left, str) else 0)
            return _ORDERS[sign](left, right)


def _is_in(sign: str, left: Json, right: Json, fuel: Fuel) -> bool:
    _check(sign, left, right)
    if is_list(right):
        for one in right:
            fuel.spend(1)
            if same(left, one, fuel):
                return True
        return False
    assert isinstance(right, str | Mapping), "of these a text may be a part"
    if isinstance(right, str):
        fuel.search(len(right))
    return left in right


def _check(sign: str, left: Json, right: Json) -> None:
    if fault := fault_of(sign, kind_of(left), kind_of(right)):
        raise ExpressionError(fault)
