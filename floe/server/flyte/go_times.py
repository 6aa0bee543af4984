"""Times as flyte reads and writes them: RFC 3339, in UTC, without trailing zeros."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from floe.model.errors import Yours
from floe.model.ids import Json

ZERO_TIME: Final = "0001-01-01T00:00:00Z"

_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(?:Z|([-+])(\d\d):(\d\d))", re.ASCII
)


def checked_time(value: Json, what: str) -> str:
    """A time that a client sent, in UTC; empty for null and for the zero time. Raises Yours."""
    if value is None:
        return ""
    found = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Yours(f"{what} is not a time as in RFC 3339")
    second, fraction, sign, hours, minutes = found.groups()
    try:
        zone = UTC
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            zone = timezone(-offset if sign == "-" else offset)
        at = datetime.fromisoformat(second).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Yours(f"{what} is not a time as in RFC 3339") from None
    digits = (fraction or "")[:9].rstrip("0")
    text = f"{at.replace(tzinfo=None).isoformat()}{'.' if digits else ''}{digits}Z"
    return "" if text == ZERO_TIME else text
