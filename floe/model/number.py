"""Numbers that people write: kept exactly, or refused."""

import re
from decimal import Decimal
from typing import Final

END: Final = 2**63
"""Numbers lie between this and its negative: no store holds others."""

_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def exact_number(text: str) -> int | float | str:
    """The number that a text is; the text itself where a double would be a different number.

    Raises ValueError with the reason.
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError("a number is expected")
    try:
        return within(int(text))
    except ValueError:
        number = within(float(text))
    return number if Decimal(text) == Decimal(repr(number)) else text


def within(number: float) -> int | float:
    """A number that fits. Raises ValueError with the reason."""
    if not -END < number < END:
        raise ValueError("a number that fits into 64 bits is expected")
    return number
