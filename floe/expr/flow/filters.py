"""The filters: what each takes, its arguments, and its result.

Rule of this file: a filter pays for what it makes before it makes it.
"""

from collections.abc import Callable, Mapping
from typing import Final

from floe.expr.flow import list_filters as lists
from floe.expr.flow import number_filters as numbers
from floe.expr.flow import text_filters as texts
from floe.expr.fuel import Fuel
from floe.expr.values import KINDS, Kind
from floe.model.ids import Json
from floe.model.nouns import dataclass

NEEDED: Final = object()
"""The default of an argument without which a filter cannot be."""


@dataclass(frozen=True, slots=True)
class Param:
    """An argument of a filter or test."""

    name: str
    kinds: tuple[Kind, ...] = KINDS
    default: object = NEEDED


@dataclass(frozen=True, slots=True)
class Filter:
    """A function of a value and of arguments."""

    takes: tuple[Kind, ...]
    gives: Kind | None
    run: Callable[..., Json]
    """Of the value, the arguments and the fuel."""
    params: tuple[Param, ...] = ()


_TEXT: Final[tuple[Kind, ...]] = ("text",)
_LIST: Final[tuple[Kind, ...]] = ("list",)
_MAP: Final[tuple[Kind, ...]] = ("map",)
_ANY_TEXT: Final[tuple[Kind, ...]] = ("text", "bool", "number", "list", "map")
_SCALAR: Final[tuple[Kind, ...]] = ("text", "number")
_BY: Final = Param("attribute", ("text", "null"), None)
_REVERSE: Final = Param("reverse", ("bool",), False)


def _default(value: Json, other: Json, or_false: bool, fuel: Fuel) -> Json:
    """`default` of a value that is there; one that is missing never gets here."""
    is_used = value is None or (or_false and not value)
    return other if is_used else value


FILTERS: Final[Mapping[str, Filter]] = {
    "default": Filter(
        KINDS, None, _default, (Param("value", KINDS), Param("boolean", ("bool",), False))
    ),
    "length": Filter(("text", "list", "map"), "number", lists.length),
    "first": Filter(("text", "list"), None, lists.first),
    "last": Filter(("text", "list"), None, lists.last),
    "join": Filter(_LIST, "text", lists.join, (Param("with", _TEXT, ""),)),
    "sort": Filter(_LIST, "list", lists.sort, (_REVERSE, _BY)),
    "unique": Filter(_LIST, "list", lists.unique),
    "min": Filter(_LIST, None, lists.least),
    "max": Filter(_LIST, None, lists.most),
    "sum": Filter(_LIST, "number", lists.total),
    "keys": Filter(_MAP, "list", lists.keys),
    "values": Filter(_MAP, "list", lists.values),
    "items": Filter(_MAP, "list", lists.items),
    "split": Filter(_TEXT, "list", texts.split, (Param("by", ("text", "null"), None),)),
    "lower": Filter(_TEXT, "text", texts.lower),
    "upper": Filter(_TEXT, "text", texts.upper),
    "trim": Filter(_TEXT, "text", texts.trim),
    "replace": Filter(_TEXT, "text", texts.replace, (Param("old", _TEXT), Param("new", _TEXT))),
    "string": Filter(_ANY_TEXT, "text", texts.string),
    "json": Filter(KINDS, "text", texts.json),
    "parse_json": Filter(_TEXT, None, texts.parse_json),
    "quote": Filter(_ANY_TEXT, "text", texts.quote),
    "int": Filter(_SCALAR, "number", numbers.whole, (Param("default", KINDS, numbers.NONE),)),
    "float": Filter(_SCALAR, "number", numbers.floating, (Param("default", KINDS, numbers.NONE),)),
    "round": Filter(
        ("number",),
        "number",
        numbers.rounded,
        (Param("precision", ("number",), 0), Param("method", _TEXT, "common")),
    ),
}
"""`map`, `select`, `reject` and `selectattr`, which take the name of a test, are in `each`."""
