"""Functions of regular expressions, by RE2 as in Go.

Source: https://masterminds.github.io/sprig/strings.html, https://pkg.go.dev/regexp.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from floe.expr.byte_patterns import BytesPattern, PatternMatch
from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import Fuel
from floe.expr.gotext.calls import Function, Scope, function
from floe.expr.gotext.go_values import TextList, Value, bytes_of, text_of

_NAME: Final = re.compile(rb"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)
_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


def _compiled(pattern: str, fuel: Fuel) -> BytesPattern:
    """A pattern. Raises ExpressionError."""
    return BytesPattern(bytes_of(pattern), fuel)


def _all(pattern: BytesPattern, data: bytes, most: int, fuel: Fuel) -> Iterator[PatternMatch]:
    """Matches that do not overlap; an empty one right behind another does not count."""
    at, count, last_end = 0, 0, -1
    while at <= len(data) and count != most:
        found = pattern.search(data, at, fuel)
        if found is None:
            return
        is_empty_behind = found.end == at and found.start == last_end
        at = found.end if found.end > at else _next(data, at)
        last_end = found.end
        if not is_empty_behind:
            count += 1
            yield found


def _next(data: bytes, at: int) -> int:
    """The place behind a character."""
    at += 1
    while at < len(data) and 0x80 <= data[at] < 0xC0:
        at += 1
    return at


def _is_match(scope: Scope, pattern: str, text: str) -> bool:
    return _compiled(pattern, scope.fuel).search(bytes_of(text), 0, scope.fuel) is not None


def _find(scope: Scope, pattern: str, text: str) -> str:
    data = bytes_of(text)
    found = _compiled(pattern, scope.fuel).search(data, 0, scope.fuel)
    return text_of(data[found.start : found.end]) if found else ""


def _find_all(scope: Scope, pattern: str, text: str, most: int) -> TextList:
    data = bytes_of(text)
    every = _all(_compiled(pattern, scope.fuel), data, most, scope.fuel) if most else ()
    return TextList(text_of(data[one.start : one.end]) for one in every)


def _replace(scope: Scope, pattern: str, text: str, new: str, *, is_literal: bool = False) -> str:
    data, replacement, fuel = bytes_of(text), bytes_of(new), scope.fuel
    compiled = _compiled(pattern, fuel)
    made, last = [], 0
    for found in _all(compiled, data, -1, fuel):
        text_before = data[last : found.start]
        put = replacement if is_literal else _expanded(replacement, found, data, fuel)
        fuel.make(len(text_before) + len(put))
        made += [text_before, put]
        last = found.end
    fuel.make(sum(map(len, made)) + len(data))
    return text_of(b"".join([*made, data[last:]]))


def _expanded(replacement: bytes, found: PatternMatch, data: bytes, fuel: Fuel) -> bytes:
    """A replacement with what the groups found: `$1`, `${name}`, `$$`."""
    if b"$" not in replacement:
        return replacement
    fuel.make(len(replacement) + replacement.count(b"$") * (found.end - found.start))

    def group(name: re.Match[bytes]) -> bytes:
        if name[0] == b"$$":
            return b"$"
        start, end = found.group((name[1] or name[2]).decode())
        return data[start:end] if start >= 0 else b""

    return _NAME.sub(group, replacement)


def _split(scope: Scope, pattern: str, text: str, most: int) -> TextList:
    data, compiled = bytes_of(text), _compiled(pattern, scope.fuel)
    if not most:
        return TextList()
    if pattern and not text:
        return TextList([""])
    made: list[str] = []
    start = end = 0
    for found in _all(compiled, data, most, scope.fuel):
        if 0 < most == len(made) + 1:
            break
        end = found.start
        if found.end:
            made.append(text_of(data[start:end]))
        start = found.end
    if end != len(data):
        made.append(text_of(data[start:]))
    return TextList(made)


def _lenient(compute: Callable[..., Value], otherwise: Value) -> Callable[..., Value]:
    """The same, with a value for a pattern that is none."""

    def computed(scope: Scope, *given: Value) -> Value:
        try:
            return compute(scope, *given)
        except TooMuch:
            raise
        except ExpressionError:
            return otherwise

    return computed


def _literally(scope: Scope, *given: str) -> str:
    return _replace(scope, *given, is_literal=True)


def _quoted(_: Scope, text: str) -> str:
    return _SPECIAL.sub(lambda found: "\\" + found[0], text)


_REGEX: Final[dict[str, Function]] = {
    "Find": function("text text", _find),
    "FindAll": function("text text int", _find_all),
    "ReplaceAll": function("text text text", _replace),
    "ReplaceAllLiteral": function("text text text", _literally),
    "Split": function("text text int", _split),
}

PATTERNS: Final[dict[str, Function]] = {
    **{f"regex{name}": one for name, one in _REGEX.items()},
    **{f"mustRegex{name}": one for name, one in _REGEX.items()},
    "mustRegexMatch": function("text text", _is_match),
    "regexMatch": function("text text", _lenient(_is_match, otherwise=False)),
    "regexQuoteMeta": function("text", _quoted),
}
