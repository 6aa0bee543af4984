"""What Go's standard library does with texts where Python's does something else.

A Go text is bytes. A byte of a text that is no character is here a surrogate, as Python's
`surrogateescape` makes it, so that the bytes of a character that are put together again give it.
"""

import math
import re
from typing import Final
from urllib.parse import quote_plus

BLANKS: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""The blanks of Go's `unicode`; Python has four more."""

NUMBER_CHARS_MAX: Final = 4096
"""Of a text that is read as a number; a longer one is 0."""

_WORD: Final = re.compile(f"[^{re.escape(BLANKS)}]+")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEXADECIMAL: Final = re.compile(
    r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+"
)
_INFINITE: Final = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_SURROGATE: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def octets(text: str) -> bytes:
    """The bytes of a text."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode("utf-8", "surrogateescape")


def from_octets(data: bytes) -> str:
    """The text that bytes are."""
    return data.decode("utf-8", "surrogateescape")


def printable(text: str) -> str:
    """A text without bytes that are no character."""
    return text if text.isascii() else octets(text).decode("utf-8", "replace")


def upper(text: str) -> str:
    """Each character as its capital, if that is one character."""
    return text.upper() if text.isascii() else "".join(map(upper_character, text))


def lower(text: str) -> str:
    """Each character in lower case."""
    return text.lower() if text.isascii() else "".join(c.lower()[:1] for c in text)


def upper_character(character: str) -> str:
    """The capital of one character, if that is one character."""
    capital = character.upper()
    return capital if len(capital) == 1 else character


def title(text: str) -> str:
    """A text with a capital where each word begins; an apostrophe ends a word."""
    made, is_start = [], True
    for character in text:
        made.append(upper_character(character) if is_start else character)
        is_start = _separates(character)
    return "".join(made)


def _separates(character: str) -> bool:
    if character.isascii():
        return not (character.isalnum() or character == "_")
    return not (character.isalpha() or character.isdigit()) and character in BLANKS


def words(text: str) -> list[str]:
    """The words of a text, between blanks."""
    return _WORD.findall(text)


def trimmed(text: str) -> str:
    """A text without blanks at its ends."""
    return text.strip(BLANKS)


def split(text: str, by: str) -> list[str]:
    """The parts of a text; without a separator, its characters."""
    return text.split(by) if by else list(text)


def query_escaped(text: str) -> str:
    """A text as it is in the query of an address; a blank is a plus."""
    return quote_plus(octets(text), safe="")


def number_in(text: str) -> float | None:
    """The number that a text is, without blanks; None if it is none, or too large."""
    if len(text) > NUMBER_CHARS_MAX:
        return None
    if _DECIMAL.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else None
    if _INFINITE.fullmatch(text) or text.lower() == "nan":
        return float(text)
    if _HEXADECIMAL.fullmatch(text):
        try:
            return float.fromhex(text)
        except OverflowError:
            return None
    return None


def whole_in(text: str) -> int | None:
    """The whole number of 64 bits that decimal digits are; None if they are none."""
    if len(text) > NUMBER_CHARS_MAX or not re.fullmatch(r"[+-]?[0-9]+", text):
        return None
    digits = text.lstrip("+-").lstrip("0")
    number = int(text) if len(digits) < 20 else 1 << 64
    return number if -(1 << 63) <= number < 1 << 63 else None
