"""Filters that make a text of a text."""

import re
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.pongo2 import go_text
from floe.expr.pongo2.filters.go_format import formatted
from floe.expr.pongo2.go_text import octets
from floe.expr.pongo2.moments import Moment
from floe.expr.pongo2.moments import formatted as in_layout
from floe.expr.pongo2.operators import computed
from floe.expr.pongo2.scope import Rendering
from floe.expr.pongo2.values import Value, can_slice, integer_of, is_number, length_of, text_of

_KEYS: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999" * 2
)
_BLANKS: Final = re.compile("[\t\n\f\r ]+")
_IRI_SIGNS: Final = frozenset("/#%[]=:;$&()+,!?*@'~")


def _read(value: Value, run: Rendering, times: int = 1) -> str:
    """The text of a value, of which a filter makes one that is at most so many times as long."""
    text = text_of(value)
    run.fuel.make(times * len(text))
    return text


def lower(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text in lower case."""
    return go_text.lower(_read(value, run))


def upper(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text in capitals."""
    return go_text.upper(_read(value, run))


def capfirst(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text with a capital at its start."""
    if not length_of(value):
        return ""
    text = _read(value, run)
    return go_text.upper_character(text[:1]) + text[1:]


def title(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text in lower case, with capitals where words begin."""
    return go_text.title(go_text.lower(_read(value, run))) if isinstance(value, str) else ""


def addslashes(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a backslash before each quote and backslash."""
    text = _read(value, run, 2)
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")


def cut(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text without a part."""
    text, part = _read(value, run), text_of(argument)
    return text.replace(part, "") if part else text


def center(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text between blanks; the left ones are more by one or none."""
    blanks = integer_of(argument) - length_of(value)
    if blanks <= 0:
        return value
    text = text_of(value)
    run.fuel.make(len(text) + blanks)
    return " " * (blanks - blanks // 2) + text + " " * (blanks // 2)


def ljust(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text before blanks."""
    text, blanks = text_of(value), max(integer_of(argument) - length_of(value), 0)
    run.fuel.make(len(text) + blanks)
    return text + " " * blanks


def rjust(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text behind blanks; with a negative width, before them."""
    text, width = text_of(value), integer_of(argument)
    run.fuel.make(max(len(text), abs(width)))
    return text.ljust(-width) if width < 0 else text.rjust(width)


def truncatechars(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the first characters of a text, the last three of them dots if it is cut."""
    text, count = _read(value, run), integer_of(argument)
    if count >= len(text):
        return text
    if count < 0:
        raise ExpressionError("`truncatechars` takes no negative number")
    return f"{text[: count - 3]}..." if count >= 3 else text[:count]


def truncatewords(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the first words of a text, and dots if it has more."""
    words, count = go_text.words(_read(value, run)), integer_of(argument)
    if count <= 0:
        return ""
    return " ".join([*words[:count], *(["..."] if count < len(words) else [])])


def wordcount(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: how many words a text has."""
    return len(go_text.words(_read(value, run)))


def wordwrap(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: lines of so many words; two or more words too many are an error."""
    words, count = go_text.words(_read(value, run)), integer_of(argument)
    if count <= 0:
        return value
    lines, rest = divmod(len(words), count)
    if rest > 1:
        what = "`wordwrap` needs words for whole lines, or one more"
        raise ExpressionError(what)
    return "\n".join(" ".join(words[count * i : count * (i + 1)]) for i in range(lines + rest))


def safecopypaste(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text with plain blanks instead of those that do not break."""
    return _read(value, run).replace("\xa0", " ")


def removedupwhitespaces(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text with one blank for each row of them, and none at its end."""
    return _BLANKS.sub(" ", _read(value, run)).rstrip(" ")


def urlencode(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a text as it is in the query of an address."""
    return go_text.query_escaped(_read(value, run, 12))


def iriencode(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: an address with its own signs kept and all others escaped."""
    text = _read(value, run, 12)
    return "".join(c if c in _IRI_SIGNS else go_text.query_escaped(c) for c in text)


def phone2numeric(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: letters as the keys of a telephone."""
    return _read(value, run).translate(_KEYS)


def slice_of(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a part, as `from:to`. An end before the start is that of the text."""
    bounds = text_of(argument).split(":")
    if len(bounds) != 2:
        raise ExpressionError("`slice` takes two numbers with a colon", "|slice:'2:5'")
    if not can_slice(value):
        return value
    run.fuel.make(length_of(value))
    start, end = integer_of(bounds[0]), integer_of(bounds[1])
    if start < 0:
        raise ExpressionError("`slice` takes no negative start", "|slice:'2:'")
    start = min(start, length_of(value))
    if not start <= end <= length_of(value):
        end = length_of(value)
    part: Value = value[start:end] if isinstance(value, str) else _list_slice(value, start, end)
    return part


def _list_slice(value: Value, start: int, end: int) -> Value:
    assert isinstance(value, list)
    return value.__class__(value[start:end])


def stringformat(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a value in a format of Go: `%5.2f`."""
    return formatted(text_of(argument), value, run.fuel)


def date(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: an instant in a layout of Go: `2006-01-02`."""
    if not isinstance(value, Moment):
        raise ExpressionError("`date` and `time` take an instant", "Event.CreatedAt is one")
    layout = text_of(argument)
    run.fuel.make(4 * len(layout))
    return in_layout(value, layout)


def get_digit(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a digit, counted from the right; the value itself if there is none."""
    data, at = octets(text_of(value)), integer_of(argument)
    run.fuel.search(len(data))
    return (data[-at] - 48) % 256 if 0 < at <= len(data) else value


def add(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the sum of two numbers, else both texts in a row."""
    if is_number(value) and is_number(argument):
        return computed("+", value, argument)
    text, other = text_of(value), text_of(argument)
    run.fuel.make(len(text) + len(other))
    return text + other
