"""Splits the text of an expression into tokens, up to its end or to the `}}` that closes it."""

import re
from typing import Final, Literal, NamedTuple

from floe.expr.errors import ExpressionError
from floe.expr.values import exact
from floe.model.ids import Json

CHARS_MAX: Final = 4096
"""Of an expression."""

TOKENS_MAX: Final = 500
"""Of an expression, and of all of a template together."""

WordKind = Literal["name", "value", "sign", "end"]


class ExpressionToken(NamedTuple):
    """A token of an expression: a name, a number or text with its value, a sign, or the end."""

    kind: WordKind
    text: str
    at: int
    value: Json = None


_BLANKS: Final = re.compile(r"\s*")
_TOKEN: Final = re.compile(
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<quoted>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<sign>\*\*|//|==|!=|<=|>=|&&|\|\||[-+*/%~<>()\[\]{}.,:|=!])",
    re.DOTALL,
)
_MEMBER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:-+[A-Za-z0-9_]+)*")
"""A name behind a dot may have hyphens, as ids and names of values have."""

_ESCAPE: Final = re.compile(r"\\([\\'\"nt])")
_ESCAPED: Final = {"n": "\n", "t": "\t"}
_OPEN, _CLOSED = "([{", ")]}"


def tokens(text: str, *, in_braces: bool = False) -> tuple[list[ExpressionToken], int]:
    """The tokens of a text, and the offset behind them. Raises ExpressionError.

    With `in_braces` they end at `}}`, which must come; otherwise with the text.
    """
    found: list[ExpressionToken] = []
    at, depth, is_member = 0, 0, False
    if in_braces and "}}" not in text:
        raise _unclosed()
    while True:
        blanks = _BLANKS.match(text, at)
        at = blanks.end() if blanks else at
        if at >= len(text):
            if in_braces:
                raise _unclosed()
            found.append(ExpressionToken("end", "", at))
            return found, at
        if in_braces and not depth and text.startswith("}}", at):
            found.append(ExpressionToken("end", "", at))
            return found, at + 2
        if at >= CHARS_MAX:
            raise ExpressionError(f"an expression has at most {CHARS_MAX} characters", offset=0)
        if len(found) >= TOKENS_MAX:
            raise ExpressionError(
                f"an expression has at most {TOKENS_MAX} words and signs", offset=0
            )
        token = _token(text, at, is_member=is_member)
        is_member = token.text == "." and token.kind == "sign"
        if token.kind == "sign":
            depth += (token.text in _OPEN) - (token.text in _CLOSED)
        found.append(token)
        at += len(token.text)


def _unclosed() -> ExpressionError:
    return ExpressionError("`{{` is never closed by `}}`", "{{ values.branch }}", 0)


def _token(text: str, at: int, *, is_member: bool) -> ExpressionToken:
    match = (_MEMBER.match(text, at) if is_member else None) or _TOKEN.match(text, at)
    if match is None:
        if text[at] in "'\"":
            raise ExpressionError(
                "the quote is never closed", "a quote in a text is written \\'", at
            )
        raise ExpressionError(f"`{text[at]}` has no meaning in an expression", offset=at)
    kind = match.lastgroup
    if kind is None or kind == "name":
        return ExpressionToken("name", match[0], at)
    if kind == "quoted":
        return ExpressionToken("value", match[0], at, _unquoted(match[0]))
    return (
        ExpressionToken("value", match[0], at, _number(match[0], at))
        if kind == "number"
        else (ExpressionToken("sign", match[0], at))
    )


def _unquoted(text: str) -> str:
    """Quoted text without its quotes; a backslash before any other sign stays, as in patterns."""
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text[1:-1])


def _number(text: str, at: int) -> int | float:
    try:
        return exact(int(text[:40]) if text.isdigit() else float(text))
    except ExpressionError as fault:
        fault.place(at)
        raise
