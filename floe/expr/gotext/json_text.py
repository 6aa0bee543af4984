"""JSON as Go's encoding/json writes and reads it in templates."""

import json
import math
import re
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.gotext.go_values import (
    ABSENT,
    GoNamed,
    NumberText,
    Value,
    as_utf8,
    deeper,
    in_order,
)
from floe.expr.gotext.numbers import json_float
from floe.expr.values import size

_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_ESCAPES: Final = {
    "&": "\\u0026",
    "<": "\\u003c",
    ">": "\\u003e",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
_LINES: Final = {"\u2028": "\\u2028", "\u2029": "\\u2029"}


class JsonWriter:
    """Writes values; with or without escapes for HTML, in one line or indented by two."""

    def __init__(self, fuel: Fuel, *, is_for_html: bool = True, indent: str = "") -> None:
        self._fuel, self._indent = fuel, indent
        self._escapes = str.maketrans(_ESCAPES if is_for_html else _LINES)

    def write(self, value: Value, depth: int = 0) -> str:
        """The text of a value. Raises ExpressionError if it has none."""
        self._fuel.spend(1)
        if value is None or value is ABSENT:
            return "null"
        if isinstance(value, NumberText):
            if value and not _NUMBER.fullmatch(value):
                raise ExpressionError("json: invalid number literal")
            return str(value) or "0"
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(int(value))
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ExpressionError("json: unsupported value")
            return json_float(value)
        if isinstance(value, GoNamed):
            return value.json()
        deeper(depth)
        return self._many(value, depth + 1)

    def text(self, text: str) -> str:
        """A text in quotes."""
        self._fuel.make(len(text))
        return json.dumps(as_utf8(text), ensure_ascii=False).translate(self._escapes)

    def _many(self, value: Value, depth: int) -> str:
        if isinstance(value, dict):
            colon = ": " if self._indent else ":"
            parts = [
                f"{self.text(key)}{colon}{self.write(value[key], depth)}" for key in in_order(value)
            ]
            opened, closed = "{}"
        else:
            parts = [self.write(one, depth) for one in value]
            opened, closed = "[]"
        self._fuel.make(sum(map(len, parts)) + len(parts))
        if not self._indent or not parts:
            return f"{opened}{','.join(parts)}{closed}"
        line = "\n" + self._indent * depth
        self._fuel.make((len(parts) + 1) * len(line))
        return f"{opened}{line}{f',{line}'.join(parts)}\n{self._indent * (depth - 1)}{closed}"


def _refuse(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("out of range")
    return number


_floats: Final = json.JSONDecoder(
    parse_float=_finite, parse_int=_finite, parse_constant=_refuse
).decode
_exact: Final = json.JSONDecoder(
    parse_float=NumberText, parse_int=NumberText, parse_constant=_refuse
)


def read_json(text: str, fuel: Fuel) -> Value:
    """A value of JSON, its numbers as floats. Raises ExpressionError."""
    fuel.make(len(text))
    try:
        value = _floats(as_utf8(text))
    except (ValueError, RecursionError) as error:
        raise ExpressionError("the text is no JSON") from error
    size(value, fuel)
    return _without_surrogates(value) if "\\u" in text else value


def read_exact(text: str, fuel: Fuel) -> Value:
    """The first value of JSON in a text, its numbers as exact texts. Raises ExpressionError."""
    fuel.make(len(text))
    try:
        value, _ = _exact.raw_decode(as_utf8(text).lstrip(" \t\r\n"))
    except (ValueError, RecursionError) as error:
        raise ExpressionError("the text is no JSON") from error
    size(value, fuel)
    return _without_surrogates(value) if "\\u" in text else value


def _without_surrogates(value: Value) -> Value:
    """A value in which no escape stands for half a character."""
    if isinstance(value, str):
        return value if isinstance(value, NumberText) else as_utf8(value)
    if isinstance(value, list):
        return [_without_surrogates(one) for one in value]
    if isinstance(value, dict):
        return {as_utf8(key): _without_surrogates(one) for key, one in value.items()}
    return value
