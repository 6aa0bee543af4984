"""Formats and reads times by Go's layouts, which show how the time 2006-01-02 15:04:05 looks.

Source: https://pkg.go.dev/time, "Constants" (Layout).
"""

import re
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.gotext.times import (
    DAYS,
    MONTHS,
    SECOND,
    UTC_ZONE,
    Civil,
    GoTime,
    Zone,
    days_in,
    days_of,
)
from floe.model.nouns import dataclass

LAYOUT_MAX: Final = 4096
"""Characters of a layout."""

_PART: Final = re.compile(
    r"January|Jan(?![a-z])|Jan|Monday|Mon(?![a-z])|MST|002|01|02|03|04|05|06|__2|_2006|_2|2006"
    r"|Z070000|Z07:00:00|Z0700|Z07:00|Z07|-070000|-07:00:00|-0700|-07:00|-07|PM|pm|15"
    r"|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5"
)
_ABBREVIATION: Final = re.compile(r"[A-Z]{3,5}|[+-]\d{2,4}", re.ASCII)
_DIGITS: Final = re.compile(r"\d+", re.ASCII)


def _parts(layout: str) -> list[tuple[str, str]]:
    """Plain texts and the parts of a time behind them: `[("", "2006"), ("-", "01"), …]`."""
    if len(layout) > LAYOUT_MAX:
        raise ExpressionError(f"a layout has at most {LAYOUT_MAX} characters")
    found, at = [], 0
    for part in _PART.finditer(layout):
        if part[0] == "Jan" and layout[part.end() : part.end() + 1].islower():
            continue
        text, code = layout[at : part.start()], part[0]
        if code == "_2006":
            text, code = text + "_", "2006"
        found.append((text, code))
        at = part.end()
    found.append((layout[at:], ""))
    return found


def format_time(time: GoTime, layout: str) -> str:
    """A time by a layout."""
    one = time.civil()
    return "".join(text + _shown(one, code) for text, code in _parts(layout))


def _shown(one: Civil, code: str) -> str:
    if code[:1] in (".", ",") and code:
        places = f"{one.nanosecond:09}"[: len(code) - 1]
        if code[1] == "0":
            return code[0] + places
        places = places.rstrip("0")
        return code[0] + places if places else ""
    if code[:1] in ("Z", "-") and code:
        return _offset(one.offset_s, code)
    hour = one.hour % 12 or 12
    shown: dict[str, str] = {
        "": "",
        "January": MONTHS[one.month - 1],
        "Jan": MONTHS[one.month - 1][:3],
        "Monday": DAYS[one.weekday],
        "Mon": DAYS[one.weekday][:3],
        "MST": one.zone or _offset(one.offset_s, "-0700" if one.offset_s % 3600 else "-07"),
        "2006": f"{one.year:04}",
        "06": f"{one.year % 100:02}",
        "01": f"{one.month:02}",
        "1": str(one.month),
        "02": f"{one.day:02}",
        "_2": f"{one.day:2}",
        "2": str(one.day),
        "002": f"{one.year_day:03}",
        "__2": f"{one.year_day:3}",
        "15": f"{one.hour:02}",
        "03": f"{hour:02}",
        "3": str(hour),
        "04": f"{one.minute:02}",
        "4": str(one.minute),
        "05": f"{one.second:02}",
        "5": str(one.second),
        "PM": "PM" if one.hour >= 12 else "AM",
        "pm": "pm" if one.hour >= 12 else "am",
    }
    return shown[code]


def _offset(offset_s: int, code: str) -> str:
    if code[0] == "Z" and not offset_s:
        return "Z"
    size = abs(offset_s)
    colon = ":" if ":" in code else ""
    text = f"{'-' if offset_s < 0 else '+'}{size // 3600:02}"
    if len(code) > 3:
        text += f"{colon}{size // 60 % 60:02}"
    if len(code) > 6:
        text += f"{colon}{size % 60:02}"
    return text


@dataclass(slots=True)
class _Read:
    """What a text says of a time."""

    year: int = 0
    month: int = 0
    day: int = 0
    year_day: int = 0
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanosecond: int = 0
    is_afternoon: bool | None = None
    offset_s: int | None = None
    zone: str = ""
    is_utc: bool = False


def read_time(layout: str, text: str, local: Zone) -> GoTime:
    """The time that a text gives by a layout. Raises ExpressionError."""
    read, rest = _Read(), text
    for plain, code in _parts(layout):
        rest = _without(rest, plain)
        if code:
            rest = _take(read, code, rest)
        if code in ("05", "5") and re.match(r"[.,]\d", rest, re.ASCII):
            following = layout.split(code, 1)[1]
            if not re.match(r"[.,][09]", following):
                rest = _fraction(read, rest)
    if rest:
        raise ExpressionError("cannot read the time: extra text")
    return _assembled(read, local)


def _without(text: str, plain: str) -> str:
    """A text behind a plain one; a space there may be several here."""
    for char in plain:
        if char == " ":
            if text and text[0] != " ":
                raise _mistake(plain)
            text = text.lstrip(" ")
        elif text[:1] == char:
            text = text[1:]
        else:
            raise _mistake(plain)
    return text


def _mistake(code: str) -> ExpressionError:
    return ExpressionError(f"cannot read the time: a text does not fit {code!r} of the layout")


