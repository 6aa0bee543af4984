"""Values as Go's fmt prints them with %v, and the join of print and println."""

from collections.abc import Iterable, Sequence
from typing import Final

from floe.expr.fuel import Fuel
from floe.expr.gotext.go_values import (
    ABSENT,
    GoNamed,
    Value,
    bytes_of,
    deeper,
    in_order,
)
from floe.expr.gotext.numbers import float_text

NO_VALUE: Final = "<no value>"
NIL: Final = "<nil>"


def shown(value: Value, fuel: Fuel) -> str:
    """A value as an action prints it. Raises TooMuch."""
    if isinstance(value, str):
        return value
    return NO_VALUE if value is None or value is ABSENT else printed(value, fuel)


def printed(value: Value, fuel: Fuel, depth: int = 0) -> str:
    """A value as %v prints it. Raises TooMuch."""
    fuel.spend(1)
    if isinstance(value, str):
        return value
    if value is None or value is ABSENT:
        return NIL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, GoNamed):
        return value.text()
    deeper(depth)
    if isinstance(value, dict):
        pairs = (f"{key}:{printed(value[key], fuel, depth + 1)}" for key in in_order(value))
        text = f"map[{_joined(pairs, fuel)}]"
    else:
        text = f"[{_joined((printed(one, fuel, depth + 1) for one in value), fuel)}]"
    return text


def _joined(parts: Iterable[str], fuel: Fuel) -> str:
    """Parts with a space between, paid for one by one: so the whole is bounded by the fuel."""
    texts = []
    for part in parts:
        fuel.make(len(part) + 1)
        texts.append(part)
    return " ".join(texts)


def print_together(values: Sequence[Value], fuel: Fuel) -> str:
    """Go's Sprint: a space between two values of which neither is a text."""
    parts: list[str] = []
    after_text = True
    for value in values:
        is_text = isinstance(value, str)
        if not is_text and not after_text:
            parts.append(" ")
        parts.append(printed(value, fuel))
        after_text = is_text
    fuel.make(sum(map(len, parts)))
    return "".join(parts)


def print_line(values: Sequence[Value], fuel: Fuel) -> str:
    """Go's Sprintln: spaces between all, and the end of a line."""
    parts = [printed(value, fuel) for value in values]
    fuel.make(sum(map(len, parts)) + len(parts))
    return " ".join(parts) + "\n"


def quoted(text: str) -> str:
    """A text as %q prints it: a literal of Go."""
    return '"' + "".join(map(_escaped, text)) + '"'


_ESCAPES: Final = {
    '"': '\\"',
    "\\": "\\\\",
    **dict(zip("\a\b\f\n\r\t\v", ("\\a", "\\b", "\\f", "\\n", "\\r", "\\t", "\\v"), strict=True)),
}


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char == " " or (char.isprintable() and not "\ud800" <= char <= "\udfff"):
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def byte_count(text: str) -> int:
    """The length of a text in bytes."""
    return len(text) if text.isascii() else len(bytes_of(text))
