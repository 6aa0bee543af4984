"""A Go template, read once and rendered often."""

from typing import Final

from floe.expr.errors import TooMuch
from floe.expr.fuel import RESULT_BYTES_MAX, Fuel
from floe.expr.gotext.blocks import compile_bodies
from floe.expr.gotext.calls import Scope, TemplateWorld
from floe.expr.gotext.function_set import FUNCTIONS
from floe.expr.gotext.go_values import Value, as_utf8
from floe.expr.gotext.operands import LEVELS_MAX
from floe.expr.gotext.parser import MAIN, read_template

TEMPLATE_FUEL: Final = 100_000
"""Of a render, about 0.1 s."""

VARIABLE_LEVELS: Final = 8
"""Levels of depth that a template takes within another one: it has more calls than a block."""


class GoTemplate:
    """A template that can be rendered."""

    __slots__ = ("_run",)

    def __init__(self, text: str) -> None:
        self._run = compile_bodies(read_template(text, FUNCTIONS), FUNCTIONS)[MAIN]

    def render(self, data: Value, surroundings: TemplateWorld, fuel: Fuel) -> str:
        """The text; `set` and its like change the data. Raises ExpressionError."""
        return self._rendered(Scope(data, surroundings, fuel))

    def render_within(self, scope: Scope) -> str:
        """The text where another template evaluates it: with its data, fuel and depth.

        A variable may evaluate another one so, or itself. Raises ExpressionError.
        """
        inner = Scope(scope.data, scope.surroundings, scope.fuel)
        inner.level = scope.level + VARIABLE_LEVELS
        if inner.level > LEVELS_MAX:
            raise TooMuch("variables are evaluated within each other too deep")
        return self._rendered(inner)

    def _rendered(self, scope: Scope) -> str:
        self._run(scope, scope.data)
        if sum(map(len, scope.out)) > RESULT_BYTES_MAX:
            raise TooMuch("the template makes a text of more than 1 MiB")
        return as_utf8("".join(scope.out))


def parse(text: str) -> GoTemplate:
    """Read a template. Raises ExpressionError with the place of the mistake."""
    return GoTemplate(text)
