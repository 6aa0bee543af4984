"""How long a step waits until it is retried: a pattern, and the number of its executions."""

from typing import Final

_UNIT_S: Final = {"seconds": 8.0, "minutes": 96.0, "hours": 3600.0}
_LONGEST_S: Final = {"seconds": 600.0, "minutes": 1800.0, "hours": 3 * 3600.0}
_GROWTH: Final = 1.25
_HOUR_STEP_S: Final = 600.0
_STEEP: Final = 20
"""From so many executions on, `seconds` waits longest."""


def delay_s(pattern: str, tries: int) -> float:
    """Seconds until a step is retried that was executed so often; `pattern` may be empty."""
    pattern = pattern or "seconds"
    if pattern == "seconds":
        found = _UNIT_S[pattern] * _GROWTH ** min(tries, _STEEP)
    elif pattern == "minutes":
        found = _UNIT_S[pattern] * tries
    else:
        found = _UNIT_S[pattern] + _HOUR_STEP_S * max(tries - 1, 0)
    return min(found, _LONGEST_S[pattern])
