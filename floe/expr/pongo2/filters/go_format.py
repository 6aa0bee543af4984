"""One value in a format of Go's `fmt`, as the filter `stringformat` has it.

A verb that does not fit its value prints that: `%!d(string=a)`.
Source: https://pkg.go.dev/fmt
"""

import json
import math
import re
from typing import Final

from floe.expr.errors import TooMuch
from floe.expr.fuel import DEPTH_MAX, RESULT_BYTES_MAX, Fuel
from floe.expr.pongo2.go_text import octets
from floe.expr.pongo2.moments import Moment, printed
from floe.expr.pongo2.values import Cycled, GoStruct, TemplateFunction, Value, go_type, text_of

_VERB: Final = re.compile(r"%([-+# 0]*)([0-9]*)(?:(\.)([0-9]*))?(.?)", re.DOTALL)
_WIDTH_MAX: Final = 1_000_000


def formatted(layout: str, value: Value, fuel: Fuel) -> str:
    """A value in a format. Raises TooMuch."""
    made: list[str] = []
    at, size, is_used = 0, 0, False
    while (start := layout.find("%", at)) >= 0:
        found = _VERB.match(layout, start)
        assert found is not None
        fuel.spend(1)
        part = _Verb(found, fuel).text(value, is_used=is_used)
        is_used = is_used or found[5] not in ("%", "")
        made += [layout[at:start], part]
        at = found.end()
        size += len(part)
        if size > RESULT_BYTES_MAX:
            raise TooMuch("the format makes a text of more than 1 MiB")
    made.append(layout[at:])
    if not is_used:
        shown = "<nil>" if value is None else f"{go_type(value)}={_plain(value, fuel)}"
        made.append(f"%!(EXTRA {shown})")
    return "".join(made)


def _plain(value: Value, fuel: Fuel) -> str:
    found = _VERB.match("%v")
    assert found is not None
    return _Verb(found, fuel).shown(value, 0)


