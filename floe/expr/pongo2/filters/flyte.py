"""The filters that flyte adds: maps, patterns and cron."""

from floe.expr.errors import ExpressionError
from floe.expr.patterns import Search
from floe.expr.pongo2.filters.cron import is_due
from floe.expr.pongo2.go_text import trimmed
from floe.expr.pongo2.moments import moment_of
from floe.expr.pongo2.scope import Rendering
from floe.expr.pongo2.values import (
    Value,
    can_slice,
    element,
    integer_of,
    length_of,
    named,
    text_of,
)


def key(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: what a map has under a key; empty if nothing."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ExpressionError(f"`key` takes a map, not {named(value)}")
    found: Value = value.get(text_of(argument))
    return found


def index(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: an element of a text or list by its number, from 0."""
    if can_slice(value) and length_of(value):
        return element(value, integer_of(argument))
    return ""


def kvp(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: a map of `name=value` with commas between; other parts are left out."""
    text = text_of(value)
    run.fuel.make(len(text))
    run.fuel.spend(text.count(",") + 1)
    pairs = [part.split("=") for part in text.split(",") if part.count("=") == 1]
    return {trimmed(name): trimmed(one) for name, one in pairs}


def match(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: whether a pattern is found; one that cannot be read never is."""
    search = Search.of(text_of(argument), run.fuel)
    return search is not None and search.is_found(text_of(value), run.fuel)


def extract_match(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: the first group of the first match, else the text itself."""
    search = Search.of(text_of(argument), run.fuel)
    if search is None:
        raise ExpressionError("the pattern cannot be read", "the syntax is RE2's")
    text = text_of(value)
    found = search.first_group(text, run.fuel)
    return text if found is None else found


def matches_cron(value: Value, argument: Value, run: Rendering) -> Value:
    """Template filter: whether an instant as RFC 3339 is due by a cron expression."""
    moment = moment_of(text_of(value))
    if moment is None:
        hint = "2018-02-14T23:18:09Z; Event.CreatedAt.Format('2006-01-02T15:04:05Z07:00') gives one"
        raise ExpressionError("`matchesCron` takes an instant as RFC 3339", hint)
    expression = text_of(argument)
    run.fuel.make(len(expression))
    run.fuel.spend(expression.count(",") + 1)
    return is_due(expression, moment)