def _take(read: _Read, code: str, text: str) -> str:
    """Take one part of a time; the result is the rest of the text."""
    if code[0] in ".,":
        return _take_fraction(read, code, text)
    if code[0] in "Z-":
        return _take_offset(read, code, text)
    match code:
        case "January" | "Jan" | "Monday" | "Mon":
            return _take_name(read, code, text)
        case "PM" | "pm":
            half = text[:2]
            if half not in ("AM", "PM", "am", "pm") or half.isupper() != code.isupper():
                raise _mistake(code)
            read.is_afternoon = half.lower() == "pm"
            return text[2:]
        case "MST":
            found = _ABBREVIATION.match(text)
            if not found:
                raise _mistake(code)
            read.zone, read.is_utc = found[0], found[0] == "UTC"
            return text[found.end() :]
        case _:
            return _take_number(read, code, text)


def _take_name(read: _Read, code: str, text: str) -> str:
    names = MONTHS if code.startswith("J") else DAYS
    for number, name in enumerate(names, 1):
        short = name if code in ("January", "Monday") else name[:3]
        if text[: len(short)].lower() == short.lower():
            if names is MONTHS:
                read.month = number
            return text[len(short) :]
    raise _mistake(code)


_NUMBERS: Final = {
    "2006": ("year", 4, 4, 0, 9999),
    "06": ("year", 2, 2, 0, 99),
    "01": ("month", 2, 2, 1, 12),
    "1": ("month", 1, 2, 1, 12),
    "02": ("day", 2, 2, 0, 31),
    "_2": ("day", 1, 2, 0, 31),
    "2": ("day", 1, 2, 0, 31),
    "002": ("year_day", 3, 3, 0, 366),
    "__2": ("year_day", 1, 3, 0, 366),
    "15": ("hour", 2, 2, 0, 23),
    "03": ("hour", 2, 2, 0, 12),
    "3": ("hour", 1, 2, 0, 12),
    "04": ("minute", 2, 2, 0, 59),
    "4": ("minute", 1, 2, 0, 59),
    "05": ("second", 2, 2, 0, 59),
    "5": ("second", 1, 2, 0, 59),
}
"""Which part a code is, its digits (least, most) and its least and largest number."""


def _take_number(read: _Read, code: str, text: str) -> str:
    part, least, most, low, high = _NUMBERS[code]
    if code in ("_2", "__2"):
        text = text.lstrip(" ")
    elif code == "15" and re.match(r"\d(?!\d)", text, re.ASCII):
        least = 1
    found = _DIGITS.match(text[:most])
    if not found or len(found[0]) < least or not low <= int(found[0]) <= high:
        raise _mistake(code)
    number = int(found[0])
    if code == "06":
        number += 1900 if number >= 69 else 2000
    setattr(read, part, number)
    return text[found.end() :]


def _take_fraction(read: _Read, code: str, text: str) -> str:
    if code[1] == "9" and not re.match(r"[.,]\d", text, re.ASCII):
        return text
    if code[1] == "0" and not re.match(rf"[.,]\d{{{len(code) - 1}}}", text, re.ASCII):
        raise _mistake(code)
    if code[1] == "0":
        read.nanosecond = int(text[1 : len(code)].ljust(9, "0")[:9])
        return text[len(code) :]
    return _fraction(read, text)


def _fraction(read: _Read, text: str) -> str:
    found = _DIGITS.match(text, 1)
    assert found
    read.nanosecond = int(found[0].ljust(9, "0")[:9])
    return text[found.end() :]


def _take_offset(read: _Read, code: str, text: str) -> str:
    if code[0] == "Z" and text[:1] == "Z":
        read.is_utc = True
        return text[1:]
    colon = ":" if ":" in code else ""
    groups = 1 if len(code) <= 3 else 2 if len(code) <= 6 else 3
    more = f"{colon}([0-9][0-9])" * (groups - 1)
    found = re.match(f"([+-])([0-9][0-9]){more}", text)
    if not found:
        raise _mistake(code)
    hours, minutes, seconds = (*map(int, found.groups()[1:]), 0, 0)[:3]
    if hours > 24 or minutes > 60 or seconds > 60:
        raise _mistake(code)
    size = hours * 3600 + minutes * 60 + seconds
    read.offset_s = -size if found[1] == "-" else size
    return text[found.end() :]


def _assembled(read: _Read, local: Zone) -> GoTime:
    """The time of what was read."""
    hour = read.hour
    if read.is_afternoon is not None:
        hour = hour % 12 + 12 * read.is_afternoon
    if read.year_day:
        if read.year_day > days_of(read.year + 1, 1, 1) - days_of(read.year, 1, 1):
            raise ExpressionError("cannot read the time: day of the year out of range")
        days = days_of(read.year, 1, 1) + read.year_day - 1
    else:
        month, day = read.month or 1, read.day or 1
        if day > days_in(read.year, month):
            raise ExpressionError("cannot read the time: day out of range")
        days = days_of(read.year, month, day)
    second = days * 86_400 + hour * 3600 + read.minute * 60 + read.second
    if read.is_utc:
        return GoTime(second * SECOND + read.nanosecond, UTC_ZONE)
    if read.offset_s is not None:
        second -= read.offset_s
        is_local = local.at(second)[0] == read.offset_s and read.zone in ("", local.at(second)[1])
        zone = local if is_local else Zone(read.zone, read.offset_s)
        return GoTime(second * SECOND + read.nanosecond, zone)
    if read.zone and read.zone != local.at(second)[1]:
        return GoTime(second * SECOND + read.nanosecond, Zone(read.zone, 0))
    second -= local.at(second)[0]
    if (offset := local.at(second)[0]) != local.at(second + 1)[0]:
        second += offset - local.at(second + 1)[0]
    return GoTime(second * SECOND + read.nanosecond, local)
