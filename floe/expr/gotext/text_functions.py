"""Functions of texts: parts, searches, quotes, lists of texts.

Positions count bytes, as Go's do. Source: https://masterminds.github.io/sprig/strings.html.
"""

from collections.abc import Sequence
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.gotext.calls import Function, Scope, function
from floe.expr.gotext.go_values import (
    TextList,
    TextMap,
    Value,
    bytes_of,
    is_list,
    text_of,
)
from floe.expr.gotext.printing import printed, quoted

SPACES: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Go takes for white space."""


def as_text(value: Value, fuel: Fuel) -> str:
    """What `toString` makes of a value."""
    return str(value) if isinstance(value, str) else printed(value, fuel)


def as_texts(value: Value, fuel: Fuel) -> TextList:
    """What `toStrings` makes of a value: a list without nil."""
    if value is None:
        return TextList()
    given = value if is_list(value) else [value]
    return TextList(as_text(one, fuel) for one in given if one is not None)


def cut(text: str, start: int | None, end: int | None) -> str:
    """Bytes of a text. Raises ExpressionError if they are not within it."""
    data = bytes_of(text)
    start, end = start or 0, len(data) if end is None else end
    if not 0 <= start <= end <= len(data):
        raise ExpressionError("slice bounds out of range")
    return text_of(data[start:end])


def _substr(start: int, end: int, text: str) -> str:
    if start < 0:
        return cut(text, None, end)
    if end < 0 or end > len(bytes_of(text)):
        return cut(text, start, None)
    return cut(text, start, end)


def _trunc(count: int, text: str) -> str:
    size = len(bytes_of(text))
    if count < 0 and size + count > 0:
        return cut(text, size + count, None)
    return cut(text, None, count) if 0 <= count < size else text


def _repeat(scope: Scope, count: int, text: str) -> str:
    if count < 0:
        raise ExpressionError("negative Repeat count")
    scope.fuel.make(count * max(len(text), 1))
    return text * count


def _replace(scope: Scope, old: str, new: str, text: str) -> str:
    found = text.count(old)
    scope.fuel.make(max(len(text) + found * (len(new) - len(old)), len(text)))
    return text.replace(old, new)


def _indent(scope: Scope, spaces: int, text: str) -> str:
    if spaces < 0:
        raise ExpressionError("negative Repeat count")
    scope.fuel.make(len(text) + (text.count("\n") + 1) * spaces)
    pad = " " * spaces
    return pad + text.replace("\n", "\n" + pad)


def split(text: str, separator: str, fuel: Fuel, most: int = -1) -> list[str]:
    """The parts between separators; an empty separator parts all characters."""
    if most == 0:
        return []
    if separator:
        fuel.spend(text.count(separator))
        return text.split(separator, most - 1 if most > 0 else -1)
    fuel.spend(len(text))
    if most < 0 or most >= len(text):
        return list(text)
    return [*text[: most - 1], text[most - 1 :]]


def _numbered(parts: Sequence[str]) -> TextMap:
    return TextMap({f"_{number}": part for number, part in enumerate(parts)})


def _quote(scope: Scope, *values: Value) -> str:
    texts = [as_text(one, scope.fuel) for one in values if one is not None]
    scope.fuel.make(4 * sum(map(len, texts)))
    return " ".join(map(quoted, texts))


def _squote(scope: Scope, *values: Value) -> str:
    return " ".join(f"'{printed(one, scope.fuel)}'" for one in values if one is not None)


def _cat(scope: Scope, *values: Value) -> str:
    texts = [printed(one, scope.fuel) for one in values if one is not None]
    scope.fuel.make(sum(map(len, texts)) + len(texts))
    return " ".join(texts)


def _join(scope: Scope, separator: str, values: Value) -> str:
    texts = as_texts(values, scope.fuel)
    scope.fuel.make(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _sorted(scope: Scope, values: Value) -> TextList:
    texts = as_texts(values, scope.fuel)
    scope.fuel.spend(2 * len(texts))
    return TextList(sorted(texts, key=bytes_of))


TEXTS: Final[dict[str, Function]] = {
    "cat": function("any...", _cat),
    "contains": function("text text", lambda _, part, text: part in text),
    "hasPrefix": function("text text", lambda _, part, text: text.startswith(part)),
    "hasSuffix": function("text text", lambda _, part, text: text.endswith(part)),
    "hello": function("", lambda _: "Hello!"),
    "indent": function("int text", _indent),
    "join": function("text any", _join),
    "nindent": function("int text", lambda scope, *given: "\n" + _indent(scope, *given)),
    "plural": function("text text int", lambda _, one, many, count: one if count == 1 else many),
    "quote": function("any...", _quote),
    "repeat": function("int text", _repeat),
    "replace": function("text text text", _replace),
    "sortAlpha": function("any", _sorted),
    "split": function("text text", lambda scope, by, text: _numbered(split(text, by, scope.fuel))),
    "splitList": function(
        "text text", lambda scope, by, text: TextList(split(text, by, scope.fuel))
    ),
    "splitn": function(
        "text int text", lambda scope, by, most, text: _numbered(split(text, by, scope.fuel, most))
    ),
    "squote": function("any...", _squote),
    "substr": function("int int text", lambda _, *given: _substr(*given)),
    "toString": function("any", lambda scope, value: as_text(value, scope.fuel)),
    "toStrings": function("any", lambda scope, value: as_texts(value, scope.fuel)),
    "trim": function("text", lambda _, text: text.strip(SPACES)),
    "trimAll": function("text text", lambda _, chars, text: text.strip(chars)),
    "trimPrefix": function("text text", lambda _, prefix, text: text.removeprefix(prefix)),
    "trimSuffix": function("text text", lambda _, suffix, text: text.removesuffix(suffix)),
    "trimall": function("text text", lambda _, chars, text: text.strip(chars)),
    "trunc": function("int text", lambda _, *given: _trunc(*given)),
}
