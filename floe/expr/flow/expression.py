"""An expression: read once, evaluated often."""

from functools import lru_cache
from typing import Final, NamedTuple

from floe.expr.errors import ExpressionError
from floe.expr.flow.calls import Values
from floe.expr.flow.compiler import compiled
from floe.expr.flow.parser import Parser
from floe.expr.flow.tokens import CHARS_MAX, tokens
from floe.expr.flow.tree import Part
from floe.expr.flow.walk import mentions
from floe.expr.fuel import RESULT_BYTES_MAX, Fuel
from floe.expr.values import exact, is_number, kind_of, size
from floe.model.ids import Json

KEPT: Final = 512
"""Expressions that are kept compiled."""


class Expression:
    """A compiled expression."""

    __slots__ = ("_run", "part", "paths", "text")

    def __init__(self, text: str, part: Part) -> None:
        self.text, self.part = text, part
        self.paths = tuple(mention.named.path for mention in mentions(part))
        self._run = compiled(part)

    def evaluate(self, values: Values, fuel: Fuel) -> Json:
        """What it comes to: finite JSON of at most 1 MiB. Raises nothing but ExpressionError."""
        return result(self._run(values, fuel), fuel)


def result(value: Json, fuel: Fuel) -> Json:
    """The result of an expression: a value that it may come to. Raises ExpressionError."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if len(value) > RESULT_BYTES_MAX // 4:
            size(value, fuel)
    elif is_number(value):
        exact(value)
    elif kind_of(value) in ("list", "map"):
        size(value, fuel)
    return value


class Enclosed(NamedTuple):
    """An expression in braces, the offset behind them, and the number of its words and signs."""

    text: str
    end: int
    words: int


def enclosed(text: str, at: int) -> Enclosed:
    """The expression between an offset behind `{{` and its `}}`. Raises ExpressionError."""
    rest = text[at:]
    found, end = tokens(rest, in_braces=True)
    return Enclosed(rest[: found[-1].at].rstrip(), at + end, len(found))


@lru_cache(maxsize=KEPT)
def expression(text: str) -> Expression:
    """Read and compile an expression, unless it is kept. Raises ExpressionError."""
    if len(text) > CHARS_MAX:
        raise ExpressionError(f"an expression has at most {CHARS_MAX} characters", offset=0)
    found, _ = tokens(text)
    return Expression(text, Parser(found).whole())
