"""Texts of configurations that uTask reads as Go does: bools, durations, numbers."""

from typing import Final

from floe.calls.utask.action import ServerError
from floe.expr.gotext.times import read_duration

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
