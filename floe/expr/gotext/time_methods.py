"""The methods of Go's time.Time and time.Duration."""

from typing import Final

from floe.expr.gotext.calls import Function, Scope, function
from floe.expr.gotext.go_values import Int64
from floe.expr.gotext.layouts import format_time
from floe.expr.gotext.times import (
    DAYS,
    HOUR,
    MINUTE,
    MONTHS,
    SECOND,
    UTC_ZONE,
    ZERO_NS,
    GoDuration,
    GoTime,
    Ordinal,
    Zone,
    days_of,
    rounded,
)


def local_zone(scope: Scope) -> Zone:
    """The zone of the host."""
    rules = scope.surroundings.zone("Local")
    return Zone("Local", 0, rules) if rules else UTC_ZONE


def _month(time: GoTime) -> Ordinal:
    return Ordinal("time.Month", time.civil().month, 1, MONTHS)


def _weekday(time: GoTime) -> Ordinal:
    return Ordinal("time.Weekday", time.civil().weekday, 0, DAYS)


def _add_date(time: GoTime, years: int, months: int, days: int) -> GoTime:
    one = time.civil()
    moved = days_of(one.year + years, one.month + months, 1) + one.day - 1 + days
    past = moved - days_of(one.year, one.month, one.day)
    second = time.second + past * 86_400
    second += one.offset_s - time.zone.at(second)[0]
    return GoTime(second * SECOND + time.ns % SECOND, time.zone)


def _floor(time: GoTime, unit: GoDuration) -> GoTime:
    past = (time.ns - ZERO_NS) % unit.ns if unit.ns > 0 else 0
    return GoTime(time.ns - past, time.zone)


def _near(time: GoTime, unit: GoDuration) -> GoTime:
    if unit.ns <= 0:
        return time
    past = (time.ns - ZERO_NS) % unit.ns
    return GoTime(time.ns - past + (unit.ns if past * 2 >= unit.ns else 0), time.zone)


TIME_METHODS: Final[dict[str, Function]] = {
    "Add": function("duration", lambda _, time, more: GoTime(time.ns + more.ns, time.zone)),
    "AddDate": function("int int int", lambda _, time, *given: _add_date(time, *given)),
    "After": function("time", lambda _, time, other: time.ns > other.ns),
    "Before": function("time", lambda _, time, other: time.ns < other.ns),
    "Compare": function("time", lambda _, one, two: (one.ns > two.ns) - (one.ns < two.ns)),
    "Day": function("", lambda _, time: time.civil().day),
    "Equal": function("time", lambda _, time, other: time.ns == other.ns),
    "Format": function("text", lambda _, time, layout: format_time(time, layout)),
    "Hour": function("", lambda _, time: time.civil().hour),
    "IsZero": function("", lambda _, time: time.ns == ZERO_NS),
    "Local": function("", lambda scope, time: GoTime(time.ns, local_zone(scope))),
    "Minute": function("", lambda _, time: time.civil().minute),
    "Month": function("", lambda _, time: _month(time)),
    "Nanosecond": function("", lambda _, time: time.ns % SECOND),
    "Round": function("duration", lambda _, time, unit: _near(time, unit)),
    "Second": function("", lambda _, time: time.civil().second),
    "String": function("", lambda _, time: time.text()),
    "Sub": function("time", lambda _, time, other: GoDuration(time.ns - other.ns)),
    "Truncate": function("duration", lambda _, time, unit: _floor(time, unit)),
    "UTC": function("", lambda _, time: GoTime(time.ns, UTC_ZONE)),
    "Unix": function("", lambda _, time: Int64(time.second)),
    "UnixMicro": function("", lambda _, time: Int64(time.ns // 1_000)),
    "UnixMilli": function("", lambda _, time: Int64(time.ns // 1_000_000)),
    "UnixNano": function("", lambda _, time: Int64(time.ns)),
    "Weekday": function("", lambda _, time: _weekday(time)),
    "Year": function("", lambda _, time: time.civil().year),
    "YearDay": function("", lambda _, time: time.civil().year_day),
}

DURATION_METHODS: Final[dict[str, Function]] = {
    "Abs": function("", lambda _, one: GoDuration(abs(one.ns))),
    "Hours": function("", lambda _, one: one.ns / HOUR),
    "Microseconds": function("", lambda _, one: Int64(int(one.ns / 1_000))),
    "Milliseconds": function("", lambda _, one: Int64(int(one.ns / 1_000_000))),
    "Minutes": function("", lambda _, one: one.ns / MINUTE),
    "Nanoseconds": function("", lambda _, one: Int64(one.ns)),
    "Round": function("duration", lambda _, one, unit: GoDuration(rounded(one.ns, unit.ns))),
    "Seconds": function("", lambda _, one: one.ns / SECOND),
    "String": function("", lambda _, one: one.text()),
}
