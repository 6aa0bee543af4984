"""The functions of flyte that each template has (`template` is in template.py), and instants.

Rule of this file: a function refuses what is not of the type that it takes, as in flyte.
"""

import json
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Never, cast

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import Fuel
from floe.expr.pongo2.go_text import from_octets, octets
from floe.expr.pongo2.moments import Moment, formatted, printed, zero_is
from floe.expr.pongo2.scope import Rendering
from floe.expr.pongo2.values import TemplateFunction, Value, from_json, go_type
from floe.model.ids import Json

DEPTH_MAX: Final = 8
"""Of templates and macros inside one another."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASE_64: Final = re.compile(r"[A-Za-z0-9_-]*")
_JSON_TYPES: Final = ("application/json", "text/json")
_KINDS: Final = {
    "int": "a whole number",
    "string": "a text",
    "map[string]interface {}": "a map",
    "time.Time": "an instant",
}


def called(function: TemplateFunction, arguments: Sequence[Value], rendering: Rendering) -> Value:
    """What a function gives. Raises ExpressionError."""
    takes = function.takes
    if takes is not None:
        if len(arguments) != len(takes):
            what = f"`{function.name}` takes {len(takes)} arguments, not {len(arguments)}"
            raise ExpressionError(what)
        for kind, argument in zip(takes, arguments, strict=True):
            if kind not in ("any", go_type(argument)):
                hint = "|integer makes a whole number" if kind == "int" else ""
                raise ExpressionError(f"`{function.name}` takes {_KINDS[kind]} here", hint)
    return function.run(*arguments, rendering)


def deeper(rendering: Rendering, run: Callable[[], str]) -> str:
    """Run a macro or an inner template. Raises TooMuch if too many are open."""
    if rendering.depth >= DEPTH_MAX:
        raise TooMuch(f"macros and inner templates have at most {DEPTH_MAX} levels")
    rendering.depth += 1
    try:
        return run()
    finally:
        rendering.depth -= 1


def _random_int(end: int, rendering: Rendering) -> Value:
    if end <= 0:
        raise ExpressionError("`randomInt` takes a number above 0")
    return rendering.surroundings.below(end)


def _random_alpha(count: int, rendering: Rendering) -> Value:
    if count < 0:
        raise ExpressionError("`randomAlpha` takes no negative number")
    rendering.fuel.make(count)
    rendering.fuel.spend(count)
    below = rendering.surroundings.below
    return "".join(_LETTERS[below(len(_LETTERS))] for _ in range(count))


def _base64_encode(text: str, rendering: Rendering) -> Value:
    rendering.fuel.make(2 * len(text))
    return urlsafe_b64encode(octets(text)).decode().rstrip("=")


def _base64_decode(text: str, rendering: Rendering) -> Value:
    rendering.fuel.make(len(text))
    packed = text.replace("\r", "").replace("\n", "")
    if not _BASE_64.fullmatch(packed) or len(packed) % 4 == 1:
        what = "`base64Decode` takes a text of A-Z, a-z, 0-9, - and _, without ="
        raise ExpressionError(what)
    return from_octets(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))


def _datastore(key: str, rendering: Rendering) -> Value:
    item = rendering.surroundings.item(key)
    if item is None:
        raise ExpressionError("the datastore has no item with this key")
    rendering.fuel.make(len(item.content))
    text = from_octets(item.content)
    if not item.content_type.startswith(_JSON_TYPES):
        return text
    return _object(text, rendering.fuel, "an item of the datastore that is JSON")


def _unmarshal_json(text: str, rendering: Rendering) -> Value:
    rendering.fuel.make(len(text))
    return _object(text, rendering.fuel, "the text of `unmarshalJson`")


def _object(text: str, fuel: Fuel, what: str) -> Value:
    """The map that a JSON text has; of null it is empty. Raises ExpressionError."""
    fuel.spend(sum(map(text.count, ",[{")))  # at most so many elements are made
    try:
        found: Json = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_none)
    except (ValueError, RecursionError):
        raise ExpressionError(f"{what} cannot be read as JSON") from None
    if found is not None and not isinstance(found, dict):
        raise ExpressionError(f"{what} is not an object")
    return from_json(found or {})


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _none(name: str) -> Never:
    raise ValueError(name)


PLAIN_FUNCTIONS: Final[Mapping[str, Value]] = {
    name: TemplateFunction(name, takes, run)
    for name, takes, run in cast(
        "tuple[tuple[str, tuple[str, ...], Callable[..., Value]], ...]",
        (
            ("randomInt", ("int",), _random_int),
            ("randomAlpha", ("int",), _random_alpha),
            ("base64Encode", ("string",), _base64_encode),
            ("base64Decode", ("string",), _base64_decode),
            ("datastore", ("string",), _datastore),
            ("unmarshalJson", ("string",), _unmarshal_json),
        ),
    )
}

_MOMENTS: Final[Mapping[str, Callable[[Moment], Value]]] = {
    "Year": lambda moment: moment.local.year,
    "Month": lambda moment: moment.local.month,
    "Day": lambda moment: moment.local.day,
    "Hour": lambda moment: moment.local.hour,
    "Minute": lambda moment: moment.local.minute,
    "Second": lambda moment: moment.local.second,
    "Nanosecond": lambda moment: moment.nanos,
    "Weekday": lambda moment: moment.weekday,
    "YearDay": lambda moment: moment.local.timetuple().tm_yday,
    "Unix": lambda moment: moment.seconds,
    "UnixNano": lambda moment: moment.seconds * 1_000_000_000 + moment.nanos,
    "UTC": lambda moment: moment._replace(offset_s=0),
    "IsZero": zero_is,
    "String": printed,
}
_ORDERS: Final[Mapping[str, Callable[[Moment, Moment], bool]]] = {
    "Equal": lambda one, other: one[:2] == other[:2],
    "Before": lambda one, other: one[:2] < other[:2],
    "After": lambda one, other: one[:2] > other[:2],
}


def moment_member(moment: Moment, name: str) -> Value:
    """A member of an instant, which is a function; empty if there is none."""
    if of := _MOMENTS.get(name):
        return TemplateFunction(name, (), lambda _: of(moment))
    if order := _ORDERS.get(name):
        return TemplateFunction(name, ("time.Time",), lambda other, _: order(moment, other))
    if name == "Format":
        return TemplateFunction(
            name, ("string",), lambda layout, run: _in_layout(moment, layout, run.fuel)
        )
    return None


def _in_layout(moment: Moment, layout: str, fuel: Fuel) -> str:
    fuel.make(4 * len(layout))
    return formatted(moment, layout)
