"""Go's own functions: comparisons, `index`, `len`, printing, escapes."""

from collections.abc import Callable, Sequence
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.gotext.calls import Function, Scope, function
from floe.expr.gotext.go_values import (
    ABSENT,
    Byte,
    GoNamed,
    TextMap,
    Value,
    bytes_of,
    is_true,
    kind_of,
    same,
    type_of,
)
from floe.expr.gotext.printing import byte_count, print_line, print_together
from floe.expr.gotext.times import GoDuration, Ordinal
from floe.expr.gotext.verbs import formatted

_BASIC: Final = {
    "bool": "bool",
    "int": "int",
    "int64": "int",
    "uint8": "int",
    "float64": "float",
    "string": "text",
}
"""Kinds that can be compared with each other; an int with a uint too."""


def _basic(value: Value) -> str:
    return _BASIC.get(kind_of(value), "")


def _number_of(value: Value) -> Value:
    """What is compared: a duration or a month is a number."""
    if isinstance(value, GoDuration):
        return value.ns
    return value.number if isinstance(value, Ordinal) else value


def equal(first: Value, others: Sequence[Value], fuel: Fuel) -> bool:
    """Whether the first argument equals any other one. Raises ExpressionError."""
    if not others:
        raise ExpressionError("missing argument for comparison")
    return any(_is_same(first, other, fuel) for other in others)


def _is_same(left: Value, right: Value, fuel: Fuel) -> bool:
    one, other = _basic(left), _basic(right)
    is_nil = [value is None or value is ABSENT for value in (left, right)]
    if one != other:
        if not any(is_nil):
            raise ExpressionError("incompatible types for comparison")
        return False
    if one:
        if isinstance(left, str):
            fuel.search(len(left))
            return str(left) == str(right)
        return bool(_number_of(left) == _number_of(right))
    if any(is_nil):
        return all(is_nil)
    for value in (left, right):
        if isinstance(value, list | dict):
            raise ExpressionError(f"non-comparable type {type_of(value)}")
    return same(left, right, fuel)


def _order(sign: Callable[[Value, Value], bool]) -> Function:
    """`lt` and its like."""

    def compute(scope: Scope, left: Value, right: Value) -> bool:
        one, other = _basic(left), _basic(right)
        if not one or not other or one == other == "bool":
            raise ExpressionError("invalid type for comparison")
        if one != other:
            raise ExpressionError("incompatible types for comparison")
        if isinstance(left, str):
            scope.fuel.search(len(left))
            return sign(bytes_of(left), bytes_of(right))
        return sign(_number_of(left), _number_of(right))

    return function("raw raw", compute)


def index(value: Value, keys: Sequence[Value]) -> Value:
    """An element of lists, maps and texts, by one key after another. Raises ExpressionError."""
    if value is None or value is ABSENT:
        raise ExpressionError("index of untyped nil")
    for key in keys:
        if value is None:
            raise ExpressionError("index of nil pointer")
        if isinstance(value, dict):
            value = _of_map(value, key)
        elif isinstance(value, list):
            value = value[_position(key, len(value))]
        elif isinstance(value, str):
            value = Byte(bytes_of(value)[_position(key, byte_count(value))])
        else:
            raise ExpressionError(f"can't index item of type {type_of(value)}")
    return value


def _of_map(value: Value, key: Value) -> Value:
    if type(key) is not str:
        got = "nil" if key is None or key is ABSENT else type_of(key)
        raise ExpressionError(f"value has type {got}; should be string")
    return value.get(key, "" if isinstance(value, TextMap) else None)


def _position(key: Value, count: int) -> int:
    if key is None or key is ABSENT:
        raise ExpressionError("cannot index slice/array with nil")
    if not isinstance(key, int) or isinstance(key, bool):
        raise ExpressionError(f"cannot index slice/array with type {type_of(key)}")
    if not 0 <= key < count:
        raise ExpressionError(f"index out of range: {int(key)}")
    return int(key)


def length(value: Value) -> int:
    """The elements of a list or map, the bytes of a text. Raises ExpressionError."""
    if isinstance(value, str):
        return byte_count(value)
    if isinstance(value, list | dict):
        return len(value)
    if isinstance(value, GoNamed) and value.go_kind == "array":
        return 16
    if value is None or value is ABSENT:
        raise ExpressionError("len of nil pointer")
    raise ExpressionError(f"len of type {type_of(value)}")


_HTML: Final = str.maketrans(
    {'"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd"}
)
_JS: Final = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "<": "\\u003C",
    ">": "\\u003E",
    "&": "\\u0026",
    "=": "\\u003D",
}


def _js(char: str) -> str:
    if char in _JS:
        return _JS[char]
    if char < " ":
        return f"\\u00{ord(char):02X}"
    return char if char.isascii() or char.isprintable() else f"\\u{ord(char):04X}"


_PLAIN_IN_URL: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
)


def query_escaped(text: str) -> str:
    """A text as a part of a query: a space as `+`, other bytes as `%20`."""
    return "".join(
        chr(byte) if byte in _PLAIN_IN_URL else "+" if byte == 32 else f"%{byte:02X}"
        for byte in bytes_of(text)
    )


def _escaping(escape: Callable[[str], str]) -> Function:
    """A function that escapes what `print` would make of its arguments."""

    def compute(scope: Scope, *values: Value) -> str:
        given = [None if value is ABSENT else value for value in values]
        text = given[0] if len(given) == 1 and type(given[0]) is str else None
        if text is None:
            shown = [
                one if isinstance(one, str) else "<no value>" if one is None else one
                for one in given
            ]
            text = print_together(shown, scope.fuel)
        scope.fuel.make(6 * len(text))
        return escape(text)

    return function("any...", compute)


def _call(scope: Scope, called: Value, *_: Value) -> Value:
    raise ExpressionError(
        "call of nil" if called in (None, ABSENT) else f"non-function of type {type_of(called)}"
    )


GO: Final[dict[str, Function]] = {
    "and": function("raw...", lambda _, *values: values[-1]),
    "call": function("raw raw...", _call),
    "eq": function("raw raw...", lambda scope, one, *more: equal(one, more, scope.fuel)),
    "ge": _order(lambda left, right: left >= right),
    "gt": _order(lambda left, right: left > right),
    "html": _escaping(lambda text: text.translate(_HTML)),
    "index": function("raw raw...", lambda _, value, *keys: index(value, keys)),
    "js": _escaping(lambda text: "".join(map(_js, text))),
    "le": _order(lambda left, right: left <= right),
    "len": function("raw", lambda _, value: length(value)),
    "lt": _order(lambda left, right: left < right),
    "ne": function("raw raw", lambda scope, one, two: not equal(one, [two], scope.fuel)),
    "not": function("raw", lambda _, value: not is_true(value)),
    "or": function("raw...", lambda _, *values: values[-1]),
    "print": function("any...", lambda scope, *values: print_together(values, scope.fuel)),
    "printf": function(
        "text any...", lambda scope, form, *values: formatted(form, values, scope.fuel)
    ),
    "println": function("any...", lambda scope, *values: print_line(values, scope.fuel)),
    "urlquery": _escaping(query_escaped),
}
