"""JSON values in expressions, the same for every interpreter: types, equality, text, size."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeGuard

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import DEPTH_MAX, RESULT_BYTES_MAX, Fuel
from floe.model.ids import Json
from floe.model.number import NUMBER_END

Kind = Literal["null", "bool", "number", "text", "list", "map"]
"""A type of JSON."""

KINDS: Final[tuple[Kind, ...]] = ("null", "bool", "number", "text", "list", "map")

_KINDS: Final[Mapping[type, Kind]] = {
    type(None): "null",
    bool: "bool",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    tuple: "list",
    dict: "map",
}
_dumps: Final = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, check_circular=False, allow_nan=False, default=dict
).encode


def kind_of(value: object) -> Kind:
    """The type of a value. Raises ExpressionError for what is not JSON."""
    if kind := _KINDS.get(value.__class__):
        return kind
    if isinstance(value, Mapping):
        return "map"
    raise ExpressionError(f"a {type(value).__name__} is no JSON")


def named(kind: Kind) -> str:
    """A type of value with its article, for a message."""
    return kind if kind == "null" else f"a {kind}"


def listed(kinds: Sequence[Kind]) -> str:
    """Types of values for a message: `a text, a list or a map`."""
    *most, last = [named(kind) for kind in kinds]
    return f"{', '.join(most)} or {last}" if most else last


def is_number(value: Json) -> TypeGuard[int | float]:
    """Whether a value is a number; true and false are none."""
    return value.__class__ is int or value.__class__ is float


def is_list(value: Json) -> TypeGuard[Sequence[Json]]:
    """Whether a value is a list."""
    return isinstance(value, list | tuple)


def exact(number: int | float) -> int | float:
    """A number as a value: finite and, if it is whole, of 64 bits. Raises ExpressionError."""
    fits = math.isfinite(number) if isinstance(number, float) else _fits(number)
    if not fits:
        raise ExpressionError("a number is too large", "whole numbers have at most 64 bits")
    return number


def _fits(number: int) -> bool:
    return -NUMBER_END < number < NUMBER_END


def same(left: Json, right: Json, fuel: Fuel) -> bool:
    """Whether two values are equal: never if their types differ, so 1 is not true and not '1'."""
    if isinstance(left, str) and isinstance(right, str):
        fuel.search(len(left))
        return left == right
    kind = kind_of(left)
    if kind != kind_of(right):
        return False
    if kind not in ("list", "map"):
        return left == right
    pairs: list[tuple[Json, Json]] = [(left, right)]
    while pairs:
        one, other = pairs.pop()
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            fuel.spend(len(one))
            if one.keys() != other.keys():
                return False
            pairs += [(one[key], other[key]) for key in one]
        elif is_list(one) and is_list(other):
            fuel.spend(len(one))
            if len(one) != len(other):
                return False
            pairs += zip(one, other, strict=True)
        elif kind_of(one) != kind_of(other) or one != other:
            return False
    return True


def as_text(value: Json, fuel: Fuel) -> str:
    """A value in a text: a text as it is, all else as compact JSON; null is an ExpressionError."""
    if isinstance(value, str):
        return value
    if value is None:
        raise ExpressionError("null has no text", "|default('…') gives a value instead")
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(exact(value)) if isinstance(value, int | float) else as_json(value, fuel)


def as_json(value: Json, fuel: Fuel) -> str:
    """Compact JSON text of a value. Raises ExpressionError."""
    fuel.make(size(value, fuel))
    return _dumps(value)


def size(value: Json, fuel: Fuel) -> int:
    """Bytes of a value as JSON, without escapes. Raises ExpressionError if it is no result."""
    total, level, depth = 0, [value], 0
    while level:
        depth += 1
        if depth > DEPTH_MAX:
            raise ExpressionError(f"lists and maps have at most {DEPTH_MAX} levels")
        deeper: list[Json] = []
        for one in level:
            total += _own_size(one)
            if total > RESULT_BYTES_MAX:
                raise TooMuch("the value has more than 1 MiB as JSON")
            if isinstance(one, Mapping):
                fuel.spend(2 * len(one))
                deeper += one.keys()
                deeper += one.values()
            elif is_list(one):
                fuel.spend(len(one))
                deeper += one
        level = deeper
    return total


def _own_size(value: Json) -> int:
    """The bytes of a value without those of its elements."""
    match value:
        case str():
            return 3 + (len(value) if value.isascii() else len(value.encode(errors="replace")))
        case bool() | None:
            return 5
        case int():
            return len(str(exact(value))) + 1
        case float():
            return len(repr(exact(value))) + 1
        case _:
            kind_of(value)
            return 2
