"""Judges an `if`, and names the values by which it is false.

Source: docs/flows.md, "Conditions".
"""

from collections.abc import Callable, Mapping
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
    from floe.expr.flow.expression import expression  # most flows have none

    judge = expression(condition).evaluate
    if judge(value, Fuel(CONDITION_FUEL)):
        return ""
    read: dict[Path, Json | Unknown] = {}

    def noted(path: Path) -> Json:
        try:
            found = value(path)
        except Unknown as unknown:
            read[path] = unknown
            raise
        read[path] = found
        return found

    judge(noted, Fuel(CONDITION_FUEL))  # again, since most conditions are true
    return _reason(read)


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
