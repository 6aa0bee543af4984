"""The inputs of an attempt as variables of its environment."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from floe.expr.env_entries import variable_name
from floe.model.errors import Yours
from floe.model.ids import NAME, NO_ITEM, Json

VALUE_BYTES_MAX: Final = 64 * 1024
"""Longer values are only in the file `FLOE_INPUT`."""

VALUES_BYTES_MAX: Final = 1024 * 1024
"""For all inputs in variables together: Linux takes 2 MiB of arguments and environment."""

_INPUT: Final = "FLOE_IN_"
_ITEM: Final = "FLOE_ITEM_"


def input_variables(inputs: Mapping[str, Json]) -> dict[str, str]:
    """The inputs that fit into variables, as `FLOE_IN_<NAME>`: text unchanged, the rest as JSON.

    Raises Yours if two of them would be the same variable.
    """
    if both := same_variable(inputs):
        raise Yours(f"the inputs {both}", "rename one of them where it comes from")
    return dict(_fitting(inputs, _INPUT))


def item_variables(item: int, value: Json) -> dict[str, str]:
    """An item as variables: `FLOE_ITEM`, `FLOE_INDEX` and, of a map, `FLOE_ITEM_<NAME>`; none
    without an item.

    Raises Yours if two names of the map would be the same variable.
    """
    if item == NO_ITEM:
        return {}
    named = value if isinstance(value, Mapping) else {}
    if both := same_variable(named, _ITEM):
        raise Yours(f"the values {both}", "rename one of them in the item")
    whole = _fitting({"ITEM": value}, "FLOE_")
    return {**dict(whole), **dict(_fitting(named, _ITEM)), "FLOE_INDEX": str(item)}


def same_variable(names: Iterable[str], prefix: str = _INPUT) -> str:
    """Which two names would be the same variable, as a part of a sentence; empty for none."""
    seen: dict[str, str] = {}
    for name in filter(NAME.fullmatch, names):
        other = seen.setdefault(prefix + variable_name(name), name)
        if other != name:
            return f"`{other}` and `{name}` would both be {prefix + variable_name(name)}"
    return ""


def _fitting(values: Mapping[str, Json], prefix: str) -> Iterator[tuple[str, str]]:
    """The values that fit into variables, with these."""
    room = VALUES_BYTES_MAX
    for name, value in values.items():
        if not NAME.fullmatch(name):
            continue
        text = value if isinstance(value, str) else json.dumps(value, default=dict)
        size = _bytes_of(text)
        if "\0" not in text and size <= min(VALUE_BYTES_MAX, room):
            yield prefix + variable_name(name), text
            room -= size


def _bytes_of(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:  # half a surrogate pair: valid in JSON, not in an environment
        return VALUE_BYTES_MAX + 1
