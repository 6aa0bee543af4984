"""The variables of a template: values, and expressions in JavaScript, which another part runs."""

from collections.abc import Callable, Iterable
from typing import Final

from floe.dialects.utask.document import UtaskVariable
from floe.dialects.utask.texts import exact, read
from floe.expr.errors import ExpressionError
from floe.expr.gotext.calls import Scope
from floe.expr.gotext.go_values import Value
from floe.expr.gotext.times import SECOND, read_duration

TIMEOUT_S_DEFAULT: Final = 10.0

RunJavascript = Callable[[str, float], str]
"""Runs a program for at most so many seconds; gives the text of its last value.

Raises ExpressionError.
"""


class Variables:
    """The variables of one template, for the renders of one step; `evalCache` keeps values here."""

    def __init__(self, variables: Iterable[UtaskVariable], run: RunJavascript) -> None:
        self._variables = {one.name: one for one in variables}
        self._run = run
        self._kept: dict[str, Value] = {}

    def value(self, name: str, scope: Scope, *, is_kept: bool) -> Value:
        """The value of a variable where a template evaluates it. Raises ExpressionError."""
        if is_kept and name in self._kept:
            return self._kept[name]
        one = self._variables.get(name)
        if one is None:
            raise ExpressionError(f"Var name not found in template: '{name}'")
        value = self._evaluated(one, scope)
        if is_kept:
            self._kept[name] = value
        return value

    def _evaluated(self, one: UtaskVariable, scope: Scope) -> Value:
        if one.expression:
            program = read(one.expression).render_within(scope)
            return self._run(program, timeout_s(one))
        if isinstance(one.value, str):
            return read(one.value).render_within(scope)
        return exact(one.value)


def timeout_s(one: UtaskVariable) -> float:
    """Seconds that the program of a variable may take."""
    given = read_duration(one.expression_timeout) if one.expression_timeout else None
    return TIMEOUT_S_DEFAULT if given is None else given / SECOND