class _Verb:
    """A verb of a format, with its flags, width and precision."""

    def __init__(self, found: re.Match[str], fuel: Fuel) -> None:
        self._flags, self._verb, self._fuel = found[1], found[5], fuel
        self._width = int(found[2][:9] or 0)
        self._precision = int((found[4] or "0")[:9]) if found[3] else None
        if max(self._width, self._precision or 0) > _WIDTH_MAX:
            raise TooMuch("the format makes a text of more than 1 MiB")

    def text(self, value: Value, *, is_used: bool) -> str:
        """What the verb makes of the value, which the first verb takes."""
        if self._verb == "%":
            return "%"
        if not self._verb:
            return "%!(NOVERB)"
        if is_used:
            return f"%!{self._verb}(MISSING)"
        if self._verb == "T":
            return self._padded("<nil>" if value is None else go_type(value))
        return self.shown(value, 0)

    def shown(self, value: Value, depth: int) -> str:
        """A value by this verb; of a list or map, each of its elements."""
        self._fuel.spend(1)
        if depth > DEPTH_MAX:
            raise TooMuch(f"lists and maps have at most {DEPTH_MAX} levels")
        if value is None:
            return self._padded("<nil>") if self._verb == "v" else f"%!{self._verb}(<nil>)"
        if isinstance(value, list):
            if self._verb in "xX" and go_type(value) == "[]string":
                return self._wrong(value)
            return "[" + " ".join(self.shown(one, depth + 1) for one in value) + "]"
        if isinstance(value, dict):
            pairs = (
                f"{self.shown(key, depth + 1)}:{self.shown(value[key], depth + 1)}"
                for key in sorted(value)
            )
            return "map[" + " ".join(pairs) + "]"
        if isinstance(value, GoStruct):
            members = value.members.values()
            return "{" + " ".join(self.shown(one, depth + 1) for one in members) + "}"
        if isinstance(value, Moment | Cycled | TemplateFunction):
            shown = printed(value) if isinstance(value, Moment) else text_of(value)
            return self._text(shown) if self._verb in "vsq" else self._wrong(value)
        if isinstance(value, bool):
            return self._bool(value)
        if isinstance(value, int):
            return self._whole(value)
        return self._float(value) if isinstance(value, float) else self._string(text_of(value))

    def _wrong(self, value: Value) -> str:
        verb, self._verb = self._verb, "v"
        shown = self.shown(value, 0)
        self._verb = verb
        return f"%!{verb}({go_type(value)}={shown})"

    def _padded(self, text: str) -> str:
        self._fuel.make(self._width + len(text))
        if "-" in self._flags:
            return text.ljust(self._width)
        return text.rjust(self._width, "0" if "0" in self._flags else " ")

    def _text(self, text: str) -> str:
        if self._precision is not None:
            text = text[: self._precision]
        return self._padded(_quoted(text) if self._verb == "q" else text)

    def _bool(self, value: bool) -> str:
        return (
            self._padded("true" if value else "false") if self._verb in "vt" else self._wrong(value)
        )

    def _string(self, value: str) -> str:
        if self._verb == "v" and "#" in self._flags:
            return self._padded(_quoted(value))
        if self._verb in "vsq":
            return self._text(value)
        if self._verb in "xX":
            data = octets(value)
            shown = data.hex(" ") if " " in self._flags else data.hex()
            return self._padded(shown.upper() if self._verb == "X" else shown)
        return self._wrong(value)

    def _whole(self, value: int) -> str:
        verb = self._verb
        if verb in "eEfFgGstpw" or verb not in "vdboOxXcqU":
            return self._wrong(value)
        if verb in "cqU":
            return self._character(value)
        digits = format(abs(value), {"v": "d", "O": "o"}.get(verb, verb))
        if self._precision is not None:
            digits = digits.rjust(self._precision, "0")
            if not value and not self._precision:
                digits = ""
        if "#" in self._flags:
            digits = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb, "") + digits
        return self._signed(value < 0, ("0o" if verb == "O" else "") + digits)

    def _character(self, value: int) -> str:
        if self._verb == "U":
            return self._padded(f"U+{value % (1 << 64):04X}")
        is_valid = 0 <= value < 0x110000 and not 0xD800 <= value < 0xE000
        shown = chr(value) if is_valid else "\ufffd"
        return self._padded(f"'{_quoted(shown)[1:-1]}'" if self._verb == "q" else shown)

    def _signed(self, is_negative: bool, digits: str) -> str:
        sign = (
            "-" if is_negative else "+" if "+" in self._flags else " " if " " in self._flags else ""
        )
        if "0" in self._flags and "-" not in self._flags and self._precision is None:
            self._fuel.make(self._width)
            digits = digits.rjust(self._width - len(sign), "0")
        self._fuel.make(self._width + len(digits))
        text = sign + digits
        return text.ljust(self._width) if "-" in self._flags else text.rjust(self._width)

    def _float(self, value: float) -> str:
        verb = self._verb
        if verb not in "veEfFgG":
            return self._wrong(value)
        if not math.isfinite(value):
            shown = "NaN" if math.isnan(value) else "Inf"
            is_plus = "+" in self._flags or not math.isnan(value)
            sign = "-" if value < 0 else "+" if is_plus else ""
            return sign + shown if not self._width else (sign + shown).rjust(self._width)
        self._fuel.make(400 + (self._precision or 0))
        shown = self._digits(abs(value))
        flags = self._precision
        self._precision = None
        try:
            return self._signed(math.copysign(1.0, value) < 0, shown)
        finally:
            self._precision = flags

    def _digits(self, value: float) -> str:
        verb = self._verb.lower()
        if verb in "fe":
            decimals = 6 if self._precision is None else self._precision
            return _exponent(f"{value:.{decimals}{verb}}", self._verb)
        if self._precision is None:
            return _exponent(_shortest(value), self._verb)
        return _exponent(f"{value:.{self._precision or 1}g}", self._verb)


def _shortest(value: float) -> str:
    """The fewest digits that name a float, with an exponent below 1e-4 and from 1e6 on."""
    mantissa, _, exponent = f"{value!r}".partition("e")
    digits = mantissa.replace(".", "")
    point = len(mantissa.split(".")[0]) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    if not digits:
        return "0"
    if not -4 <= point - 1 < 6:
        rest = f".{digits[1:]}" if digits[1:] else ""
        return f"{digits[0]}{rest}e{point - 1:+03}"
    if point <= 0:
        return "0." + "0" * -point + digits
    return digits[:point].ljust(point, "0") + (f".{digits[point:]}" if digits[point:] else "")


def _exponent(text: str, verb: str) -> str:
    return text.upper() if verb in "EG" else text


def _quoted(text: str) -> str:
    """A text as a literal of Go."""
    return json.dumps(text, ensure_ascii=False)
