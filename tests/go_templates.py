"""The world of a Go template in tests: data of the vectors, and surroundings that stand still."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from floe.dialects.notes import Position
from floe.dialects.utask.document import UtaskVariable
from floe.dialects.utask.variables import Variables
from floe.expr.fuel import Fuel
from floe.expr.gotext.calls import Scope
from floe.expr.gotext.go_values import Value
from floe.expr.gotext.json_text import read_exact
from floe.expr.gotext.template import TEMPLATE_FUEL, parse
from floe.expr.javascript import run_program
from floe.model.ids import Json
from tests.recorded import FOLDER, document

VECTORS: Final = "utask/vectors/templates.json"
NOW: Final = 1_700_000_000 * 10**9
"""2023-11-14 22:13:20 UTC."""

PROGRAM_S: Final = 0.2
"""Seconds of a program in JavaScript, so that one that never ends does not hold up a test."""


def run_briefly(program: str, limit_s: float) -> str:
    """Run a program in JavaScript. Raises ExpressionError."""
    return run_program(program, min(limit_s, PROGRAM_S))


class StillWorld:
    """Surroundings in which no time passes, chance is always the same, and zones are known."""

    def __init__(self, variables: Iterable[Mapping[str, Json]] = ()) -> None:
        at = Position(1, 1)
        self._variables = Variables(
            [UtaskVariable(at=at, **one) for one in variables],  # type: ignore[arg-type]  # as in JSON
            run_briefly,
        )

    def now(self) -> int:
        return NOW

    def zone(self, name: str) -> tzinfo | None:
        try:
            return None if name == "Local" else ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None

    def chance(self, count: int) -> bytes:
        blocks = (sha256(bytes([at % 256])).digest() for at in range(count // 32 + 1))
        return b"".join(blocks)[:count]

    def variable(self, name: str, scope: Scope, *, is_kept: bool) -> Value:
        return self._variables.value(name, scope, is_kept=is_kept)


def the_data() -> Value:
    """The data of the vectors with exact numbers, new each time: a template may change it."""
    return read_exact((FOLDER / VECTORS).read_text("utf-8"), Fuel(10**6))["data"]


def the_tree(data: Value) -> Value:
    """What a template of step `one` sees of the data."""
    tree = {name: data[name] for name in ("input", "resolver_input", "config", "task", "iterator")}
    steps = {
        name: {
            key: step.get(key) if step.get(key) is not None else {}
            for key in ("output", "metadata", "children", "state", "error")
        }
        | {"try_count": {}, "max_retries": {}}
        for name, step in data["steps"].items()
    }
    return {**tree, "step": {**steps, "this": steps["one"]}}


def rendered(text: str, fuel: int = TEMPLATE_FUEL) -> str:
    """A template with the data of the vectors. Raises ExpressionError."""
    world = StillWorld(document(VECTORS)["data"]["variables"])
    return parse(text).render(the_tree(the_data()), world, Fuel(fuel))
