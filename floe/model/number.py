"""Numbers that people write: kept exactly, or refused."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final

END: Final = 2**63
"""Numbers lie between this and its negative: no store holds others."""

_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def exact_number(text: str) -> int | float | str:
    """The number that a text is; the text itself where a double would be a different number.

    Raises ValueError with the reason.
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError("a number is expected")
    try:
        written = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number with a shorter exponent is expected") from None
    within(written)  # not the double, which may be rounded past the end
    if _WHOLE.fullmatch(text):
        return int(written)
    number = float(text)
    return number if written == Decimal(repr(number)) else text


def within(number: float | Decimal) -> None:
    """Raises ValueError with the reason where a number does not fit."""
    if not -END < number < END:
        raise ValueError("a number that fits into 64 bits is expected")
