"""Whether an instant is due by a cron expression of flyte: five segments, or six with a year.

A segment with a mistake counts only if all before it are due; an instant before it is simply not.
Source: the behaviour of adhocore/gronx of 2022.
"""

import re
from calendar import monthrange
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.pongo2.go_text import whole_in
from floe.expr.pongo2.moments import Moment

_TAGS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@hourly": "0 * * * *",
    "@always": "* * * * *",
    "@5minutes": "*/5 * * * *",
    "@10minutes": "*/10 * * * *",
    "@15minutes": "*/15 * * * *",
    "@30minutes": "0,30 * * * *",
}
_MONTHS: Final = re.findall("...", "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC")
_NAMES: Final = {
    **{name: str(at) for at, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))},
    **{name: str(at) for at, name in enumerate(_MONTHS, 1)},
}
_NAME: Final = re.compile("|".join(_NAMES))
_DAY, _WEEKDAY = 2, 4


def is_due(expression: str, moment: Moment) -> bool:
    """Whether an instant, at its own offset, is due to the minute. Raises ExpressionError."""
    text = expression.strip(" \t")
    text = re.sub(r"[\t\n\f\r ]+", " ", _TAGS.get(text.lower(), text)).upper()
    segments = _NAME.sub(lambda found: _NAMES[found[0]], text).split(" ")
    if not 5 <= len(segments) <= 6:
        raise ExpressionError("a cron expression has 5 segments, or 6 with a year", "0 9 * * MON")
    at = moment.local
    values = (at.minute, at.hour, at.day, at.month, moment.weekday, at.year)
    return all(
        segment in ("*", "?") or _is_segment_due(segment, place, values[place], moment)
        for place, segment in enumerate(segments)
    )


def _is_segment_due(segment: str, place: int, value: int, moment: Moment) -> bool:
    for part in segment.split(","):
        is_day = place in (_DAY, _WEEKDAY)
        try:
            if _is_part_due(part, value):
                return True
        except ExpressionError:
            if not is_day:
                raise
        if is_day and any(sign in part for sign in "LW#"):
            due = _is_month_day(part, moment) if place == _DAY else _is_weekday(part, moment)
            if due:
                return True
    return False


def _is_part_due(part: str, value: int) -> bool:
    if part in ("*", "?"):
        return True
    if "/" in part:
        return _is_in_steps(part, value)
    if "-" in part:
        start, end = part.split("-")[:2]
        return _whole(start) <= value <= _whole(end)
    if value == 0 or part == "0":
        return part == "0" and value == 0
    return _whole(part) == value


def _is_in_steps(part: str, value: int) -> bool:
    bounds, by = part.split("/")[:2]
    step = _whole(by)
    if step <= 0:
        raise ExpressionError("a step of a cron expression is above 0")
    if bounds in ("*", "0"):
        return value % step == 0
    start, _, end = bounds.partition("-")
    low = _whole(start)
    high = _whole(end.partition("-")[0]) if "-" in bounds else value
    return low <= value <= high and (value - low) % step == 0


def _whole(digits: str) -> int:
    number = whole_in(digits)
    if number is None:
        raise ExpressionError("a segment of a cron expression is no number")
    return number


def _last_day(moment: Moment) -> int:
    return monthrange(moment.local.year, moment.local.month)[1]


def _weekday_of(day: int, moment: Moment) -> int:
    """The weekday of a day of the instant's month."""
    return (moment.weekday + day - moment.local.day) % 7


def _is_month_day(part: str, moment: Moment) -> bool:
    """`L` is the last day; `15W` the weekday from Monday to Friday nearest to the 15th."""
    last, day = _last_day(moment), moment.local.day
    if part == "L":
        return day == last
    if part.find("W") < 1:
        raise ExpressionError("a day of a cron expression cannot be read")
    near = _whole(part[: part.find("W")])
    for one in (near, near - 1, near + 1, near - 2, near + 2):
        if 1 <= one <= last and 0 < _weekday_of(one, moment) < 6:
            return day == one
    return False


def _is_weekday(part: str, moment: Moment) -> bool:
    """`5L` is the last Friday of the month, `5#2` the second."""
    day = moment.local.day
    if (at := part.find("L")) > 0:
        weekday = _whole(part[:at]) % 7
        last = _last_day(moment)
        return next(last - i for i in range(7) if _weekday_of(last - i, moment) == weekday) == day
    if part.find("#") < 1:
        raise ExpressionError("a weekday of a cron expression cannot be read")
    weekday, nth = map(_whole, part.split("#")[:2])
    return 1 <= nth <= 5 and moment.weekday == weekday and (day - 1) // 7 == nth - 1
