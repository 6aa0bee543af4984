"""When a timer is due: after equal times, or by the five fields of cron in a time zone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS: Final = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, DAYS),
)
YEARS: Final = 8
"""A date that does not come in so many years never comes: the 29th of February is within."""


class WrongTime(ValueError):
    """A time that is none; the text has the reason."""


@dataclass(frozen=True)
class Every:
    """After equal times, counted from 1970: restarts move nothing, and nothing drifts."""

    seconds: int

    def after(self, instant: datetime) -> datetime:
        """The first time after an instant."""
        count = int(instant.timestamp()) // self.seconds + 1
        return datetime.fromtimestamp(count * self.seconds, UTC)


@dataclass(frozen=True)
class Cron:
    """By five fields. A time that a clock skips in spring is due when it has skipped; one that it
    has twice in autumn is due the first time, unless the field of hours is `*`."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_any_day: tuple[bool, bool]
    """Whether the fields of days and of days of the week are `*`: of two others either will do."""
    is_hourly: bool
    zone: tzinfo

    def after(self, instant: datetime) -> datetime:
        """The first time after an instant. Raises WrongTime: it never comes."""
        before = instant.astimezone(UTC).replace(second=0, microsecond=0)
        end = before + timedelta(days=366 * YEARS)
        while before < end:
            local = before.astimezone(self.zone)
            step = self._step(local)
            now = before + step
            for minute in self._shown(local, now.astimezone(self.zone), step):
                if self._is_at(minute):
                    return now
            before = now
        raise WrongTime(f"it is not due within {YEARS} years")

    def _step(self, local: datetime) -> timedelta:
        """How far to go without passing a time, or a change of the clock."""
        if not self._is_day(local):
            day = HOUR * (24 - local.hour) - MINUTE * local.minute
            if (local.astimezone(UTC) + day).astimezone(self.zone).utcoffset() == local.utcoffset():
                return day
        elif local.hour in self.hours:
            return MINUTE
        return HOUR - MINUTE * local.minute

    def _shown(self, before: datetime, local: datetime, step: timedelta) -> Iterator[datetime]:
        """The minutes that the clock came to, with those that it skipped on its way."""
        skipped = (before.replace(tzinfo=None) + step).replace(fold=0)
        while not self.is_hourly and skipped < local.replace(tzinfo=None):
            yield skipped
            skipped += MINUTE
        if self.is_hourly or not local.fold:
            yield local

    def _is_at(self, local: datetime) -> bool:
        return local.minute in self.minutes and local.hour in self.hours and self._is_day(local)

    def _is_day(self, local: datetime) -> bool:
        if local.month not in self.months:
            return False
        found = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        return all(found) if any(self.is_any_day) else any(found)


def every(text: str) -> Every:
    """`90s`, `10m`, `2h` or `1d`. Raises WrongTime."""
    found = re.fullmatch(r"(\d{1,9})\s*([smhd]?)", text.strip())
    seconds = int(found[1]) * UNITS[found[2] or "s"] if found else 0
    if not seconds:
        raise WrongTime(f"{text!r} is no time such as 90s, 10m, 2h or 1d")
    return Every(seconds)


def cron(text: str, zone: str = "UTC") -> Cron:
    """Five fields, such as `*/5 9-17 * * mon-fri`. Raises WrongTime."""
    parts = text.lower().split()
    if len(parts) != len(FIELDS):
        raise WrongTime(f"{text!r} has {len(parts)} fields, not minute, hour, day, month, weekday")
    minutes, hours, days, months, weekdays = (
        _field(part, *field) for part, field in zip(parts, FIELDS, strict=True)
    )
    found = Cron(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        is_any_day=(parts[2].startswith("*"), parts[4].startswith("*")),
        is_hourly=parts[1].startswith("*"),
        zone=_zone(zone),
    )
    found.after(datetime.now(UTC))  # whether it ever comes
    return found


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WrongTime(f"this machine knows no time zone {name}: install tzdata") from error


def _field(text: str, field: str, first: int, last: int, names: tuple[str, ...]) -> frozenset[int]:
    """The numbers of one field: `*`, `5`, `1-5`, `*/15`, `mon,wed`."""
    found: set[int] = set()
    for part in text.split(","):
        span, sign, step = part.partition("/")
        low, dash, high = span.partition("-")
        if span == "*":
            begin, end = first, last
        else:
            begin = _number(low, field, first, names)
            end = _number(high, field, first, names) if dash else last if sign else begin
        every = int(step) if step.isdecimal() else 0 if sign else 1
        if not (first <= begin <= end <= last and every):
            raise WrongTime(f"{part!r} is no {field} from {first} to {last}")
        found.update(range(begin, end + 1, every))
    return frozenset(found)


def _number(text: str, field: str, first: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + first
    if not text.isdecimal():
        raise WrongTime(f"{text!r} is no {field}")
    return int(text)
