"""Functions of times and durations; `now` is given by the surroundings.

Source: https://masterminds.github.io/sprig/date.html.
"""

from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.gotext.calls import Function, Scope, function
from floe.expr.gotext.go_values import INT64_END, Int64, Value
from floe.expr.gotext.layouts import format_time, read_time
from floe.expr.gotext.numbers import read_int64
from floe.expr.gotext.time_methods import local_zone
from floe.expr.gotext.times import (
    DAY_S,
    HOUR,
    MINUTE,
    SECOND,
    UTC_ZONE,
    ZERO_NS,
    GoTime,
    Zone,
    duration_text,
    read_duration,
    rounded,
)

_DAY: Final = DAY_S * SECOND
_ROUNDS: Final = (
    *((365 * _DAY, "y"), (30 * _DAY, "mo"), (_DAY, "d")),
    *((HOUR, "h"), (MINUTE, "m"), (SECOND, "s")),
)


def _now(scope: Scope) -> GoTime:
    return GoTime(scope.surroundings.now(), local_zone(scope))


def _time_of(scope: Scope, value: Value) -> GoTime:
    """A time, or seconds since 1970; all else is now."""
    if isinstance(value, GoTime):
        return value
    if type(value) is int or type(value) is Int64:
        return GoTime(value * SECOND, local_zone(scope))
    return _now(scope)


def _zone(scope: Scope, name: str) -> Zone:
    if name in ("", "UTC"):
        return UTC_ZONE
    if name == "Local":
        return local_zone(scope)
    rules = scope.surroundings.zone(name)
    return Zone(name, 0, rules) if rules else UTC_ZONE


def _in_zone(scope: Scope, layout: str, value: Value, zone: str) -> str:
    return format_time(GoTime(_time_of(scope, value).ns, _zone(scope, zone)), layout)


def _date(scope: Scope, layout: str, value: Value) -> str:
    return _in_zone(scope, layout, value, "Local")


def _modified(_: Scope, change: str, time: GoTime) -> GoTime:
    return GoTime(time.ns + (read_duration(change) or 0), time.zone)


def _must_modify(_: Scope, change: str, time: GoTime) -> GoTime:
    ns = read_duration(change)
    if ns is None:
        raise ExpressionError("time: invalid duration")
    return GoTime(time.ns + ns, time.zone)


def _must_read(scope: Scope, layout: str, text: str) -> GoTime:
    return read_time(layout, text, local_zone(scope))


def _read(scope: Scope, layout: str, text: str) -> GoTime:
    try:
        return _must_read(scope, layout, text)
    except ExpressionError:
        return GoTime(ZERO_NS)


def _ago(scope: Scope, value: Value) -> str:
    past = scope.surroundings.now() - _time_of(scope, value).ns
    return duration_text(rounded(max(-INT64_END, min(past, INT64_END - 1)), SECOND))


def _duration(_: Scope, value: Value) -> str:
    seconds = int(value) if type(value) is Int64 else 0
    if type(value) is str:
        seconds = read_int64(value, 10) or 0
    ns = (seconds * SECOND + INT64_END) % (2 * INT64_END) - INT64_END
    return duration_text(ns)


def _duration_round(scope: Scope, value: Value) -> str:
    ns = 0
    if type(value) is str:
        ns = read_duration(value) or 0
    elif type(value) is Int64:
        ns = int(value)
    elif isinstance(value, GoTime):
        ns = scope.surroundings.now() - value.ns
    for size, unit in _ROUNDS:
        if abs(ns) > size:
            return f"{abs(ns) // size}{unit}"
    return "0s"


_MUST_MODIFY: Final = function("text time", _must_modify)
_IN_ZONE: Final = function("text any text", _in_zone)
_MODIFY: Final = function("text time", _modified)
_HTML: Final = "2006-01-02"

DATES: Final[dict[str, Function]] = {
    "ago": function("any", _ago),
    "date": function("text any", _date),
    "dateInZone": _IN_ZONE,
    "dateModify": _MODIFY,
    "date_in_zone": _IN_ZONE,
    "date_modify": _MODIFY,
    "duration": function("any", _duration),
    "durationRound": function("any", _duration_round),
    "htmlDate": function("any", lambda scope, value: _date(scope, _HTML, value)),
    "htmlDateInZone": function(
        "any text", lambda scope, value, zone: _in_zone(scope, _HTML, value, zone)
    ),
    "mustDateModify": _MUST_MODIFY,
    "mustToDate": function("text text", _must_read),
    "must_date_modify": _MUST_MODIFY,
    "now": function("", _now),
    "toDate": function("text text", _read),
    "unixEpoch": function("time", lambda _, time: str(time.second)),
}
