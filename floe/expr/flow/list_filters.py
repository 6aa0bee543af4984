"""Filters of lists and maps."""

from collections.abc import Mapping, Sequence
from typing import cast

from floe.expr.errors import ExpressionError, Missing
from floe.expr.fuel import DEPTH_MAX, Fuel
from floe.expr.values import as_text, exact, is_list, is_number, kind_of, named
from floe.model.ids import Json


def length(value: Sequence[Json] | Mapping[str, Json], fuel: Fuel) -> Json:
    """List filter: the number of signs of a text, or of elements."""
    return len(value)


def first(value: Sequence[Json], fuel: Fuel) -> Json:
    """List filter: the first element; missing, if there is none."""
    if not value:
        raise Missing("first", "there is no first element")
    return value[0]


def last(value: Sequence[Json], fuel: Fuel) -> Json:
    """List filter: the last element; missing, if there is none."""
    if not value:
        raise Missing("last", "there is no last element")
    return value[-1]


def join(value: Sequence[Json], between: str, fuel: Fuel) -> Json:
    """List filter: the texts of all elements as one."""
    fuel.spend(len(value))
    texts = [as_text(one, fuel) for one in value]
    fuel.make(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def sort(value: Sequence[Json], reverse: bool, attribute: str | None, fuel: Fuel) -> Json:
    """List filter: the elements in order: numbers by size, texts by their signs. It is stable."""
    fuel.spend(2 * len(value))
    by = [member(one, attribute) if attribute else one for one in value]
    _check_order(by, "sort", fuel)
    order = sorted(range(len(by)), key=cast("list[str]", by).__getitem__, reverse=reverse)
    return [value[i] for i in order]


def unique(value: Sequence[Json], fuel: Fuel) -> Json:
    """List filter: the elements without those that are equal to an earlier one."""
    fuel.spend(2 * len(value))
    found: dict[object, Json] = {}
    for one in value:
        found.setdefault(_key(one, fuel), one)
    return [*found.values()]


def least(value: Sequence[Json], fuel: Fuel) -> Json:
    """List filter: the smallest element; missing, if there is none."""
    _check_order(value, "min", fuel)
    if not value:
        raise Missing("min", "an empty list has no `min`")
    return min(cast("Sequence[str]", value))


def most(value: Sequence[Json], fuel: Fuel) -> Json:
    """List filter: the largest element; missing, if there is none."""
    _check_order(value, "max", fuel)
    if not value:
        raise Missing("max", "an empty list has no `max`")
    return max(cast("Sequence[str]", value))


def total(value: Sequence[Json], fuel: Fuel) -> Json:
    """List filter: the sum of numbers."""
    fuel.spend(len(value))
    found: int | float = 0
    for one in value:
        if not is_number(one):
            raise ExpressionError(
                f"`sum` takes a list of numbers, but one is {named(kind_of(one))}"
            )
        found = exact(found + exact(one))
    return found


def keys(value: Mapping[str, Json], fuel: Fuel) -> Json:
    """List filter: the names in a map."""
    fuel.spend(len(value))
    return [*value]


def values(value: Mapping[str, Json], fuel: Fuel) -> Json:
    """List filter: the values of a map."""
    fuel.spend(len(value))
    return [*value.values()]


def items(value: Mapping[str, Json], fuel: Fuel) -> Json:
    """List filter: the names and values of a map, as lists of two."""
    fuel.spend(3 * len(value))
    return [[name, one] for name, one in value.items()]


def member(value: Json, name: str) -> Json:
    """List filter: a value by its name in a map. Raises Missing."""
    if not isinstance(value, Mapping) or name not in value:
        raise Missing(name)
    return value[name]


def _check_order(value: Sequence[Json], name: str, fuel: Fuel) -> None:
    """Check that all elements are numbers, or all texts."""
    fuel.spend(len(value))
    kinds = {kind_of(one): None for one in value}
    if len(kinds) > 1 or not kinds.keys() <= {"number", "text"}:
        found = " and ".join(named(kind) for kind in kinds)
        raise ExpressionError(
            f"`{name}` takes a list of numbers or a list of texts, not of {found}"
        )
    if "text" in kinds:
        fuel.search(sum(len(str(one)) for one in value))


def _key(value: Json, fuel: Fuel, level: int = 0) -> object:
    """What is equal for equal values alone."""
    if level > DEPTH_MAX:
        raise ExpressionError(f"lists and maps have at most {DEPTH_MAX} levels")
    if isinstance(value, Mapping):
        fuel.spend(len(value))
        names = [(name, _key(one, fuel, level + 1)) for name, one in value.items()]
        return ("map", frozenset(names))
    if is_list(value):
        fuel.spend(len(value))
        return ("list", *[_key(one, fuel, level + 1) for one in value])
    return ("bool", value) if isinstance(value, bool) else value
