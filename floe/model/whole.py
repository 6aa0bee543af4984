"""Parses whole numbers: the only place that turns text from outside into an integer."""

import re
from typing import Final

_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")


def whole(text: str) -> int | None:
    """The number of a text of ASCII digits with an optional minus sign; None for any other text.

    At most 19 digits: stores hold no more, and parsing very long numbers is slow.
    """
    return int(text) if _WHOLE.fullmatch(text) else None
