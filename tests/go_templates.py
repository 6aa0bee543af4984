"""The world of a Go template in tests: data of the vectors, and surroundings that stand still."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from floe.dialects.notes import Position
from floe.dialects.utask.document import UtaskVariable
from floe.dialects.utask.variables import Variables
from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.gotext.calls import Scope
from floe.expr.gotext.go_values import Value
from floe.expr.gotext.json_text import read_exact
from floe.expr.gotext.template import TEMPLATE_FUEL, parse
from floe.model.ids import Json
from tests.recorded import FOLDER, document

VECTORS: Final = "utask/vectors/templates.json"
NOW: Final = 1_700_000_000 * 10**9
"""2023-11-14 22:13:20 UTC."""

PROGRAMS: Final = {
    "2 + 2;": "4",
    "var x = 'hello'; x.toUpperCase();": "HELLO",
    "JSON.stringify({a:1,b:['x'],c:null})": '{"a":1,"b":["x"],"c":null}',
    "var o={a:1}; o": "[object Object]",
    "[1,2,3]": "1,2,3",
    "var z = 1": "undefined",
    "null": "null",
    "1/3": "0.3333333333333333",
    "1e21": "1e+21",
    "true": "true",
    "'it1'": "it1",
    "'abc123'.match(/[0-9]+/)[0]": "123",
    '(function(){ return [1,2].map(function(x){return x*2}).join("-") })()': "2-4",
}
"""What JavaScript makes of the programs of the vectors."""


def run_javascript(program: str, _: float) -> str:
    """JavaScript by a table: it is not part of templates. Raises ExpressionError."""
    if program not in PROGRAMS:
        raise ExpressionError("the program fails")
    return PROGRAMS[program]


class StillWorld:
    """Surroundings in which no time passes, chance is always the same, and zones are known."""

    def __init__(self, variables: Iterable[Mapping[str, Json]] = ()) -> None:
        at = Position(1, 1)
        self._variables = Variables(
            [UtaskVariable(at=at, **one) for one in variables],  # type: ignore[arg-type]  # as in JSON
            run_javascript,
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
