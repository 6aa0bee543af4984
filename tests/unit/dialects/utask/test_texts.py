"""Texts of a template are rendered, and nothing else of it."""

import pytest

from floe.dialects.utask.texts import exact, render_leaves, render_result, renderer
from floe.expr.errors import ExpressionError
from floe.model.ids import Json
from tests.go_templates import StillWorld

RENDER = renderer(exact({"input": {"a": "A", "n": 5, "f": 1.5}}), StillWorld())


def test_leaves_are_rendered_and_keys_are_not() -> None:
    value: Json = {
        "{{.input.a}}": ["{{.input.a}}", 1, {"x": "{{.input.n}}{{.input.f}}"}],
        "t": True,
    }

    assert render_leaves(value, RENDER) == {"{{.input.a}}": ["A", 1, {"x": "51.5"}], "t": True}


def test_result_has_rendered_keys_and_lists_as_they_are() -> None:
    value: dict[str, Json] = {
        "{{.input.a}}": "{{.input.n}}",
        "m": {"{{.input.a}}": 1},
        "l": ["{{.input.a}}"],
    }

    assert render_result(value, RENDER) == {"A": "5", "m": {"A": 1}, "l": ["{{.input.a}}"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "{{.input.a.b}}",
            ':1:8: executing "tmpl" at <.input.a.b>: can\'t evaluate field b in type interface {}',
        ),
        (
            'ü\nü{{ eq "(" .input.a.b | upper }}',
            ':2:18: executing "tmpl" at <.input.a.b>: can\'t evaluate field b in type interface {}',
        ),
        (
            "{{upper (index .input 7 ) -}}",
            ':1:9: executing "tmpl" at <index .input 7>: '
            "error calling index: value has type int; should be string",
        ),
        ("a\n{{nofunc}}", ':2: function "nofunc" not defined'),
    ],
)
def test_mistake_is_told_in_gos_words(text: str, told: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        RENDER(text)

    assert raised.value.what == f"Templating error: template: tmpl{told}"


def test_each_text_has_its_own_fuel() -> None:
    text = "{{range 60000}}{{end}}"

    assert [RENDER(text), RENDER(text)] == ["", ""]
