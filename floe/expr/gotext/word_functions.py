"""Functions of words: upper and lower case, case of names, wrapping, abbreviations.

Source: https://masterminds.github.io/sprig/strings.html.
"""

import re
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.gotext.calls import Function, Scope, function
from floe.expr.gotext.go_values import bytes_of, text_of
from floe.expr.gotext.text_functions import SPACES

_WORD: Final = re.compile(
    r"[0-9]+[a-z][a-z0-9]*|[A-Z]+(?![a-z])(?:[0-9]+(?![a-z0-9]))?"
    r"|[A-Z]?[^\W\dA-Z_]+(?:[0-9]+(?![a-z0-9]))?|[0-9]+|[^A-Za-z0-9_ -]+"
)
_SEPARATORS: Final = re.compile(r"[_ -]+")


def upper(text: str) -> str:
    """A text in capitals, character by character."""
    if text.isascii():
        return text.upper()
    return "".join(other if len(other := char.upper()) == 1 else char for char in text)


def lower(text: str) -> str:
    """A text in small letters, character by character."""
    if text.isascii():
        return text.lower()
    return "".join(other if len(other := char.lower()) == 1 else char for char in text)


def _title_of(char: str) -> str:
    other = char.title()
    return other if len(other) == 1 else char


def _title(_: Scope, text: str) -> str:
    """Capitals at the beginnings of words."""
    made, is_start = [], True
    for char in text:
        made.append(_title_of(char) if is_start else char)
        is_start = not (char == "_" or char.isalnum() or (char > "~" and char not in SPACES))
    return "".join(made)


def _untitle(_: Scope, text: str) -> str:
    made, is_start = [], True
    for char in text:
        made.append(lower(char) if is_start and char not in SPACES else char)
        is_start = char in SPACES
    return "".join(made)


def _swapcase(_: Scope, text: str) -> str:
    made, is_start = [], True
    for char in text:
        if char.isupper() or char.istitle():
            made.append(lower(char))
            is_start = False
        elif char.islower():
            made.append(_title_of(char) if is_start else upper(char))
            is_start = False
        else:
            made.append(char)
            is_start = char in SPACES
    return "".join(made)


def _words(text: str, joint: str) -> str:
    """The words of a name in small letters, with a joint between them."""
    made = []
    for part in re.split(f"({_SEPARATORS.pattern})", text):
        if _SEPARATORS.fullmatch(part):
            made.append(joint * len(part))
        else:
            made.append(joint.join(lower(word[0]) for word in _WORD.finditer(part)))
    return "".join(made)


def _camel(_: Scope, text: str) -> str:
    """`http_server` as `HttpServer`; separators at the beginning stay."""
    start = re.match(r"[_ -]*", text)
    assert start
    words = _SEPARATORS.split(text[start.end() :])
    return start[0] + "".join(upper(word[:1]) + _tail(word[1:]) for word in words)


def _tail(text: str) -> str:
    return lower(text) if text.isupper() else text


def _initials(_: Scope, text: str) -> str:
    made, is_start = [], True
    for byte in bytes_of(text):
        is_space = chr(byte) in SPACES
        if is_start and not is_space:
            made.append(chr(byte))
        is_start = is_space
    return "".join(made)


def _nospace(_: Scope, text: str) -> str:
    kept = [chr(byte) for byte in bytes_of(text) if chr(byte) not in SPACES]
    return text if len(kept) == len(bytes_of(text)) else "".join(kept)


def _abbreviated(data: bytes, offset: int, width: int) -> bytes:
    if not data or width < 4 or len(data) <= width:
        return data if width >= 4 else b""
    offset = min(offset, len(data))
    if len(data) - offset < width - 3:
        offset = len(data) - (width - 3)
    if offset <= 4:
        return data[: width - 3] + b"..."
    if width < 7:
        return b""
    if offset + width - 3 < len(data):
        return b"..." + _abbreviated(data[offset:], 0, width - 3)
    return b"..." + data[len(data) - (width - 3) :]


def _abbrev(_: Scope, width: int, text: str) -> str:
    return text if width < 4 else text_of(_abbreviated(bytes_of(text), 0, width))


def _abbrev_both(_: Scope, left: int, right: int, text: str) -> str:
    if right < 4 or (left > 0 and right < 7):
        return text
    if left < 0:
        raise ExpressionError("slice bounds out of range")
    return text_of(_abbreviated(bytes_of(text), left, right))


def _wrapped(scope: Scope, width: int, joint: str, text: str, *, is_hard: bool) -> str:
    """A text in lines of a width in bytes, parted at spaces; long words stay or are parted."""
    data, separator, width = bytes_of(text), bytes_of(joint or "\n"), max(width, 1)
    made, at = [], 0
    while len(data) - at > width:
        scope.fuel.make(len(separator))
        if data[at] == 32:
            at += 1
            continue
        space = data.rfind(b" ", at, at + width + 1)
        if space < 0 and is_hard:
            end = following = at + width
        else:
            end = space if space >= 0 else data.find(b" ", at + width)
            following = end + 1
        if end < 0:
            break
        made += [data[at:end], separator]
        at = following
    scope.fuel.make(len(data) + sum(map(len, made[1::2])))
    return text_of(b"".join(made) + data[at:])


def _wrap(scope: Scope, width: int, text: str) -> str:
    return _wrapped(scope, width, "\n", text, is_hard=False)


def _wrap_with(scope: Scope, width: int, joint: str, text: str) -> str:
    return _wrapped(scope, width, joint, text, is_hard=True)


WORDS: Final[dict[str, Function]] = {
    "abbrev": function("int text", _abbrev),
    "abbrevboth": function("int int text", _abbrev_both),
    "camelcase": function("text", _camel),
    "initials": function("text", _initials),
    "kebabcase": function("text", lambda _, text: _words(text, "-")),
    "lower": function("text", lambda _, text: lower(text)),
    "nospace": function("text", _nospace),
    "snakecase": function("text", lambda _, text: _words(text, "_")),
    "swapcase": function("text", _swapcase),
    "title": function("text", _title),
    "untitle": function("text", _untitle),
    "upper": function("text", lambda _, text: upper(text)),
    "wrap": function("int text", _wrap),
    "wrapWith": function("int text text", _wrap_with),
}
