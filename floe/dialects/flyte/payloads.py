"""An example of the payload of an event: the members that templates read, each with no text."""

import re
from collections.abc import Iterable
from typing import Final

from floe.dialects.flyte.checking import templates_of
from floe.dialects.flyte.flow import FlyteStep
from floe.model.ids import Json

READ: Final = re.compile(r"\bEvent\.Payload((?:\.\w+)+)")

DEPTH_MAX: Final = 8
"""Levels of an example."""

MEMBERS_MAX: Final = 100
"""Members that are read for one example."""


def example_payload(steps: Iterable[FlyteStep]) -> Json:
    """A payload that has what the templates of steps read of it; None where they read nothing."""
    texts = (template for step in steps for _, template in templates_of(step))
    paths = dict.fromkeys(found[1] for text in texts for found in READ.finditer(text))
    example: dict[str, Json] = {}
    for path in sorted(paths)[:MEMBERS_MAX]:
        _add(example, path.split(".")[1 : DEPTH_MAX + 1])
    return _with_lists(example) if example else None


def _add(example: dict[str, Json], names: list[str]) -> None:
    *outer, last = names
    for name in outer:
        inner = example.setdefault(name, {})
        if not isinstance(inner, dict):
            inner = example[name] = {}
        example = inner
    example.setdefault(last, "")


def _with_lists(value: Json) -> Json:
    """The same with lists in place of objects whose names are positions in a list."""
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(one) for name, one in value.items()}
    return [*inner.values()] if inner and all(name.isdecimal() for name in inner) else inner
