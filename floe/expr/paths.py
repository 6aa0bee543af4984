"""Paths to values: names, and indexes of lists."""

import re
from collections.abc import Mapping
from typing import Final

from floe.model.ids import Json
from floe.model.template import Path

WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""A name that needs no quotes behind a dot."""


class Unknown(Exception):
    """A path leads to no value, at least not yet."""


def value_at(value: Json, path: Path) -> Json:
    """The value that the rest of a path leads to. Raises Unknown."""
    for step in path:
        if isinstance(step, str):
            # `dict` first: the check of a Mapping alone takes as long as all the rest
            if not isinstance(value, (dict, Mapping)) or step not in value:
                raise Unknown
            value = value[step]
        elif isinstance(value, list | tuple) and step < len(value):
            value = value[step]
        else:
            raise Unknown
    return value


HOSTS: Final = "hosts()"
"""The first name of the path that `hosts('linux')` is: the names of the hosts with all of these
tags. No name that is written has brackets."""


def shown(path: Path) -> str:
    """A path as people write it."""
    first, *rest = path
    if first == HOSTS:
        return f"hosts({', '.join(map(repr, rest))})"
    return str(first) + "".join(
        f".{step}" if isinstance(step, str) and WORD.fullmatch(step) else f"[{step!r}]"
        for step in rest
    )
