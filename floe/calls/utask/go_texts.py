"""Texts that uTask reads as Go does: bools, durations, JSON."""

import json
import math
from typing import Final, Never

from floe.calls.utask.action import ServerError
from floe.expr.gotext.times import read_duration
from floe.model.ids import Json

BOOLS: Final = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
"""By the texts that Go reads as bools."""

NS: Final = 1_000_000_000


def bool_in(text: str, key: str) -> bool:
    """A bool that a text has; empty for false. Raises ServerError."""
    if text and text not in BOOLS:
        raise ServerError(f'failed to parse {key}: "{text}" is no bool, such as "true"')
    return BOOLS.get(text, False)


def seconds_in(text: str, key: str, default_s: float) -> float | None:
    """The seconds of a duration such as `1m30s`; None for 0, which is no limit.

    Raises ServerError.
    """
    if not text:
        return default_s
    found = read_duration(text)
    if found is None:
        raise ServerError(f'failed to parse {key}: "{text}" is no duration, such as "30s"')
    return found / NS if found > 0 else None


def json_in(text: str) -> Json:
    """The first value of JSON in a text; anything behind it is not read."""
    value: Json = _JSON.raw_decode(text.lstrip(" \t\r\n"))[0]
    return value


def _no_json(name: str) -> Never:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is larger than any number here")
    return number


_JSON: Final = json.JSONDecoder(parse_constant=_no_json, parse_float=_finite)
