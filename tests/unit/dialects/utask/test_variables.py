"""Variables give values where a template evaluates them, within bounds."""

import pytest

from floe.dialects.notes import Position
from floe.dialects.utask.document import UtaskVariable
from floe.dialects.utask.texts import exact, renderer
from floe.dialects.utask.variables import Variables, timeout_s
from floe.expr.errors import ExpressionError
from floe.expr.gotext.calls import Scope
from floe.expr.gotext.go_values import Value
from floe.model.ids import Json
from tests.go_templates import StillWorld

AT = Position(1, 1)


class CountingWorld(StillWorld):
    """A world in which a program gives how many have run."""

    def __init__(self, *variables: UtaskVariable) -> None:
        super().__init__()
        self.runs = 0
        self.variables = Variables(variables, self.run)

    def run(self, program: str, timeout: float) -> str:
        self.runs += 1
        return f"{program}{self.runs}"

    def variable(self, name: str, scope: Scope, *, is_kept: bool) -> Value:
        return self.variables.value(name, scope, is_kept=is_kept)


def rendered(text: str, *variables: UtaskVariable) -> str:
    return renderer(exact({"input": {"a": "A"}}), CountingWorld(*variables))(text)


def a_value(value: Json) -> UtaskVariable:
    return UtaskVariable(at=AT, name="v", value=value)


def test_text_is_rendered_and_what_is_in_a_list_is_not() -> None:
    assert rendered('{{eval "v"}}', a_value("{{.input.a}}!")) == "A!"
    assert rendered('{{eval "v"}}', a_value(["{{.input.a}}", 1.0])) == "[{{.input.a}} 1]"


def test_expression_is_rendered_and_run_each_time() -> None:
    one = UtaskVariable(at=AT, name="v", expression="{{.input.a}}-")

    assert rendered('{{eval "v"}} {{eval "v"}}', one) == "A-1 A-2"


def test_kept_value_is_run_once() -> None:
    one = UtaskVariable(at=AT, name="v", expression="p")

    assert rendered('{{evalCache "v"}} {{evalCache "v"}} {{eval "v"}}', one) == "p1 p1 p2"


def test_unknown_variable_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="Var name not found in template: 'w'"):
        rendered('{{eval "w"}}')


def test_variable_that_evaluates_itself_is_refused() -> None:
    with pytest.raises(ExpressionError, match="too deep"):
        rendered('{{eval "v"}}', a_value('{{eval "v"}}'))


def test_last_of_equal_names_counts() -> None:
    assert rendered('{{eval "v"}}', a_value("one"), a_value("two")) == "two"


@pytest.mark.parametrize(("given", "seconds"), [("", 10.0), ("200ms", 0.2), ("-1s", -1.0)])
def test_program_has_a_time(given: str, seconds: float) -> None:
    assert timeout_s(UtaskVariable(at=AT, name="v", expression_timeout=given)) == seconds
