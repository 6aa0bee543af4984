"""Splits a Go template into tokens: text outside of `{{` and `}}`, and the parts of actions."""

import re
from collections.abc import Generator, Iterator
from typing import Final, Literal, NamedTuple

from floe.expr.errors import ExpressionError

# fmt: off
TokenKind = Literal[
    "text", "open", "close", "space", "name", "keyword", "bool", "nil", "dot", "field",
    "variable", "number", "char", "quoted", "raw", "assign", "declare", "pipe", "(", ")",
    "sign", "end of text",
]
# fmt: on

TEXT_MAX: Final = 1 << 20
"""Characters of a template."""

KEYWORDS: Final = frozenset(
    ("block", "break", "continue", "define", "else", "end", "if", "range", "template", "with")
)

_NUMBER: Final = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*|0[bB][01_]*|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_WORD: Final = re.compile(r"\w*")
_DIGITS: Final = frozenset("0123456789")
_SIGNED: Final = _DIGITS | {"+", "-"}
_SPACES: Final = " \t\r\n"
_SPACE: Final = re.compile(r"(?:[ \t\r\n](?!-\}\}))+")
_CLOSE: Final = re.compile(r"(?:[ \t\r\n]-\}\}[ \t\r\n]*)|\}\}")
_OPEN: Final = re.compile(r"\{\{(-(?=[ \t\r\n]))?")
_QUOTED: Final = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_CHAR: Final = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")


class TemplateToken(NamedTuple):
    """A part of a template, with its place."""

    kind: TokenKind
    text: str
    at: int


def tokens_of(text: str) -> Iterator[TemplateToken]:
    """All tokens in order, the end of the text last. Raises ExpressionError."""
    if len(text) > TEXT_MAX:
        raise ExpressionError(f"a template has at most {TEXT_MAX} characters", offset=0)
    at = 0
    while opened := _OPEN.search(text, at):
        before = text[at : opened.start()]
        if opened[1]:
            before = before.rstrip(_SPACES)
        if before:
            yield TemplateToken("text", before, at)
        inner = opened.end() + (1 if opened[1] else 0)
        if text.startswith("/*", inner):
            at = _after_comment(text, inner)
            continue
        yield TemplateToken("open", opened[0], opened.start())
        at = yield from _action(text, opened.end())
    if at < len(text):
        yield TemplateToken("text", text[at:], at)
    yield TemplateToken("end of text", "", len(text))


def _after_comment(text: str, at: int) -> int:
    """The place behind a comment and its `}}`."""
    end = text.find("*/", at)
    if end < 0:
        raise ExpressionError("unclosed comment", offset=at)
    closed = _CLOSE.match(text, end + 2)
    if not closed:
        raise ExpressionError("comment ends before closing delimiter", offset=end)
    return closed.end()


def _action(text: str, at: int) -> Generator[TemplateToken, None, int]:
    """The tokens up to and with `}}`; the place behind it is the value of the generator."""
    depth = 0
    while at < len(text):
        if closed := _CLOSE.match(text, at):
            if depth:
                raise ExpressionError("unclosed left paren", offset=at)
            yield TemplateToken("close", closed[0], at)
            return closed.end()
        token = _token(text, at)
        depth += {"(": 1, ")": -1}.get(token.kind, 0)
        if depth < 0:
            raise ExpressionError("unexpected right paren", offset=at)
        yield token
        at += len(token.text)
    raise ExpressionError("unclosed action", offset=at)


def _token(text: str, at: int) -> TemplateToken:
    """The next token of an action."""
    char = text[at]
    if char in _SPACES:
        return _matched("space", _SPACE, text, at, "unexpected space")
    if char in "()":
        return TemplateToken("(" if char == "(" else ")", char, at)
    if char == "|":
        return TemplateToken("pipe", char, at)
    if char == "=":
        return TemplateToken("assign", char, at)
    if char == ":":
        if text.startswith(":=", at):
            return TemplateToken("declare", ":=", at)
        raise ExpressionError("expected :=", offset=at)
    if char == '"':
        return _matched("quoted", _QUOTED, text, at, "unterminated quoted string")
    if char == "'":
        return _matched("char", _CHAR, text, at, "unterminated character constant")
    if char == "`":
        end = text.find("`", at + 1)
        if end < 0:
            raise ExpressionError("unterminated raw quoted string", offset=at)
        return TemplateToken("raw", text[at : end + 1], at)
    return _word(text, at, char)


def _word(text: str, at: int, char: str) -> TemplateToken:
    """A name, a field, a variable, a number or a sign."""
    if char in _SIGNED or (char == "." and text[at + 1 : at + 2] in _DIGITS):
        return _number(text, at)
    if char in ".$" or _is_of_word(char):
        word = _WORD.match(text, at + 1)
        assert word
        end = word.end()
        if not _ends_word(text, end):
            raise ExpressionError(f"bad character {_named(text[end])}", offset=end)
        return TemplateToken(_kind_of(text[at:end]), text[at:end], at)
    if char.isascii() and char.isprintable():
        return TemplateToken("sign", char, at)
    raise ExpressionError(f"unrecognized character in action: {_named(char)}", offset=at)


def _kind_of(word: str) -> TokenKind:
    if word[0] == ".":
        return "field" if len(word) > 1 else "dot"
    if word[0] == "$":
        return "variable"
    if word in KEYWORDS:
        return "keyword"
    return "bool" if word in ("true", "false") else "nil" if word == "nil" else "name"


def _is_of_word(char: str) -> bool:
    return char == "_" or char.isalnum()


def _ends_word(text: str, at: int) -> bool:
    return at == len(text) or text[at] in " \t\r\n.,|:()" or text.startswith("}}", at)


def _number(text: str, at: int) -> TemplateToken:
    found = _NUMBER.match(text, at)
    assert found
    end = found.end()
    if end < len(text) and _is_of_word(text[end]):
        raise ExpressionError(f"bad number syntax: {text[at : end + 1]}", offset=at)
    return TemplateToken("number", found[0], at)


def _matched(
    kind: TokenKind, pattern: re.Pattern[str], text: str, at: int, otherwise: str
) -> TemplateToken:
    found = pattern.match(text, at)
    if not found:
        raise ExpressionError(otherwise, offset=at)
    return TemplateToken(kind, found[0], at)


def _named(char: str) -> str:
    """A character as Go names it: U+002D '-'."""
    return f"U+{ord(char):04X}" + (f" '{char}'" if char.isprintable() else "")
