"""Judges an `if`, and names the values by which it is false.

Source: docs/flows.md, "Conditions".
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from floe.expr.fuel import CONDITION_FUEL, Fuel
from floe.expr.paths import Unknown, shown
from floe.kernel.sentences import first_parts
from floe.model.codec import to_text
from floe.model.ids import Json
from floe.model.secret import HIDDEN, names_secret, without_secrets
from floe.model.template import Path
from floe.model.title import one_line

VALUE_MAX: Final = 60
"""Characters of a value in the reason of a skip."""


def unmet(condition: str, value: Callable[[Path], Json]) -> str:
    """Why a condition is false: the values that it read; empty if it is true.

    `value` raises Unknown for a path without a value. Raises ExpressionError.
    """
    read: dict[Path, Json | Unknown] = {}

    def noted(path: Path) -> Json:
        try:
            found = value(path)
        except Unknown as unknown:
            read[path] = unknown
            raise
        read[path] = found
        return found

    return "" if _judge_of(condition)(noted, Fuel(CONDITION_FUEL)) else _reason(read)


@lru_cache(maxsize=512)
def _judge_of(condition: str) -> Callable[[Callable[[Path], Json], Fuel], Json]:
    """What evaluates a condition; kept, since an import costs as much as half of an evaluation."""
    from floe.expr.flow.expression import expression  # most flows have none

    return expression(condition).evaluate


def _reason(read: Mapping[Path, Json | Unknown]) -> str:
    """The values that made a condition false: `values.env was 'test'`."""
    parts = [f"{shown(path)} {_was(path, value)}" for path, value in read.items()]
    return first_parts(parts) or "its condition is always false"


def _was(path: Path, value: Json | Unknown) -> str:
    if isinstance(value, Unknown):
        return "was missing"
    if names_secret(path):
        return f"was {HIDDEN}"
    hidden = without_secrets(value)
    text = one_line(hidden if isinstance(hidden, str) else to_text(hidden), VALUE_MAX)
    return f"was '{text}'" if isinstance(hidden, str) else f"was {text}"
