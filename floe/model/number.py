"""Numbers that people write: stored exactly, or refused."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final

NUMBER_END: Final = 2**63
"""Numbers must be between this and its negative: stores hold no others."""

_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def exact_number(text: str) -> int | float | str:
    """Parse a number; returns the text itself if a double cannot hold the number exactly.

    Raises ValueError with the reason.
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError("a number is expected")
    try:
        written = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number with a shorter exponent is expected") from None
    within(written)  # not the double, which rounding may move past the limit
    if _WHOLE.fullmatch(text):
        return int(written)
    number = float(text)
    return number if written == Decimal(repr(number)) else text


def within(number: float | Decimal) -> None:
    """Check the range of a number. Raises ValueError with the reason."""
    if not -NUMBER_END < number < NUMBER_END:
        raise ValueError("a number that fits into 64 bits is expected")
