"""Go's printf: verbs, flags, widths, precisions and argument indexes.

Source: https://pkg.go.dev/fmt, "Printing".
"""

import math
import re
from collections.abc import Sequence
from typing import Final

from floe.expr.fuel import Fuel
from floe.expr.gotext.go_values import (
    ABSENT,
    GoNamed,
    Value,
    bytes_of,
    deeper,
    in_order,
    type_of,
)
from floe.expr.gotext.numbers import as_exponent, as_plain, float_text
from floe.expr.gotext.printing import NIL, printed, quoted
from floe.model.nouns import dataclass

WIDTH_MAX: Final = 1_000_000
"""Columns that a width or a precision may have, as in Go."""

_VERB: Final = re.compile(
    r"%([-+# 0]*)(?:(?:\[([^\]]*)\])?(\*)|(\d+))?"
    r"(?:(\.)(?:(?:\[([^\]]*)\])?(\*)|(\d+))?)?(?:\[([^\]]*)\])?(.)?",
    re.DOTALL,
)
_INTEGER_BASES: Final = {"b": "b", "o": "o", "O": "o", "d": "d", "x": "x", "X": "X"}


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands between `%` and the verb."""

    flags: str = ""
    width: int | None = None
    precision: int | None = None

    def padded(self, text: str, *, zeros: bool = False) -> str:
        """A text in its width; zeros go behind a sign."""
        lacking = (self.width or 0) - len(text)
        if lacking <= 0:
            return text
        if "-" in self.flags:
            return text + " " * lacking
        if zeros and "0" in self.flags:
            sign = text[:1] if text[:1] in ("+", "-", " ") and text else ""
            return sign + "0" * lacking + text[len(sign) :]
        return " " * lacking + text

    def signed(self, text: str, *, is_negative: bool) -> str:
        """Digits with the sign that the flags ask for."""
        sign = (
            "-" if is_negative else "+" if "+" in self.flags else " " if " " in self.flags else ""
        )
        return sign + text


def formatted(pattern: str, values: Sequence[Value], fuel: Fuel) -> str:
    """Go's Sprintf; a mistake of the pattern is told in the text. Raises TooMuch."""
    printer = _Printer(values, fuel)
    text = _VERB.sub(printer.verb, pattern)
    rest = values[printer.next :]
    if rest and not printer.is_reordered:
        extra = ", ".join(
            NIL if one is None else f"{type_of(one)}={printed(one, fuel)}" for one in rest
        )
        text += f"%!(EXTRA {extra})"
    fuel.make(len(text))
    return text


class _Printer:
    """Where a printf is: the next argument, and whether an index was given."""

    def __init__(self, values: Sequence[Value], fuel: Fuel) -> None:
        self.values, self.fuel, self.next = values, fuel, 0
        self.is_reordered = False

    def verb(self, found: re.Match[str]) -> str:
        """The text of one verb."""
        flags, width_index, star, width, point, precision_index, precision_star, precision = (
            found.groups()[:8]
        )
        index, verb = found.groups()[8:]
        notes = ""
        columns = int(width) if width and len(width) < 8 else None
        if width and (columns is None or columns > WIDTH_MAX):
            columns, notes = None, notes + "%!(BADWIDTH)"
        if star:
            self._go_to(width_index)
            columns = self._number()
            if columns is None:
                notes += "%!(BADWIDTH)"
            elif columns < 0:
                flags, columns = flags + "-", -columns
        places = (int(precision) if precision and len(precision) < 8 else 0) if point else None
        if precision_star:
            self._go_to(precision_index)
            places = self._number()
            if places is None or places < 0:
                places, notes = None, notes + ("%!(BADPREC)" if places is None else "")
        is_bad = not self._go_to(index)
        if not verb:
            return notes + "%!(NOVERB)"
        if verb == "%":
            return notes + "%"
        if is_bad:
            return f"{notes}%!{verb}(BADINDEX)"
        if self.next >= len(self.values):
            return f"{notes}%!{verb}(MISSING)"
        value = self.values[self.next]
        self.next += 1
        self.fuel.make((columns or 0) + (places or 0))
        layout = Layout(flags.replace("+", "") if verb == "v" else flags, columns, places)
        return notes + of_value(layout, verb, value, self.fuel)

    def _go_to(self, index: str | None) -> bool:
        """Go to an argument by its index from 1; whether it is one."""
        if index is None:
            return True
        self.is_reordered = True
        if not (index.isascii() and index.isdigit() and len(index) < 8):
            return False
        if not 1 <= int(index) <= len(self.values):
            return False
        self.next = int(index) - 1
        return True

    def _number(self) -> int | None:
        """A width or precision from the arguments."""
        if self.next >= len(self.values):
            return None
        value = self.values[self.next]
        self.next += 1
        fits = isinstance(value, int) and not isinstance(value, bool)
        return int(value) if fits and abs(value) <= WIDTH_MAX else None


