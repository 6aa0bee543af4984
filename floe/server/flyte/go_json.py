"""JSON as flyte reads and writes it: keys in any case, numbers with 64 bits, null for nothing."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn, cast

from floe.dialects.go_scalars import json_number
from floe.model.errors import Yours
from floe.model.ids import Json, Shape
from floe.server.bodies import check_depth

BLANKS: Final = " \t\r\n"


def parse_go(body: bytes, *, whole: bool = False) -> Json:
    """The first value of a JSON text; `whole`: nothing may follow it. Raises Yours.

    Every number is a float, as Go makes it; a byte or half a character that is not UTF-8 becomes
    the replacement character.
    """
    text = body.decode(errors="replace")
    start = len(text) - len(text.lstrip(BLANKS))
    try:
        value, end = _DECODER.raw_decode(text, start)
        check_depth(value)
    except RecursionError:
        raise Yours("the body is nested too deep") from None
    except ValueError as error:
        raise Yours(f"invalid JSON: {error}") from None
    if whole and text[end:].strip(BLANKS):
        raise Yours("something follows the JSON value")
    return with_whole_characters(value) if "\\u" in text else cast(Json, value)


def with_whole_characters(value: Any) -> Json:
    """A JSON value in which each half of a character is replaced."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [with_whole_characters(item) for item in value]
    if isinstance(value, dict):
        pairs = value.items()
        return {str(with_whole_characters(k)): with_whole_characters(v) for k, v in pairs}
    return cast(Json, value)


def go_numbers(value: Any) -> Json:
    """A JSON value from YAML, with the numbers that Go makes of it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return [go_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: go_numbers(member) for key, member in value.items()}
    return cast(Json, value)


def written_numbers(value: Any) -> Any:
    """A JSON value with the numbers that Go writes: `1` for 1.0."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if isinstance(value, float):
        return json_number(value)
    if kind is dict or isinstance(value, Mapping):
        return {k: v if type(v) is str else written_numbers(v) for k, v in value.items()}
    if kind is list or (isinstance(value, Sequence) and not isinstance(value, str)):
        return [written_numbers(item) for item in value]
    return value


class GoObject:
    """The members of a JSON object that is read into known fields."""

    def __init__(self, value: Json, what: str) -> None:
        """`what` names the object in errors; null is an object without members. Raises Yours."""
        if not isinstance(value, Mapping | None):
            raise Yours(f"{what} is not an object")
        members = (value or {}).items()
        self._members = {name.lower(): member for name, member in members if member is not None}
        self._what = what

    def value(self, name: str) -> Json:
        """A member as it is; None if it is absent."""
        return self._members.get(name.lower())

    def text(self, name: str) -> str:
        """A text; empty if it is absent. Raises Yours."""
        return _text(self.value(name), f"{name} of {self._what}")

    def texts(self, name: str) -> list[str] | None:
        """A list of texts; None if it is absent. Raises Yours."""
        items = self._items(name)
        return None if items is None else [_text(one, f"{name} of {self._what}") for one in items]

    def text_map(self, name: str) -> dict[str, str]:
        """A map of texts; empty if it is absent. Raises Yours."""
        found = self.value(name)
        if not isinstance(found, Mapping | None):
            raise Yours(f"{name} of {self._what} is not an object")
        what = f"{name} of {self._what}"
        return {key: _text(value, f"{key[:80]} in {what}") for key, value in (found or {}).items()}

    def objects(self, name: str) -> "list[GoObject]":
        """A list of objects; empty if it is absent. Raises Yours."""
        items = self._items(name) or ()
        return [GoObject(one, f"{name}[{n}] of {self._what}") for n, one in enumerate(items)]

    def _items(self, name: str) -> Sequence[Json] | None:
        found = self.value(name)
        if found is None:
            return None
        if not isinstance(found, Sequence) or isinstance(found, str):
            raise Yours(f"{name} of {self._what} is not a list")
        return found


def without_empty(shape: Shape) -> Shape:
    """An object without its members that are empty, as Go's `omitempty` leaves them out."""
    return {name: value for name, value in shape.items() if value not in ("", None, [], {}, ())}


def _text(value: Json, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Yours(f"{what} is not a text")
    return value


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"number {text[:80]} is too large")
    return number


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _last(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object in the order of the last occurrence of each key."""
    shape: dict[str, Any] = {}
    for key, value in pairs:
        shape.pop(key, None)
        shape[key] = value
    return shape


_DECODER: Final = json.JSONDecoder(
    parse_int=_float, parse_float=_float, parse_constant=_no_constant, object_pairs_hook=_last
)
