"""Splits the text of a template into tokens: plain text, and what is in `{{ }}` and `{% %}`.

The oddities of pongo2 are kept, since flows are written around them: a word may begin with a digit,
a sign without meaning ends a tag early, and a verbatim part cannot be empty.
"""

import re
from collections.abc import Generator, Iterator
from typing import Final, Literal, NamedTuple

from floe.expr.errors import ExpressionError
from floe.expr.fuel import RESULT_BYTES_MAX

CHARS_MAX: Final = RESULT_BYTES_MAX
"""Of a template."""

TOKENS_MAX: Final = 50_000
"""Of a template."""

TokenKind = Literal["plain", "keyword", "name", "text", "number", "sign"]


class PongoToken(NamedTuple):
    """A token of a template, and its place."""

    kind: TokenKind
    text: str
    at: int
    trims: bool = False
    """Of a sign: it has a hyphen, and the plain text beside it loses its blanks."""


BLANKS: Final = " \n\r\t"
KEYWORDS: Final = frozenset({"in", "and", "or", "not", "true", "false", "as", "export"})
_CLOSING: Final = frozenset({"%}", "-%}", "}}", "-}}"})
_SIGN: Final = re.compile(
    r"\{\{-|-\}\}|\{%-|-%\}|==|>=|<=|&&|\|\||\{\{|\}\}|\{%|%\}|!=|<>|[()+\-*<>/^,.!|:=%]"
)
_WORD: Final = re.compile(r"[0-9]*[A-Za-z_][A-Za-z0-9_]*")
_NUMBER: Final = re.compile(r"[0-9]+")
_QUOTED: Final = {
    quote: re.compile(rf'{quote}((?:[^{quote}\\\n\x01]|\\[\\"])*){quote}') for quote in "\"'"
}
_SPECIAL: Final = re.compile(r"\{[{%#]|\x01")
_VERBATIM: Final = "{% verbatim %}"
_END: Final = "{% endverbatim %}"


def tokens(text: str) -> list[PongoToken]:
    """The tokens of a template. Raises ExpressionError with the place of the mistake."""
    if len(text) > CHARS_MAX:
        raise ExpressionError("a template has at most 1 MiB", offset=0)
    found: list[PongoToken] = []
    for token in _tokens(text):
        found.append(token)
        if len(found) > TOKENS_MAX:
            what = f"a template has at most {TOKENS_MAX} words and signs"
            raise ExpressionError(what, offset=token.at)
    return found


def _tokens(text: str) -> Iterator[PongoToken]:
    """Tokens in order; a character U+0001 ends a template, as it does in pongo2."""
    at = start = 0
    while special := _SPECIAL.search(text, at):
        at = special.start()
        if special[0] == "\x01":
            at += 1
            break
        if at > start:
            yield PongoToken("plain", text[start:at], start)
        if text.startswith(_VERBATIM, at):
            start = at + len(_VERBATIM)
            end = _end_of_verbatim(text, start, at)
            yield PongoToken("plain", text[start:end], start)
            at = start = end + len(_END)
            if not text.startswith(_VERBATIM, at):
                continue
        elif special[0] == "{#":
            at = start = _end_of_comment(text, at)
            continue
        at = yield from _code(text, at)
        start = at
    else:
        at = len(text)
    if at > start:
        yield PongoToken("plain", text[start:at], start)


def _end_of_verbatim(text: str, start: int, opened: int) -> int:
    end = text.find(_END, start + 1)
    if end < 0 or "\x01" in text[start:end]:
        raise ExpressionError("`verbatim` is never closed", _END, opened)
    return end


def _end_of_comment(text: str, opened: int) -> int:
    end = text.find("#}", opened + 2)
    if end < 0 or "\x01" in text[opened:end]:
        hint = "{% templatetag opencomment %} gives these two signs"
        raise ExpressionError("`{#` begins a comment that is never closed", hint, opened)
    if (newline := text.find("\n", opened, end)) >= 0:
        what = "a comment has one line"
        raise ExpressionError(what, "{% comment %} … {% endcomment %} has more", newline)
    return end + 2


def _code(text: str, at: int) -> Generator[PongoToken, None, int]:
    """The tokens from a `{{` or `{%` to its end, or to a sign that has no meaning."""
    while at < len(text):
        sign = text[at]
        if sign in BLANKS:
            if sign == "\n":
                raise ExpressionError("a tag ends on its line", offset=at)
            at += 1
        elif word := _WORD.match(text, at):
            kind: TokenKind = "keyword" if word[0] in KEYWORDS else "name"
            yield PongoToken(kind, word[0], at)
            at = word.end()
        elif number := _NUMBER.match(text, at):
            yield PongoToken("number", number[0], at)
            at = number.end()
        elif sign in "\"'":
            quoted = _quoted(text, at)
            yield PongoToken("text", _unescaped(quoted[1]), at)
            at = quoted.end()
        elif signs := _SIGN.match(text, at):
            trims = len(signs[0]) == 3
            yield PongoToken("sign", signs[0].replace("-", "") if trims else signs[0], at, trims)
            at = signs.end()
            if signs[0] in _CLOSING:
                break
        else:
            break
    return at


def _quoted(text: str, at: int) -> re.Match[str]:
    if quoted := _QUOTED[text[at]].match(text, at):
        return quoted
    end = re.compile(r'(?:[^\\\n\x01]|\\[\\"])*').match(text, at + 1)
    stop = end.end() if end else at
    if text[stop : stop + 1] == "\\":
        hint = "in a text write \\\\ for a backslash, as in '\\\\w+'"
        raise ExpressionError("a backslash has no meaning before this sign", hint, stop)
    raise ExpressionError("the quote is never closed on its line", offset=at)


def _unescaped(text: str) -> str:
    return text.replace('\\"', '"').replace("\\\\", "\\")
