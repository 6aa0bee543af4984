"""Reads the literals of a template: texts with escapes, characters, numbers."""

import re
from collections.abc import Callable
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.gotext.go_values import INT64_END, text_of
from floe.expr.gotext.numbers import read_float, read_int
from floe.expr.gotext.tokens import TemplateToken
from floe.expr.gotext.tree import Constant

_SIMPLE: Final = dict(zip("abfnrtv\\", "\a\b\f\n\r\t\v\\", strict=True))
_ESCAPE: Final = re.compile(
    r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|)"
)


def read_text(token: TemplateToken) -> str:
    """The value of a quoted or raw text. Raises ExpressionError."""
    if token.kind == "raw":
        return token.text[1:-1]
    return _unescaped(token, '"')


def read_constant(token: TemplateToken) -> Constant:
    """The value of a literal. Raises ExpressionError."""
    match token.kind:
        case "quoted" | "raw":
            return Constant(token.at, read_text(token))
        case "bool":
            return Constant(token.at, token.text == "true")
        case "char":
            char = _unescaped(token, "'")
            if len(char) != 1:
                raise ExpressionError("malformed character constant", offset=token.at)
            return Constant(token.at, ord(char), ord(char))
        case _:
            return _number(token)


def _unescaped(token: TemplateToken, quote: str) -> str:
    inner = token.text[1:-1]
    return _ESCAPE.sub(_expand(token, quote), inner) if "\\" in inner else inner


def _expand(token: TemplateToken, quote: str) -> Callable[[re.Match[str]], str]:
    def expanded(found: re.Match[str]) -> str:
        simple, hexadecimal, octal, *code_points = found.groups()
        if simple and (simple in _SIMPLE or simple == quote):
            return _SIMPLE.get(simple, simple)
        byte = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else -1
        if 0 <= byte < 256:
            return chr(byte) if quote == "'" else text_of(bytes([byte]))
        code_point = next((int(one, 16) for one in code_points if one), -1)
        if 0 <= code_point < 0xD800 or 0xE000 <= code_point <= 0x10FFFF:
            return chr(code_point)
        raise ExpressionError("invalid syntax in an escape", offset=token.at)

    return expanded


def _number(token: TemplateToken) -> Constant:
    whole = read_int(token.text)
    if whole is not None:
        if -INT64_END <= whole < INT64_END:
            return Constant(token.at, whole, whole)
        raise ExpressionError(f"integer overflow: {token.text}", offset=token.at)
    number = read_float(token.text)
    if number is None:
        raise ExpressionError(f"illegal number syntax: {token.text}", offset=token.at)
    fits = number.is_integer() and -INT64_END <= number < INT64_END
    return Constant(token.at, number, int(number) if fits else None)
