"""Values of a template, with Go's types: how they print, compare, count as true and as a number.

JSON numbers are floats and print six decimals; whole numbers come from literals and filters.
Rule of this file: values are of these classes and no others, and no attribute of Python is reached.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.pongo2.go_text import number_in, octets
from floe.expr.pongo2.moments import Moment, printed
from floe.model.ids import Json
from floe.model.nouns import dataclass

INT_END: Final = 1 << 63
"""Whole numbers have 64 bits and wrap around."""


class SafeText(str):
    """A text that `autoescape on` leaves as it is."""

    __slots__ = ()


class SplitTexts(list[str]):
    """Texts that a filter made: Go's `[]string`."""

    __slots__ = ()


class PackLabels(dict[str, str]):
    """The labels of a pack: Go's `map[string]string`."""

    __slots__ = ()


class GoStruct:
    """A struct: its members by their exact names; others are empty."""

    __slots__ = ("members", "name")

    def __init__(self, name: str, members: dict[str, "Value"]) -> None:
        self.name, self.members = name, members


class Cycled:
    """The name that `cycle … as name` gives: it prints the last value; `cycle name` moves it."""

    __slots__ = ("move", "value")

    def __init__(self, value: "Value", move: Callable[..., None]) -> None:
        self.value = value
        self.move = move
        """Of this, a scope and an output: takes the next value."""


@dataclass(frozen=True, slots=True)
class TemplateFunction:
    """A function: it is called where its name is, with brackets or without."""

    name: str
    takes: tuple[str, ...] | None
    """The types of its arguments in Go, `any` for all; None for any number of any type."""
    run: Callable[..., "Value"]
    """Of the arguments and the rendering."""


Value = (
    None
    | bool
    | int
    | float
    | str
    | Sequence["Value"]
    | Mapping[str, "Value"]
    | GoStruct
    | Cycled
    | TemplateFunction
    | Moment
)
"""A value; a list is a `list`, a map is a `dict`."""


def from_json(value: Json) -> Value:
    """A value of JSON: its numbers become floats."""
    todo: list[tuple[dict[str, Value] | list[Value], Json]] = []

    def made(one: Json) -> Value:
        if isinstance(one, str | float | bool) or one is None:
            return one
        if isinstance(one, int):
            return _float(one)
        into: dict[str, Value] | list[Value] = {} if isinstance(one, Mapping) else []
        todo.append((into, one))
        return into

    top = made(value)
    while todo:
        into, source = todo.pop()
        if isinstance(into, list):
            assert isinstance(source, Sequence)
            into.extend(map(made, source))
        else:
            assert isinstance(source, Mapping)
            into.update((name, made(member)) for name, member in source.items())
    return top


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def go_type(value: Value) -> str:
    """The name of a value's type in Go."""
    if isinstance(value, GoStruct):
        return value.name
    if isinstance(value, TemplateFunction):
        return "func"
    return _TYPES.get(value.__class__, "string")


_TYPES: Final[Mapping[type, str]] = {
    type(None): "nil",
    bool: "bool",
    int: "int",
    float: "float64",
    str: "string",
    SplitTexts: "[]string",
    list: "[]interface {}",
    PackLabels: "map[string]string",
    dict: "map[string]interface {}",
    Moment: "time.Time",
    Cycled: "pongo2.tagCycleValue",
}


def is_number(value: Value) -> bool:
    """Whether a value is a whole number or a float."""
    return value.__class__ is int or value.__class__ is float


def text_of(value: Value) -> str:
    """A value as it prints. A list or map prints its type."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return float_text(value, 6)
    if isinstance(value, Moment):
        return printed(value)
    if isinstance(value, Cycled):
        return text_of(value.value)
    return f"<{go_type(value)} Value>"


def float_text(number: float, decimals: int) -> str:
    """A float with so many decimals."""
    if math.isfinite(number):
        return f"{number:.{decimals}f}"
    return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"


def is_true(value: Value) -> bool:
    """Whether a value counts as true: a number but 0, a text, list or map with something in it."""
    if isinstance(value, GoStruct | Cycled | Moment):
        return True
    return not isinstance(value, TemplateFunction) and bool(value)


def wrapped(number: int) -> int:
    """A whole number as 64 bits hold it."""
    return (number + INT_END) % (2 * INT_END) - INT_END


def truncated(number: float) -> int:
    """A float without its fraction; the least whole number if it is too large."""
    return int(number) if -INT_END <= number < INT_END else -INT_END


def integer_of(value: Value) -> int:
    """A value as a whole number; 0 if it is none."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    return truncated(float_of(value))


def float_of(value: Value) -> float:
    """A value as a float; 0 if it is no number."""
    if isinstance(value, bool):
        return 0.0
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        return number_in(value) or 0.0
    return 0.0


def length_of(value: Value) -> int:
    """The characters of a text, the elements of a list or map; 0 for all else."""
    return len(value) if isinstance(value, str | list | dict) else 0


def can_slice(value: Value) -> bool:
    """Whether a value has a first and a last element: a text or list."""
    return isinstance(value, str | list)


def element(value: Value, at: int) -> Value:
    """An element of a text or list; empty behind its end. Raises ExpressionError before it."""
    if at < 0:
        raise ExpressionError("an index cannot be negative")
    if isinstance(value, str):
        return value[at : at + 1]
    if isinstance(value, list):
        found: Value = value[at] if at < len(value) else None
        return found
    return None


def same(left: Value, right: Value) -> bool:
    """Whether two values are equal: of one type, or both whole. Raises ExpressionError."""
    if left is None or right is None:
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    if left.__class__ is not right.__class__:
        return False
    if isinstance(left, bool | int | float | Moment):
        return left == right
    if isinstance(left, GoStruct) and isinstance(right, GoStruct):
        if left.name != right.name or left.name.startswith("pongo2."):
            return left is right
        raise _uncomparable(left)
    if isinstance(left, Cycled):
        return left is right
    raise _uncomparable(left)


def _uncomparable(value: Value) -> ExpressionError:
    return ExpressionError(f"{named(value)} cannot be compared with another one")


def named(value: Value) -> str:
    """The kind of a value for a message, with its article."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list):
        return "a list"
    return "a map" if isinstance(value, dict) else f"a {go_type(value)}"


def contains(whole: Value, part: Value, fuel: Fuel) -> bool:
    """Whether a text has a part, a list an element, a map a key. Raises ExpressionError."""
    if isinstance(whole, str):
        fuel.search(len(whole))
        return text_of(part) in whole
    if isinstance(whole, list):
        fuel.spend(len(whole))
        return any(same(part, one) for one in whole)
    if isinstance(whole, dict):
        if part.__class__ is int:
            raise ExpressionError("a key of a map is a text, not a number")
        return isinstance(part, str) and part in whole
    return isinstance(whole, GoStruct) and text_of(part) in whole.members


def member(value: Value, name: str) -> Value:
    """What `.name` leads to; empty if there is none. Raises ExpressionError."""
    if isinstance(value, dict):
        found: Value = value.get(name)
        return found
    if isinstance(value, GoStruct):
        return value.members.get(name)
    raise ExpressionError(f"{named(value)} has no member `{name}`")


def numbered(value: Value, at: int) -> Value:
    """What `.0` leads to; empty behind the end. Raises ExpressionError."""
    if isinstance(value, str):
        data = octets(value[: at + 1])
        return data[at] if at < len(data) else None
    if isinstance(value, list):
        return element(value, at)
    raise ExpressionError(f"{named(value)} has no elements by number", f"|key:'{at}' reads a map")
