"""Numbers as Go reads and writes them."""

import math
import re
from typing import Final

from floe.expr.gotext.go_values import INT64_END, NumberText, Value

_PREFIXES: Final = {"x": 16, "o": 8, "b": 2}
_DIGITS: Final = re.compile(r"[0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*")
_DECIMAL: Final = re.compile(
    r"[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?", re.ASCII
)
_HEX: Final = re.compile(
    r"[+-]?0[xX]_?(?:[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?\d+",
    re.ASCII,
)
_SPECIAL: Final = re.compile(r"[+-]?(?:inf|infinity)|nan", re.IGNORECASE)
_TEXT_MAX: Final = 400
"""Digits of a number that is read; one with more is out of range."""


def read_int(text: str, base: int = 0) -> int | None:
    """A whole number, by Go's rules for the base (0: by its prefix); None if it is none."""
    if len(text) > _TEXT_MAX or not text.isascii():
        return None
    sign, digits = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    if base == 0:
        base = 10
        if digits[:1] == "0" and len(digits) > 1:
            base = _PREFIXES.get(digits[1].lower(), 8)
            digits = digits[1 if base == 8 and digits[1] not in "oO" else 2 :].removeprefix("_")
    elif "_" in digits:
        return None
    if not _DIGITS.fullmatch(digits):
        return None
    try:
        number = int(digits, base)
    except ValueError:
        return None
    return -number if sign == "-" else number


def read_int64(text: str, base: int = 0) -> int | None:
    """The same, in 64 bits."""
    number = read_int(text, base)
    return number if number is not None and -INT64_END <= number < INT64_END else None


def read_float(text: str) -> float | None:
    """A number with a fraction, as Go's strconv.ParseFloat reads it; None if it is none."""
    if len(text) > _TEXT_MAX:
        return None
    if _DECIMAL.fullmatch(text):
        number = float(text)
    elif _HEX.fullmatch(text):
        try:
            number = float.fromhex(text.replace("_", ""))
        except OverflowError:
            return None
    elif _SPECIAL.fullmatch(text):
        return float(text)
    else:
        return None
    return number if math.isfinite(number) else None


def digits_of(number: float) -> tuple[str, int]:
    """The fewest digits that give a finite number again, and the place of their point."""
    mantissa, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0)
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    return (digits, point) if digits else ("0", 1)


def as_exponent(digits: str, point: int, letter: str = "e") -> str:
    """Digits in the form `1.5e+06`."""
    exponent = point - 1
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}{letter}{'-' if exponent < 0 else '+'}{abs(exponent):02}"


def as_plain(digits: str, point: int) -> str:
    """Digits in the form `1500` or `0.015`."""
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


def float_text(number: float, exponent_from: int = 6, letter: str = "e") -> str:
    """A number as %v prints it, with an exponent below 1e-4 and from 1e6 on."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
    sign = "-" if math.copysign(1, number) < 0 else ""
    digits, point = digits_of(number)
    if number and not -4 <= point - 1 < exponent_from:
        return sign + as_exponent(digits, point, letter)
    return sign + as_plain(digits, point)


def json_float(number: float) -> str:
    """A finite number as JSON: with an exponent below 1e-6 and from 1e21 on."""
    sign = "-" if math.copysign(1, number) < 0 else ""
    digits, point = digits_of(number)
    if number and not -6 <= point - 1 < 21:
        return sign + re.sub(r"e([+-])0(\d)$", r"e\1\2", as_exponent(digits, point))
    return sign + as_plain(digits, point)


def to_int64(value: Value) -> int:
    """What `int`, `int64` and all arithmetic make of a value; what is no number is 0."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        whole = int(value) if math.isfinite(value) else INT64_END
        return whole if -INT64_END <= whole < INT64_END else -INT64_END
    if isinstance(value, str):
        return read_int64(without_zero_decimals(value)) or 0
    return 0


def without_zero_decimals(text: str) -> str:
    """`5.00` as `5`: what Go's cast reads as a whole number."""
    return re.sub(r"(?<=.)\.0*$", "", text) if text[-1:] in ("0", ".") else text


def to_float(value: Value) -> float:
    """What `float64` and the arithmetic of fractions make of a value."""
    if isinstance(value, int | float):
        return float(value)
    return read_float(value) or 0.0 if isinstance(value, str) else 0.0


def number_text(number: int | float) -> NumberText:
    """A number of JSON as its exact text."""
    return NumberText(json_float(number) if isinstance(number, float) else number)
