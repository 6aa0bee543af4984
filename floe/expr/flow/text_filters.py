"""Filters that read or make texts."""

import json as parser
from typing import Never, cast

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.values import as_json, as_text, size
from floe.model.ids import Json


def split(value: str, by: str | None, fuel: Fuel) -> Json:
    """Text filter: the parts of a text between separators; without one, its words."""
    fuel.make(len(value))
    if by == "":
        raise ExpressionError("`split` needs a separator of at least one sign")
    if by is None:
        words = value.split(None, fuel.left)  # so that it makes no more than can be paid
        fuel.spend(len(words))
        return cast("list[Json]", words)
    fuel.spend(value.count(by) + 1)
    return cast("list[Json]", value.split(by))


def lower(value: str, fuel: Fuel) -> Json:
    """Text filter: a text in lower case."""
    fuel.make(len(value) if value.isascii() else 3 * len(value))
    return value.lower()


def upper(value: str, fuel: Fuel) -> Json:
    """Text filter: a text in capitals."""
    fuel.make(len(value) if value.isascii() else 3 * len(value))
    return value.upper()


def trim(value: str, fuel: Fuel) -> Json:
    """Text filter: a text without blanks at its ends."""
    fuel.make(len(value))
    return value.strip()


def replace(value: str, old: str, new: str, fuel: Fuel) -> Json:
    """Text filter: a text with each `old` as `new`."""
    if not old:
        raise ExpressionError("`replace` needs an old text of at least one sign")
    fuel.search(len(value))
    fuel.make(len(value) + value.count(old) * max(len(new) - len(old), 0))
    return value.replace(old, new)


def string(value: Json, fuel: Fuel) -> Json:
    """Text filter: a value as it is in a text."""
    return as_text(value, fuel)


def json(value: Json, fuel: Fuel) -> Json:
    """Text filter: a value as JSON; a text gets quotes."""
    return as_json(value, fuel)


def parse_json(value: str, fuel: Fuel) -> Json:
    """Text filter: the value that a JSON text has."""
    fuel.make(len(value))
    fuel.spend(sum(map(value.count, ",[{")))  # at most so many elements are made
    try:
        found: Json = parser.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ExpressionError("`parse_json` takes a text that is JSON") from None
    size(found, fuel)
    return found


def quote(value: Json, fuel: Fuel) -> Json:
    """Text filter: a value as one word of a shell."""
    text = as_text(value, fuel)
    fuel.make(len(text) + 4 * text.count("'") + 2)
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _no_number(name: str) -> Never:
    raise ValueError(name)
