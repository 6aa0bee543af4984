"""Go's values in a template: which Python type carries which of Go's, and what Go calls it.

A text is a str whose bytes are UTF-8; other bytes are lone surrogates (`surrogateescape`). A whole
number is an int (Go's int), `Int64` or `Byte`; `NumberText` is a number of JSON as its exact text.
"""

from collections.abc import Mapping
from typing import Any, Final

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import DEPTH_MAX, Fuel

Value = Any
"""A value of Go. The signature of a function checks its arguments before the function gets them."""


class Absent:
    """What a missing key gives: Go's invalid value, which prints `<no value>`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<no value>"


ABSENT: Final = Absent()


class Int64(int):
    """Go's int64, which no parameter of type int takes."""

    __slots__ = ()


class Byte(int):
    """Go's uint8: an element of a text."""

    __slots__ = ()


class NumberText(str):
    """Go's json.Number: a number that is its text. No parameter of type text takes it."""

    __slots__ = ()


class TextList(list[str]):
    """Go's []string."""


class IntList(list[int]):
    """Go's []int."""


class ListOfLists(list[list[Value]]):
    """Go's [][]interface {}."""


class TextMap(dict[str, str]):
    """Go's map[string]string."""


class NilMap(dict[str, Value]):
    """Go's nil of the type map[string]interface {}: an empty map that takes nothing."""


class GoNamed:
    """A value of Go that has methods: a time, a duration, a version, a UUID."""

    __slots__ = ()
    go_type = ""
    go_kind = "struct"

    def text(self) -> str:
        """How Go prints it."""
        raise NotImplementedError

    def json(self) -> str:
        """The text of its JSON."""
        return self.text()

    def is_true(self) -> bool:
        """Whether `if` takes it for true."""
        return True


TYPES: Final[Mapping[type, tuple[str, str]]] = {
    str: ("string", "string"),
    NumberText: ("json.Number", "string"),
    bool: ("bool", "bool"),
    int: ("int", "int"),
    Int64: ("int64", "int64"),
    Byte: ("uint8", "uint8"),
    float: ("float64", "float64"),
    list: ("[]interface {}", "slice"),
    TextList: ("[]string", "slice"),
    IntList: ("[]int", "slice"),
    ListOfLists: ("[][]interface {}", "slice"),
    dict: ("map[string]interface {}", "map"),
    NilMap: ("map[string]interface {}", "map"),
    TextMap: ("map[string]string", "map"),
}
"""What Go calls the type and the kind of a value."""


def type_of(value: Value) -> str:
    """Go's name for the type of a value."""
    if value is None or value is ABSENT:
        return "<nil>"
    return value.go_type if isinstance(value, GoNamed) else TYPES[type(value)][0]


def kind_of(value: Value) -> str:
    """Go's name for the kind of a value."""
    if value is None or value is ABSENT:
        return "invalid"
    return value.go_kind if isinstance(value, GoNamed) else TYPES[type(value)][1]


def is_true(value: Value) -> bool:
    """Whether `if` takes a value for true: not empty and not zero."""
    return value.is_true() if isinstance(value, GoNamed) else value is not ABSENT and bool(value)


def is_empty(value: Value) -> bool:
    """Whether `default` takes a value for unset."""
    return not isinstance(value, GoNamed) and not is_true(value)


def is_list(value: Value) -> bool:
    """Whether a value is a list of any type."""
    return isinstance(value, list)


def in_order(value: Mapping[str, Value]) -> list[str]:
    """The keys of a map, sorted by their bytes."""
    if len(value) < 2:
        return list(value)
    if all(map(str.isascii, value)):
        return sorted(value)
    return sorted(value, key=bytes_of)


def bytes_of(text: str) -> bytes:
    """The bytes of a text."""
    return text.encode("utf-8", "surrogateescape" if text.isascii() or _plain(text) else "replace")


def _plain(text: str) -> bool:
    """Whether all lone surrogates stand for bytes."""
    return not any("\ud800" <= char <= "\udc7f" or "\udd00" <= char <= "\udfff" for char in text)


def text_of(data: bytes) -> str:
    """The text of bytes."""
    return data.decode("utf-8", "surrogateescape")


def as_utf8(text: str) -> str:
    """A text in which each byte that is no UTF-8 is U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text


def same(left: Value, right: Value, fuel: Fuel, depth: int = 0) -> bool:
    """Go's reflect.DeepEqual: equal in value and in type. Raises TooMuch."""
    fuel.spend(1)
    if type(left) is not type(right):
        return False
    deeper(depth)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(
            same(left[key], right[key], fuel, depth + 1) for key in left
        )
    if isinstance(left, list):
        return len(left) == len(right) and all(
            same(one, other, fuel, depth + 1) for one, other in zip(left, right, strict=True)
        )
    return bool(left == right)


def deeper(depth: int) -> None:
    """Refuse a value of too many levels. Raises TooMuch."""
    if depth > DEPTH_MAX:
        raise TooMuch(f"lists and maps have at most {DEPTH_MAX} levels")


def copied(value: Value, fuel: Fuel, depth: int = 0) -> Value:
    """A copy of a value and of all that is in it. Raises TooMuch."""
    fuel.spend(1)
    deeper(depth)
    if isinstance(value, dict):
        return type(value)({key: copied(one, fuel, depth + 1) for key, one in value.items()})
    if isinstance(value, list):
        return type(value)([copied(one, fuel, depth + 1) for one in value])
    return value


INT64_END: Final = 1 << 63


def wrapped(number: int) -> int:
    """A whole number of any size as one of 64 bits, as Go computes."""
    return (number + INT64_END) % (1 << 64) - INT64_END


def wrong_type(expected: str, value: Value) -> ExpressionError:
    """The error of an argument."""
    if value is ABSENT:
        return ExpressionError(f"invalid value; expected {expected}")
    got = "interface {}" if value is None else type_of(value)
    return ExpressionError(f"wrong type for value; expected {expected}; got {got}")
