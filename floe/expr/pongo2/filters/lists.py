"""Filters that split, join, count and choose: of texts and lists."""

from floe.expr.errors import ExpressionError
from floe.expr.pongo2 import go_text
from floe.expr.pongo2.scope import Rendering
from floe.expr.pongo2.values import (
    SplitTexts,
    Value,
    can_slice,
    element,
    float_of,
    float_text,
    integer_of,
    is_number,
    is_true,
    length_of,
    text_of,
    truncated,
)


def split(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the parts of a text between separators; without one, its characters."""
    text, by = text_of(value), text_of(argument)
    run.fuel.make(len(text))
    run.fuel.spend(text.count(by) + 1)
    return SplitTexts(go_text.split(text, by))


def make_list(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the characters of a text."""
    return split(value, "", run)


def join(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the elements of a list as one text, with a separator."""
    if not can_slice(value):
        return value
    by, count = text_of(argument), length_of(value)
    run.fuel.spend(count)
    run.fuel.make(count * len(by))
    parts = [text_of(one) for one in value] if isinstance(value, str | list) else []
    run.fuel.make(sum(map(len, parts)) + count * len(by))
    return by.join(parts)


def first(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the first element of a text or list."""
    return element(value, 0) if can_slice(value) and length_of(value) else ""


def last(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the last element of a text or list."""
    if can_slice(value) and length_of(value):
        return element(value, length_of(value) - 1)
    return ""


def random(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: an element of a text or list by chance."""
    if not can_slice(value) or not length_of(value):
        return value
    return element(value, run.surroundings.below(length_of(value)))


def length(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: how many characters or elements a value has."""
    return length_of(value)


def length_is(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: whether a value has so many characters or elements."""
    return length_of(value) == integer_of(argument)


def default(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: another value for an empty one, 0 and false."""
    return value if is_true(value) else argument


def default_if_none(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: another value for one that is missing."""
    return argument if value is None else value


def yesno(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: one of two texts for true and false; a third one for nothing."""
    choices = ["yes", "no", "maybe"]
    if text := text_of(argument):
        run.fuel.search(len(text))
        given = text.split(",", 3)
        if len(given) not in (2, 3):
            raise ExpressionError("`yesno` takes two or three texts", "|yesno:'on,off'")
        choices[: len(given)] = given
    if value is None:
        return choices[2]
    return choices[0] if is_true(value) else choices[1]


def pluralize(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the ending of a word for a number: `s`, or that of the argument."""
    if not is_number(value):
        raise ExpressionError("`pluralize` takes a number", "|length counts")
    is_one = integer_of(value) == 1
    if not length_of(argument):
        return "" if is_one else "s"
    endings = text_of(argument).split(",", 2)
    if len(endings) > 2:
        raise ExpressionError("`pluralize` takes one or two endings", "|pluralize:'y,ies'")
    if len(endings) == 1:
        return "" if is_one else endings[0]
    return endings[0] if is_one else endings[1]


def integer(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a value as a whole number; 0 if it is none."""
    return integer_of(value)


def floating(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a value as a float; 0 if it is no number."""
    return float_of(value)


def divisibleby(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: whether a number has no rest; never for 0."""
    by = integer_of(argument)
    return bool(by) and integer_of(value) % by == 0


def floatformat(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a number with so many decimals; a whole one has none by default."""
    decimals = -1 if argument is None else integer_of(argument)
    trims = not is_number(argument) or decimals <= 0
    if decimals <= 0:
        decimals = -decimals
    number = float_of(value)
    if trims and float(truncated(number)) == number:
        return integer_of(value)
    run.fuel.make(400 + decimals)
    return float_text(number, decimals)