def of_value(layout: Layout, verb: str, value: Value, fuel: Fuel, depth: int = 0) -> str:
    """A value by a verb. Raises TooMuch."""
    fuel.spend(1)
    fuel.make(layout.width or 0)
    if verb == "T":
        return layout.padded(type_of(value))
    if value is None or value is ABSENT:
        return layout.padded(NIL) if verb == "v" else f"%!{verb}({NIL})"
    if isinstance(value, GoNamed):
        return _text(layout, verb, value.text(), value, fuel)
    if isinstance(value, list | dict):
        return _many(layout, verb, value, fuel, depth)
    if isinstance(value, bool):
        if verb in "tv":
            return layout.padded("true" if value else "false")
    elif isinstance(value, int):
        text = _integer(layout, verb, value)
        if text is not None:
            return text
    elif isinstance(value, float):
        if verb in "beEfFgGvxX":
            return layout.padded(_float(layout, verb, value), zeros=math.isfinite(value))
    else:
        return _text(layout, verb, value, value, fuel)
    return f"%!{verb}({type_of(value)}={printed(value, fuel)})"


def _many(layout: Layout, verb: str, value: Value, fuel: Fuel, depth: int) -> str:
    """A list or a map: the verb holds for what is in it."""
    deeper(depth)
    inner = (
        [
            f"{of_value(layout, verb, key, fuel)}:"
            f"{of_value(layout, verb, value[key], fuel, depth + 1)}"
            for key in in_order(value)
        ]
        if isinstance(value, dict)
        else [of_value(layout, verb, one, fuel, depth + 1) for one in value]
    )
    fuel.make(sum(map(len, inner)) + len(inner))
    if "#" in layout.flags and verb == "v":
        return f"{type_of(value)}{{{', '.join(inner)}}}"
    return f"map[{' '.join(inner)}]" if isinstance(value, dict) else f"[{' '.join(inner)}]"


def _text(layout: Layout, verb: str, text: str, value: Value, fuel: Fuel) -> str:
    if verb not in "vsqxX":
        return f"%!{verb}({type_of(value)}={text})"
    if layout.precision is not None and verb in "vsq":
        text = text[: layout.precision]
    if verb in "xX":
        data = bytes_of(text)
        data = data if layout.precision is None else data[: layout.precision]
        separator = " " if " " in layout.flags else ""
        prefix = "0x" if "#" in layout.flags and data else ""
        if separator and prefix:
            separator += "0x"
        digits = prefix + separator.join(f"{byte:02x}" for byte in data)
        fuel.make(len(digits))
        return layout.padded(digits.upper() if verb == "X" else digits, zeros=True)
    if verb == "q" or (verb == "v" and "#" in layout.flags):
        text = f"`{text}`" if verb == "q" and _is_raw(layout, text) else quoted(text)
    return layout.padded(text, zeros=verb != "q")


def _is_raw(layout: Layout, text: str) -> bool:
    """Whether %#q writes a text in back quotes."""
    return "#" in layout.flags and "`" not in text and text.replace("\t", "").isprintable()


def _integer(layout: Layout, verb: str, value: int) -> str | None:
    number = abs(int(value))
    if verb == "v":
        verb = "d"
    if verb in _INTEGER_BASES:
        digits = format(number, _INTEGER_BASES[verb])
        if layout.precision is not None:
            digits = "" if number == layout.precision == 0 else digits.zfill(layout.precision)
        if "#" in layout.flags or verb == "O":
            digits = {"b": "0b", "o": "0", "O": "0o", "x": "0x", "X": "0X"}.get(verb, "") + digits
        text = layout.signed(digits, is_negative=value < 0)
        return layout.padded(text, zeros=layout.precision is None)
    if verb in "cqU":
        char = chr(number) if number < 0xD800 or 0xE000 <= number <= 0x10FFFF else "\ufffd"
        char = "\ufffd" if value < 0 else char
        if verb == "U":
            char = f"U+{number:04X}" + (f" '{char}'" if "#" in layout.flags else "")
        elif verb == "q":
            char = (
                "'" + ("\\'" if char == "'" else '"' if char == '"' else quoted(char)[1:-1]) + "'"
            )
        return layout.padded(char)
    return None


def _float(layout: Layout, verb: str, value: float) -> str:
    is_negative = math.copysign(1, value) < 0
    if not math.isfinite(value):
        sign = "+" if value > 0 and "+" in layout.flags else "-" if value < 0 else ""
        return "NaN" if math.isnan(value) else f"{sign or '+'}Inf"
    number = abs(value)
    if verb in "bxX":
        text = number.hex()
    elif verb in "eE":
        text = _exponent(number, 6 if layout.precision is None else layout.precision, verb)
    elif verb in "fF":
        text = f"{number:.{6 if layout.precision is None else min(layout.precision, 1100)}f}"
    elif layout.precision is None:
        text = float_text(number, letter="E" if verb == "G" else "e")
    else:
        text = _significant(number, max(layout.precision, 1), "E" if verb == "G" else "e")
    return layout.signed(text, is_negative=is_negative)


def _exponent(number: float, places: int, letter: str) -> str:
    return f"{number:.{min(places, 1100)}{letter}}"


def _significant(number: float, places: int, letter: str) -> str:
    """A number by its significant digits, without zeros at the end."""
    if not number:
        return "0"
    mantissa, _, exponent = f"{number:.{min(places, 800) - 1}e}".partition("e")
    digits = mantissa.replace(".", "").rstrip("0")
    point = int(exponent) + 1
    threshold = len(digits) if places > len(digits) >= point else places
    if not -4 <= point - 1 < threshold:
        return as_exponent(digits, point, letter)
    return as_plain(digits, point)
