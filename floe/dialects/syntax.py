"""Explains YAML syntax errors in the terms of the document's author.

The parser names the token that it expected; the author needs the character that YAML misread.
"""

import re
from collections.abc import Mapping
from typing import Final

import yaml

from floe.dialects.blanks import ODD_BLANK, blank_finding
from floe.dialects.notes import Notes, Position

_VALUE: Final = re.compile(r"(?:\s*(?:-\s+|\?\s+)*)(?:[\w.-]+:\s+)?(\S)")
_OWN: Final = "[{*&!|>%@`\"'?"
"""Characters with a meaning of their own in YAML at the start of a value."""
_BACK_MAX: Final = 3
"""How many lines before the parser's position are searched for a false blank."""


def note_syntax_error(
    error: yaml.MarkedYAMLError, text: str, quoted: tuple[Position, Position] | None, notes: Notes
) -> None:
    """Report a syntax error of the parser.

    `quoted`: where the last quoted text of several lines begins and ends.
    """
    lines = text.splitlines() or [""]
    at = _mark(error.problem_mark) or _mark(error.context_mark) or Position(1, 1)
    began = _mark(error.context_mark)
    if at.line > len(lines):  # the parser reports the end of a document as an extra line
        at = Position(len(lines), len(lines[-1]) + 1)
    found = (
        _conflict(lines)
        or _odd_blank(lines, at)
        or _tab(lines, at)
        or _never_closed(error, lines, began, at)
        or _late_quote(quoted, at)
        or _own_sign(error, lines, began, at)
        or _no_space(lines, at)
    )
    if found:
        notes.error(*found)
        return
    what = f"not YAML: {error.problem}"
    if began and began.line < at.line:
        part = (error.context or "").replace("while parsing a ", "in the ")
        what += f" {part.replace('while scanning a ', 'in the ')} of line {began.line}"
    hint = next((h for part, h in _HINTS.items() if part in what), "")
    notes.error(at, what, hint)


Explanation = tuple[Position, str, str]


def _mark(mark: object) -> Position | None:
    line, col = getattr(mark, "line", None), getattr(mark, "column", None)
    return None if line is None or col is None else Position(line + 1, col + 1)


def _conflict(lines: list[str]) -> Explanation | None:
    for number, line in enumerate(lines, 1):
        if re.match(r"(<{7}|>{7}) \S|={7}$", line):
            return (
                Position(number, 1),
                "git left a merge conflict here",
                "keep one of the two sides",
            )
    return None


def _odd_blank(lines: list[str], at: Position) -> Explanation | None:
    for number in range(at.line, max(0, at.line - _BACK_MAX), -1):
        if found := ODD_BLANK.search(lines[number - 1]):
            where = Position(number, found.start() + 1)
            return where, *blank_finding(found[0])
    return None


def _tab(lines: list[str], at: Position) -> Explanation | None:
    line = lines[at.line - 1]
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        return (
            Position(at.line, indent.index("\t") + 1),
            "a tab in the indentation",
            "indent with spaces",
        )
    found = re.match(r"\s*(?:- )*[\w-]+:\t", line)
    if found:
        return Position(at.line, found.end()), "a tab after the colon", "write a space"
    return None


def _never_closed(
    error: yaml.MarkedYAMLError, lines: list[str], began: Position | None, at: Position
) -> Explanation | None:
    problem = error.problem or ""
    if began is None:
        return None
    sign = _char(lines, began)
    if "end of stream" in problem or "document indicator" in problem:
        return began, "not YAML: this is never closed", f"close the `{sign}` that opens here"
    if "did not find expected ',' or" in problem:
        other = {"{": "}", "[": "]"}.get(sign, "its end")
        what = f"the `{sign}` that opens here is not closed before line {at.line}, column {at.col}"
        return began, what, f"write `{other}`, or quote the text that has `{sign}` in it"
    return None


def _late_quote(quoted: tuple[Position, Position] | None, at: Position) -> Explanation | None:
    if quoted and quoted[1].line == at.line:
        what = f"the quote that opens here closes only in line {at.line}, column {quoted[1].col}"
        return quoted[0], what, "close it in the same line"
    return None


