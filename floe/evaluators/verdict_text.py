"""Verdicts as JSON that every store can keep, and back. Both ends use it."""

import math
from typing import Any, Final, TypeVar

import msgspec

from floe.model.codec import decode, encode, to_text
from floe.model.fits import fits
from floe.model.ids import Json
from floe.model.judging import Verdict
from floe.model.opening import OPENINGS_MAX, Opened

VERDICT_BYTES_MAX: Final = 4 << 20

LEVELS_MAX: Final = 64
"""Lists and maps in one another."""

WHOLE_END: Final = 10**100
"""Whole numbers are between this and its negative."""


T = TypeVar("T", Verdict, Opened)


class Unstorable(ValueError):
    """Something is no verdict or no JSON, or no store can keep it."""


def text_of_verdict(verdict: object, room: int = VERDICT_BYTES_MAX) -> bytes:
    """The text of a verdict, of at most `room` bytes. Raises Unstorable."""
    if not isinstance(verdict, Verdict):
        raise Unstorable(f"it gave {type(verdict).__name__} where a verdict belongs")
    if not fits(Verdict, verdict):
        raise Unstorable("it gave a verdict with a field of a wrong type")
    return text_of_json(encode(verdict), room)


def failed_text(why: str) -> bytes:
    """The text of a verdict that says why there is none."""
    return to_text(encode(Verdict(failed=why))).encode(errors="replace")


def text_of_opened(opened: object, room: int = VERDICT_BYTES_MAX) -> bytes:
    """The text of what an event opens, of at most `room` bytes. Raises Unstorable."""
    if not isinstance(opened, Opened):
        raise Unstorable(f"it gave {type(opened).__name__} where openings belong")
    if not fits(Opened, opened):
        raise Unstorable("it gave openings with a field of a wrong type")
    for name, count in (("runs", len(opened.openings)), ("findings", len(opened.findings))):
        if count > OPENINGS_MAX:
            raise Unstorable(f"it gave {count:,} {name}, of at most {OPENINGS_MAX}")
    return text_of_json(encode(opened), room)


def failed_opened(why: str) -> bytes:
    """The text of an answer that says why there are no openings."""
    return to_text(encode(Opened(failed=why))).encode(errors="replace")


def text_of_json(value: Json, room: int = VERDICT_BYTES_MAX) -> bytes:
    """The text of a JSON value, of at most `room` bytes. Raises Unstorable."""
    check_json(value)
    try:
        text = to_text(value).encode()
    except UnicodeEncodeError:
        raise Unstorable("it has half a character") from None
    if len(text) > (most := min(room, VERDICT_BYTES_MAX)):
        raise Unstorable(f"it has {len(text)} bytes, and {most} are allowed")
    return text


def verdict_of(text: bytes) -> Verdict:
    """The verdict in a text. Raises ValueError."""
    return _decoded(Verdict, text)


def _decoded(cls: type[T], text: bytes) -> T:
    try:
        found = decode(cls, msgspec.json.decode(text, type=dict[str, Any]))
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None
    if not fits(cls, found):
        raise ValueError("a field has a wrong type")
    return found


def opened_of(text: bytes) -> Opened:
    """The openings in a text. Raises ValueError."""
    return _decoded(Opened, text)


def check_json(value: object, levels: int = LEVELS_MAX) -> None:
    """Raise Unstorable for what JSON cannot carry, for long numbers and for too many levels."""
    match value:
        case None | bool() | str():
            return
        case int():
            if not -WHOLE_END < value < WHOLE_END:
                raise Unstorable("it has a whole number of more than 100 digits")
        case float():
            if not math.isfinite(value):
                raise Unstorable(f"it has a number that is {value}")
        case dict() | list() | tuple():
            if not levels:
                raise Unstorable(f"it has more than {LEVELS_MAX} levels")
            if isinstance(value, dict) and not all(isinstance(name, str) for name in value):
                raise Unstorable("it has a name that is no text")
            for each in value.values() if isinstance(value, dict) else value:
                check_json(each, levels - 1)
        case _:
            raise Unstorable(f"it has a {type(value).__name__}, which is no JSON")
