"""What scripts print, here and at other machines: the part that is the output of their step."""

import json
import math
import re
from typing import Final, Never

from floe.calls.utask.action import ActionCall, CameTo, ClientError, ServerError
from floe.expr.patterns import fault_of, named_group
from floe.model.ids import Json
from floe.model.nouns import dataclass

LAST_LINE: Final = "manual-lastline"
AUTO_RESULT: Final = "auto-result"
DELIMITERS: Final = "manual-delimiters"

_CODES: Final = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """How a script ended, and all that it printed."""

    text: str
    status: int
    """-1 if it was ended from outside."""
    why: str
    """Why it was, for people."""
    metadata: Json


def came_to_of(call: ActionCall, ended: Printed) -> CameTo:
    """What a script came to. Raises ClientError, ServerError."""
    failed = ended.status != 0
    try:
        output: Json = _object(selected(call, ended.text), is_needed=not failed)
    except ValueError as error:
        raise ServerError(str(error), CameTo(metadata=ended.metadata)) from None
    came_to = CameTo(output=output, metadata=ended.metadata)
    if not failed:
        return came_to
    why = f"exit code: {ended.status}" + (f" ({ended.why})" if ended.why else "")
    if is_listed(ended.status, call.texts("exit_codes_unrecoverable")):
        raise ClientError(f"Client error: {why}", came_to)
    raise ServerError(why, came_to)


def is_listed(status: int, codes: list[str]) -> bool:
    """Whether an exit status is among codes and ranges of them, such as `3` and `10-20`."""
    for code in codes:
        if found := _CODES.fullmatch(code):
            first = int(found[1])
            if first <= status <= int(found[2] or first):
                return True
    return False


def selected(call: ActionCall, text: str) -> str:
    """The part of what a script printed that is its output; empty for none."""
    mode = call.text("output_mode") or LAST_LINE
    if mode == DELIMITERS:
        return _between(text, call.texts("output_manual_delimiters"))
    if mode in (LAST_LINE, AUTO_RESULT):
        return text.removesuffix("\n").rpartition("\n")[2]
    return ""


def _between(text: str, delimiters: list[str]) -> str:
    """The text between the first match of one delimiter and the last match of the other."""
    if len(delimiters) != 2:
        raise ServerError("two delimiters are needed")
    pattern = f"(?s)(?:{delimiters[0]})(?P<output>.*)(?:{delimiters[1]})"
    if fault := fault_of(pattern):
        raise ServerError(f"invalid delimiter: {fault}")
    return named_group(pattern, "output", text)


def _object(text: str, *, is_needed: bool) -> dict[str, Json]:
    """The object that a text is, its numbers as floats. Raises ValueError if it must be one."""
    if not text:
        return {}
    try:
        found = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        if is_needed:
            raise ValueError(f"the output is no JSON: {error}") from None
        return {}
    if isinstance(found, dict) or not is_needed:
        return found if isinstance(found, dict) else {}
    raise ValueError(f"the output is a JSON {type(found).__name__}, and not an object")


def _whole(text: str) -> int | float:
    return int(text) if len(text) < _EXACT_DIGITS else _finite(text)


def _finite(text: str) -> int | float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is larger than any number here")
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def _refuse(name: str) -> Never:
    raise ValueError(f"{name} is no JSON")


_EXACT: Final = 1 << 53
_EXACT_DIGITS: Final = 16
_DECODER: Final = json.JSONDecoder(parse_int=_whole, parse_float=_finite, parse_constant=_refuse)
