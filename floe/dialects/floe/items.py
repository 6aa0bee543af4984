"""Reads the list for whose items a task runs: `foreach`, or the combinations of a `matrix`."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Final

from floe.dialects.floe.expressions import ExpressionKind, ExpressionText
from floe.dialects.floe.json_values import json_of, refuse_values
from floe.dialects.kinds import Schema, Unfit, quoted
from floe.dialects.notes import Notes, Position
from floe.dialects.tree import Entry, Items, Table, Tree
from floe.kernel.items import ITEMS_MAX
from floe.model.codec import to_text
from floe.model.ids import NAME, Json
from floe.model.nouns import dataclass

EXCLUDE: Final = "exclude"
INCLUDE: Final = "include"

WrittenItems = tuple[Json, ...] | ExpressionText
"""The items as written, or an expression that gives them."""

NO_ITEMS: Final[WrittenItems | None] = None

_EXAMPLE: Final = "matrix: {python: ['3.12', '3.13'], db: [sqlite, postgres]}"


@dataclass(frozen=True)
class ForeachKind:
    """Kind of value for items: a list of any values, or an expression that gives one."""

    label: str = "list or expression"

    def read(self, tree: Tree, key: str, notes: Notes) -> WrittenItems:
        if isinstance(tree, Items):
            return _bounded(tuple(_item(item, key) for item in tree.items), tree.at, key)
        if isinstance(tree, Table):
            raise Unfit(tree.at, f"`{key}` takes a list, not a map", f"{key}: [eu, us]")
        if tree.kind != "text":
            what = f"`{key}` takes a list, not {quoted(tree.text)}"
            raise Unfit(tree.at, what, f"{key}: [{tree.text}]")
        return ExpressionKind().read(tree, key, notes)

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "array", "minItems": 1, "maxItems": ITEMS_MAX}, _TEXT]}


_TEXT: Final[Schema] = {"type": "string"}


@dataclass(frozen=True)
class MatrixKind:
    """Kind of value for items: lists by name; an item is a map with one value of each."""

    label: str = "map of lists"

    def read(self, tree: Tree, key: str, notes: Notes) -> WrittenItems:
        if not isinstance(tree, Table):
            raise Unfit(tree.at, f"`{key}` takes a map of lists", _EXAMPLE)
        lists = {
            _name(name, entry, key): _values(name, entry)
            for name, entry in tree.entries.items()
            if name not in (EXCLUDE, INCLUDE)
        }
        if not lists:
            raise Unfit(tree.at, f"`{key}` has no list", _EXAMPLE)
        if (count := prod(map(len, lists.values()))) > ITEMS_MAX:
            what = f"`{key}` has {count} combinations; at most {ITEMS_MAX} are allowed"
            raise Unfit(tree.at, what, "take values out of its lists")
        items = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
        for excluded, at in _maps(tree, EXCLUDE):
            _check_excluded(excluded, lists, at)
            left = [item for item in items if not excluded.items() <= item.items()]
            if len(left) == len(items):
                notes.warning(at, f"{quoted(to_text(excluded))} excludes no combination")
            items = left
        items += [dict(included) for included, _ in _maps(tree, INCLUDE)]
        return _bounded(tuple(items), tree.at, key)

    def schema(self) -> Schema:
        maps = {"type": "array", "items": {"type": "object", "minProperties": 1}}
        return {
            "type": "object",
            "properties": {EXCLUDE: maps, INCLUDE: maps},
            "additionalProperties": {"type": "array", "minItems": 1},
        }


def _bounded(items: tuple[Json, ...], at: Position, key: str) -> tuple[Json, ...]:
    if not items:
        raise Unfit(at, f"`{key}` has no items", "list at least one value")
    if len(items) > ITEMS_MAX:
        what = f"`{key}` has {len(items)} items; at most {ITEMS_MAX} are allowed"
        raise Unfit(at, what, "split it into several tasks")
    return items


def _name(name: str, entry: Entry, key: str) -> str:
    if not NAME.fullmatch(name):
        what = f"`{key}` cannot have a list {quoted(name)}"
        raise Unfit(entry.key_at, what, "letters, digits, - and _, as in `python`")
    return name


def _values(name: str, entry: Entry) -> Sequence[Json]:
    tree = entry.value
    if not isinstance(tree, Items) or not tree.items:
        raise Unfit(tree.at, f"`{name}` of a matrix takes a list of values", _EXAMPLE)
    return [_item(item, name) for item in tree.items]


def _maps(matrix: Table, key: str) -> Iterator[tuple[Mapping[str, Json], Position]]:
    entry = matrix.entries.get(key)
    if entry is None:
        return
    example = f"{key}: [{{python: '3.12', db: postgres}}]"
    if not isinstance(entry.value, Items):
        raise Unfit(entry.value.at, f"`{key}` takes a list of maps", example)
    for tree in entry.value.items:
        if not isinstance(tree, Table) or not tree.entries:
            raise Unfit(tree.at, f"`{key}` takes a list of maps", example)
        for name, one in tree.entries.items():
            _name(name, one, key)
        yield {name: _item(one.value, name) for name, one in tree.entries.items()}, tree.at


def _check_excluded(
    excluded: Mapping[str, Json], lists: Mapping[str, Sequence[Json]], at: Position
) -> None:
    for name in excluded:
        if name not in lists:
            what = f"`exclude` names {quoted(name)}, which is no list of the matrix"
            raise Unfit(at, what, f"its lists are {', '.join(lists)}")


def written_items(tree: Items, key: str) -> tuple[Json, ...]:
    """A list of values as written. Raises Unfit, also for values of the run in it."""
    return tuple(_item(item, key) for item in tree.items)


def _item(tree: Tree, key: str) -> Json:
    """A value of a list that is written here. Raises Unfit, also for values of the run in it."""
    refuse_values(tree, key, _COMPUTED)
    return json_of(tree, key)


_COMPUTED: Final = "an expression gives a list of values: foreach: \"[values.a, 'b']\""
