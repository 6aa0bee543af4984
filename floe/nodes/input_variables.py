"""The inputs of an attempt as variables of its environment."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from floe.model.errors import Yours
from floe.model.refs import NAME, Json

VALUE_BYTES_MAX: Final = 64 * 1024
"""Longer values are only in the file `FLOE_INPUT`."""

VALUES_BYTES_MAX: Final = 1024 * 1024
"""For all inputs in variables together: Linux takes 2 MiB of arguments and environment."""


def input_variables(inputs: Mapping[str, Json]) -> dict[str, str]:
    """The inputs that fit into variables, as `FLOE_IN_<NAME>`: text unchanged, the rest as JSON.

    Raises Yours if two of them would be the same variable.
    """
    if both := same_variable(inputs):
        raise Yours(f"the inputs {both}", "rename one of them where it comes from")
    found = {}
    room = VALUES_BYTES_MAX
    for name, value in inputs.items():
        if not NAME.fullmatch(name):
            continue
        text = value if isinstance(value, str) else json.dumps(value, default=dict)
        size = _bytes_of(text)
        if "\0" not in text and size <= min(VALUE_BYTES_MAX, room):
            found[_variable(name)] = text
            room -= size
    return found


def same_variable(names: Iterable[str]) -> str:
    """Which two names would be the same variable, as a part of a sentence; empty for none."""
    seen: dict[str, str] = {}
    for name in filter(NAME.fullmatch, names):
        other = seen.setdefault(_variable(name), name)
        if other != name:
            return f"`{other}` and `{name}` would both be {_variable(name)}"
    return ""


def _variable(name: str) -> str:
    return "FLOE_IN_" + name.upper().replace("-", "_")


def _bytes_of(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:  # half a surrogate pair: valid in JSON, not in an environment
        return VALUE_BYTES_MAX + 1
