"""Go's times and durations: an instant in nanoseconds in a zone, and its calendar."""

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from floe.expr.gotext.go_values import INT64_END, GoNamed, wrapped

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY_S: Final = 86_400

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_DURATION_PART: Final = re.compile(r"(\d*)(\.\d*)?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_DURATION_MAX: Final = 200
"""Characters of a duration."""


class Zone(NamedTuple):
    """A time zone: fixed, or one of the database of zones."""

    name: str
    offset_s: int
    rules: tzinfo | None = None

    def at(self, second: int) -> tuple[int, str]:
        """Offset in seconds and abbreviation at an instant."""
        if self.rules is None:
            return self.offset_s, self.name
        try:
            local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).astimezone(
                self.rules
            )
        except (OverflowError, ValueError):
            return 0, "UTC"
        offset = local.utcoffset() or timedelta()
        return offset.days * DAY_S + offset.seconds, local.tzname() or ""


UTC_ZONE: Final = Zone("UTC", 0)


class Civil(NamedTuple):
    """A time as a calendar and a clock show it."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    nanosecond: int
    weekday: int
    year_day: int
    offset_s: int
    zone: str


class Ordinal(GoNamed):
    """A month or a day of the week: it prints its name."""

    __slots__ = ("first", "go_type", "names", "number")
    go_kind = "int"

    def __init__(self, go_type: str, number: int, first: int, names: tuple[str, ...]) -> None:
        self.go_type, self.number, self.first, self.names = go_type, number, first, names

    def text(self) -> str:
        """Its name."""
        return self.names[self.number - self.first]

    def json(self) -> str:
        """Its number."""
        return str(self.number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ordinal) and self.text() == other.text()

    __hash__ = None  # type: ignore[assignment]  # a value of a template is no key


class GoDuration(GoNamed):
    """Go's time.Duration."""

    __slots__ = ("ns",)
    go_type = "time.Duration"
    go_kind = "int64"

    def __init__(self, ns: int) -> None:
        self.ns = max(-INT64_END, min(ns, INT64_END - 1))

    def text(self) -> str:
        """Such as `1h2m3.5s`."""
        return duration_text(self.ns)

    def json(self) -> str:
        """Its nanoseconds."""
        return str(self.ns)

    def is_true(self) -> bool:
        """Whether it is not zero."""
        return bool(self.ns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GoDuration) and self.ns == other.ns

    __hash__ = None  # type: ignore[assignment]  # a value of a template is no key


class GoTime(GoNamed):
    """Go's time.Time."""

    __slots__ = ("ns", "zone")
    go_type = "time.Time"

    def __init__(self, ns: int, zone: Zone = UTC_ZONE) -> None:
        self.ns, self.zone = ns, zone

    @property
    def second(self) -> int:
        """Whole seconds since 1970."""
        return self.ns // SECOND

    def civil(self) -> Civil:
        """The time as a calendar and a clock of its zone show it."""
        offset, zone = self.zone.at(self.second)
        days, of_day = divmod(self.second + offset, DAY_S)
        year, month, day = civil_of(days)
        hour, rest = divmod(of_day, 3600)
        minute, second = divmod(rest, 60)
        return Civil(
            *(year, month, day, hour, minute, second, self.ns % SECOND, (days + 4) % 7),
            *(days - days_of(year, 1, 1) + 1, offset, zone),
        )

    def text(self) -> str:
        """Such as `2006-01-02 15:04:05.5 -0700 MST`."""
        one = self.civil()
        zone = one.zone or f"{_sign(one.offset_s)}{_clock(one.offset_s, '')}"
        return (
            f"{date_text(one)} {clock_text(one)} "
            f"{_sign(one.offset_s)}{_clock(one.offset_s, '')} {zone}"
        )

    def json(self) -> str:
        """By RFC 3339, in quotes."""
        return f'"{self.rfc3339()}"'

    def rfc3339(self) -> str:
        """By RFC 3339 with as many places of the second as it has."""
        one = self.civil()
        zone = f"{_sign(one.offset_s)}{_clock(one.offset_s, ':')}" if one.offset_s else "Z"
        return f"{date_text(one)}T{clock_text(one)}{zone}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GoTime) and (self.ns, self.zone) == (other.ns, other.zone)

    __hash__ = None  # type: ignore[assignment]  # a value of a template is no key


ZERO_NS: Final = -62_135_596_800 * SECOND
"""Go's zero time: the first instant of the year 1."""


def _sign(offset_s: int) -> str:
    return "-" if offset_s < 0 else "+"


def _clock(offset_s: int, colon: str) -> str:
    minutes = abs(offset_s) // 60
    return f"{minutes // 60:02}{colon}{minutes % 60:02}"


def date_text(one: Civil) -> str:
    """`2006-01-02`"""
    return f"{one.year:04}-{one.month:02}-{one.day:02}"


def clock_text(one: Civil) -> str:
    """`15:04:05.5`, without zeros at the end."""
    fraction = f".{one.nanosecond:09}".rstrip("0") if one.nanosecond else ""
    return f"{one.hour:02}:{one.minute:02}:{one.second:02}{fraction}"


def days_of(year: int, month: int, day: int) -> int:
    """Days since 1970 of a date of the Gregorian calendar; any day may be too large."""
    year += (month - 1) // 12
    month = (month - 1) % 12 + 1
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def civil_of(days: int) -> tuple[int, int, int]:
    """Year, month and day of days since 1970."""
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def days_in(year: int, month: int) -> int:
    """How many days a month has."""
    return days_of(year, month + 1, 1) - days_of(year, month, 1)


def read_duration(text: str) -> int | None:
    """Nanoseconds of a text such as `1h15m30.5s`; None if it is none."""
    sign, rest = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    if rest == "0":
        return 0
    if not rest or len(rest) > _DURATION_MAX:
        return None
    total = at = 0
    while at < len(rest):
        part = _DURATION_PART.match(rest, at)
        if not part or part[0][0] not in "0123456789." or part[1] + (part[2] or "") in ("", "."):
            return None
        unit = _UNITS[part[3]]
        total += int(part[1] or 0) * unit
        if part[2] and part[2] != ".":
            total += int(part[2][1:]) * unit // 10 ** (len(part[2]) - 1)
        at = part.end()
    if total >= INT64_END + (sign == "-"):
        return None
    return -total if sign == "-" else total


def duration_text(ns: int) -> str:
    """Nanoseconds as Go prints a duration."""
    size, sign = abs(ns), "-" if ns < 0 else ""
    if not size:
        return "0s"
    if size < SECOND:
        for unit, name in ((1, "ns"), (1_000, "µs"), (1_000_000, "ms")):
            if size < unit * 1_000:
                return f"{sign}{_decimal(size, unit)}{name}"
    minutes, rest = divmod(size, MINUTE)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, SECOND)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{f'{hours}h' if hours else ''}{text}"


def _decimal(size: int, unit: int) -> str:
    whole, rest = divmod(size, unit)
    places = round(math.log10(unit))
    return f"{whole}" + (f".{rest:0{places}}".rstrip("0") if rest else "")


def rounded(ns: int, unit: int) -> int:
    """Nanoseconds to the nearest unit, halves away from zero."""
    if unit <= 0:
        return ns
    size = (abs(ns) * 2 + unit) // (2 * unit) * unit
    return wrapped(-size if ns < 0 else size)