def _own_sign(
    error: yaml.MarkedYAMLError, lines: list[str], began: Position | None, at: Position
) -> Explanation | None:
    """Explain a text that begins with a character that YAML uses itself."""
    context, problem = error.context or "", error.problem or ""
    for part, where in (("an alias", began), ("an anchor", began), ("any token", at)):
        if where and part in f"{context} {problem}":
            before = lines[where.line - 1][: where.col - 1].rstrip()
            is_start = not before or before[-1] in ":,[{-"
            return _quote_it(lines, where if is_start else _value(lines, where) or where)
    value = _value(lines, at)
    if value is None:
        return None
    sign = _char(lines, value)
    after = at.col > value.col
    if sign in "\"'" and after and "expected key" in problem:
        what = f"text continues after the closing `{sign}`"
        return value, what, "quote the whole text with the other kind of quotes"
    if sign in "|>" and "comment or line break" in problem:
        return _quote_it(lines, value)
    if sign in "[{" and after and "expected" in problem:
        if at.col > len(lines[at.line - 1]):
            return value, f"not YAML: the `{sign}` that opens here is never closed", "close it"
        if _char(lines, at) not in "]}":
            return _quote_it(lines, value)
    if sign == "?" or (sign == "%" and "directive" in problem + context):
        return _quote_it(lines, value)
    if _char(lines, at) in "]}" and "expected key" in problem:
        return at, f"`{_char(lines, at)}` closes nothing", "remove it, or quote the text it is in"
    return None


def _value(lines: list[str], at: Position) -> Position | None:
    """Where the value in a line begins, if its first character is one of YAML's own."""
    found = _VALUE.match(lines[at.line - 1]) if at.line <= len(lines) else None
    is_own = found is not None and found[1] in _OWN
    return Position(at.line, found.start(1) + 1) if found and is_own else None


def _quote_it(lines: list[str], at: Position) -> Explanation:
    rest = lines[at.line - 1][at.col - 1 :].rstrip()
    if at.col > 1 and not re.fullmatch(
        r"\s*(?:- )*(?:[\w-]+: +)?", lines[at.line - 1][: at.col - 1]
    ):
        rest = re.split(r"[},\]]", rest)[0].rstrip()
    sign = _char(lines, at)
    quote = "'" if '"' in rest else '"'
    name = "a backtick" if sign == "`" else f"`{sign}`"
    return at, f"a text that begins with {name} needs quotes", f"{quote}{rest[:60]}{quote}"


def _no_space(lines: list[str], at: Position) -> Explanation | None:
    """Explain `key:value` and `-item`, which YAML reads as text."""
    for number in range(at.line, max(0, at.line - 2), -1):
        line = lines[number - 1]
        if found := re.match(r"\s*(?:- )*([\w-]+:)[^\s/:]", line):
            where = Position(number, found.end(1) + 1)
            return where, f"`{found[1]}` needs a space after the colon", f"{found[1]} ..."
        if found := re.match(r"(\s*-)[A-Za-z]", line):
            return Position(number, found.end(1) + 1), "`-` needs a space after it", "- name: ..."
    return None


def _char(lines: list[str], at: Position) -> str:
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    return line[at.col - 1 : at.col] or " "


def map_syntax_hint(text: str) -> str:
    """A hint about the syntax if a text was probably meant as a map."""
    found = re.match(r"([\w-]+):([^\s/].*)", text, re.DOTALL)
    return f"a space after the colon: {found[1]}: {found[2][:40]}" if found else ""


_HINTS: Final[Mapping[str, str]] = {
    "mapping values are not allowed": 'quote a text with ": " in it, or check the indentation',
    "did not find expected key": "check the indentation, and that quotes are closed",
    "block sequence entries are not": "begin a list on a line of its own, or quote the text",
    "did not find expected '-'": "check the indentation of this list",
    "did not find expected ',' or": "close the bracket, or quote the text that has one in it",
    "did not find expected node content": "close the bracket, or write a value here",
    "could not find expected ':'": "a key needs `: ` after it; check the indentation",
    "cannot start any token": "quote the text: YAML keeps this character for itself",
    "found undefined tag handle": "quote a text that begins with `!`",
    "unknown escape character": "use 'single quotes', or write \\\\ for a backslash",
}
