"""The values of YAML scalars as Go's yaml.v2 resolves them, and as JSON then has them.

Source: yaml.v2 2.2.2 of 2018 (flyte) and its later releases (uTask), as they behave.
"""

import base64
import binascii
import math
import re
import struct
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from floe.model.nouns import dataclass

Value = None | bool | int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A release of yaml.v2: how it differs from others in what it resolves."""

    floats: re.Pattern[str]
    """The numbers that are no integers."""


FLYTE: Final = Profile(floats=re.compile(r"[-+]?[0-9]*\.?[0-9]+([eE][-+][0-9]+)?"))
"""Needs a sign in an exponent, and a digit after the point."""

UTASK: Final = Profile(
    floats=re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
)

_TAG: Final = "tag:yaml.org,2002:"
_BINARY: Final = "binary"
_RESOLVED: Final = frozenset({"bool", "int", "float", "null", "timestamp"})
_WORDS: Final[Mapping[str, Value]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE"), True),
    **dict.fromkeys(("on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE"), False),
    **dict.fromkeys(("off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMERIC: Final = frozenset("+-0123456789")
_WHOLE: Final = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))"
)
_BASES: Final = (16, 2, 8, 10)
_WHOLE_CHARS: Final = 70
"""No longer text is an integer of 64 bits, unless it begins with many zeros."""
_FRACTION: Final = re.compile(r"\.[0-9]+([eE][-+]?[0-9]+)?")
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:[Tt][0-9:.]+(?:Z|[-+][0-9]{2}:[0-9]{2})| [0-9:.]+)?"
)
_POWER: Final = 6
"""From this power of ten on a number is printed with an exponent."""
_INTEGER_MAX: Final = 1e21
_INT64: Final = 1 << 63
_UINT64: Final = 1 << 64


def resolve(text: str, tag: str | None, profile: Profile) -> Value:
    """The value of a scalar that is plain or has a tag. Raises ValueError if the two conflict."""
    kind = tag.removeprefix(_TAG) if tag else ""
    if kind == _BINARY:
        return _decoded(text)
    if kind and kind not in _RESOLVED:
        return text
    if kind == "timestamp":
        if not _TIMESTAMP.fullmatch(text):
            raise ValueError(f"{text[:60]!r} is no timestamp")
        return text
    value = _plain(text, profile)
    found = _kind(value)
    if kind in ("", found):
        return value
    if kind == "float" and isinstance(value, int) and value < _INT64:
        return float(value)
    raise ValueError(f"{text[:60]!r} is {found}, not {kind}")


def key_text(value: Value) -> str | None:
    """The key of a JSON object for a key in YAML; None where Go refuses it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value < _INT64 else None
    if value is None:
        return None
    text = float32_text(value)
    return {"+Inf": ".inf", "-Inf": "-.inf"}.get(text, text)


def json_number(value: float) -> int | float:
    """The number that a reader of Go's JSON gets: Go writes whole numbers below 1e21 as integers,
    with the shortest digits that name them."""
    is_whole = value.is_integer() and abs(value) < _INTEGER_MAX
    return int(Decimal(repr(value))) if is_whole else value


def float32_text(value: float) -> str:
    """The shortest text of a number with 32 bits, as Go's `strconv` prints it with `g`."""
    try:
        bits = struct.pack("f", value)
    except OverflowError:
        bits = struct.pack("f", math.copysign(math.inf, value))
    (near,) = struct.unpack("f", bits)
    if not math.isfinite(near):
        return "NaN" if math.isnan(near) else "+Inf" if near > 0 else "-Inf"
    texts = (f"{near:.{digits}e}" for digits in range(9))
    shortest = next(text for text in texts if struct.pack("f", float(text)) == bits)
    mantissa, power = shortest.split("e")
    if not -4 <= int(power) < _POWER:
        return f"{mantissa}e{int(power):+03d}"
    places = len(mantissa.lstrip("-").replace(".", "")) - 1 - int(power)
    return f"{float(shortest):.{max(0, places)}f}"


def _plain(text: str, profile: Profile) -> Value:
    if text in _WORDS:
        return _WORDS[text]
    if text.startswith("."):
        return _float(text, _FRACTION)
    if text[0] not in _NUMERIC:
        return text
    digits = text.replace("_", "")
    whole = _whole(digits)
    number = _float(digits, profile.floats) if whole is None else whole
    return text if number is digits else number


def _whole(text: str) -> int | None:
    found = _WHOLE.fullmatch(text)
    if found is None or len(text) > _WHOLE_CHARS:
        return None
    sign, *written = found.groups()
    number = next(int(digits, base) for digits, base in zip(written, _BASES, strict=True) if digits)
    if sign == "-":
        return -number if number <= _INT64 else None
    return number if number < (_INT64 if sign else _UINT64) else None


def _float(text: str, pattern: re.Pattern[str]) -> float | str:
    if not pattern.fullmatch(text):
        return text
    number = float(text)
    return number if math.isfinite(number) else text


def _kind(value: Value) -> str:
    if value is None:
        return "null"
    kinds = {bool: "bool", int: "int", float: "float"}
    return kinds.get(type(value), "str")


def _decoded(text: str) -> str:
    try:
        data = base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{text[:60]!r} is not base64") from None
    return data.decode(errors="replace")
