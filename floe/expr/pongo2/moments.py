"""Instants as Go has them: how they print, their layouts, and how RFC 3339 is read."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

_DAY_S: Final = 86_400
_DAYS_TO_1970: Final = date(1970, 1, 1).toordinal()

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)

_RFC_3339: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


class Moment(NamedTuple):
    """An instant in a template, with the offset from UTC in which it prints."""

    seconds: int
    """Since 1970."""
    nanos: int = 0
    offset_s: int = 0

    @property
    def local(self) -> datetime:
        """Date and time at its own offset, without the nanoseconds; the last one if too late."""
        days, rest = divmod(self.seconds + self.offset_s, _DAY_S)
        day = min(max(days + _DAYS_TO_1970, 1), date.max.toordinal())
        at = datetime.combine(date.fromordinal(day), datetime.min.time(), UTC)
        return at + timedelta(seconds=rest)

    @property
    def weekday(self) -> int:
        """0 is Sunday."""
        return self.local.isoweekday() % 7


def moment_of(text: str) -> Moment | None:
    """The instant that an RFC 3339 text names; None if it names none."""
    found = _RFC_3339.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    hours, minutes = int(found[9] or 0), int(found[10] or 0)
    if hours > 24 or minutes > 59:
        return None
    offset = (hours * 60 + minutes) * 60 * (-1 if found[8] == "-" else 1)
    days = at.toordinal() - _DAYS_TO_1970
    seconds = days * _DAY_S + hour * 3600 + minute * 60 + second
    return Moment(seconds - offset, int((found[7] or "")[:9].ljust(9, "0")), offset)


def printed(moment: Moment) -> str:
    """An instant as Go prints it: `2022-01-02 15:04:05 +0000 UTC`."""
    return formatted(moment, "2006-01-02 15:04:05.999999999 -0700 MST")


def formatted(moment: Moment, layout: str) -> str:
    """An instant in a layout of Go, which shows how Monday, 2 January 2006, 15:04:05 would be."""
    at = moment.local
    return _CHUNK.sub(lambda found: _shown(found[0], moment, at), layout)


_CHUNK: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST"
    r"|002|01|02|03|04|05|06|2006|2(?!006)|_2006|_2|15|1(?!5)|3|4|5"
    r"|PM|pm"
    r"|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07"
    r"|[.,]0+(?![0-9])|[.,]9+(?![0-9])"
)

_CHUNKS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "January": lambda at: _MONTHS[at.month - 1],
    "Jan": lambda at: _MONTHS[at.month - 1][:3],
    "1": lambda at: str(at.month),
    "01": lambda at: f"{at.month:02}",
    "Monday": lambda at: _WEEKDAYS[at.weekday()],
    "Mon": lambda at: _WEEKDAYS[at.weekday()][:3],
    "2": lambda at: str(at.day),
    "_2": lambda at: f"{at.day:2}",
    "02": lambda at: f"{at.day:02}",
    "002": lambda at: f"{at.timetuple().tm_yday:03}",
    "15": lambda at: f"{at.hour:02}",
    "3": lambda at: str(at.hour % 12 or 12),
    "03": lambda at: f"{at.hour % 12 or 12:02}",
    "4": lambda at: str(at.minute),
    "04": lambda at: f"{at.minute:02}",
    "5": lambda at: str(at.second),
    "05": lambda at: f"{at.second:02}",
    "06": lambda at: f"{at.year % 100:02}",
    "2006": lambda at: f"{at.year:04}",
    "_2006": lambda at: f"_{at.year:04}",
    "PM": lambda at: "PM" if at.hour >= 12 else "AM",
    "pm": lambda at: "pm" if at.hour >= 12 else "am",
}


def _shown(chunk: str, moment: Moment, at: datetime) -> str:
    if show := _CHUNKS.get(chunk):
        return show(at)
    if chunk == "MST":
        return _zone(moment.offset_s)
    if chunk[0] in ".,":
        digits = f"{moment.nanos:09}"[: len(chunk) - 1].ljust(len(chunk) - 1, "0")
        if chunk[1] == "9":
            digits = digits.rstrip("0")
        return chunk[0] + digits if digits else ""
    return _offset(chunk, moment.offset_s)


def _zone(offset_s: int) -> str:
    return _offset("-0700", offset_s) if offset_s else "UTC"


def _offset(chunk: str, offset_s: int) -> str:
    if chunk[0] == "Z" and not offset_s:
        return "Z"
    minutes, seconds = divmod(abs(offset_s), 60)
    parts = [f"{minutes // 60:02}", f"{minutes % 60:02}", f"{seconds:02}"]
    count = len(chunk.replace(":", "")) // 2
    by = ":" if ":" in chunk else ""
    return ("-" if offset_s < 0 else "+") + by.join(parts[:count])


def zero_is(moment: Moment) -> bool:
    """Whether an instant is Go's first one, of year 1."""
    return not moment.nanos and moment.seconds == (1 - _DAYS_TO_1970) * _DAY_S
