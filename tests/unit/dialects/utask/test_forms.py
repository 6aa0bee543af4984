"""The form of a template, and the values that come of it."""

from typing import Final

import pytest

from floe.dialects.utask.document import TaskTemplate
from floe.dialects.utask.forms import given_values, start_form
from floe.expr.form_values import checked_values
from floe.model.errors import ValuesInvalid
from floe.model.form import Field
from floe.model.ids import Json
from tests.utask_host import load

HEAD: Final = "{name: one, description: a template, title_format: a task, steps: {}, "


def template(inputs: str, resolver_inputs: str = "[]") -> TaskTemplate:
    found = load(f"{HEAD}inputs: {inputs}, resolver_inputs: {resolver_inputs}}}")
    assert found.findings == ()
    assert found.template is not None
    return found.template


def field(input: str) -> Field:
    (found,) = start_form(template(f"[{input}]")).fields
    return found


def taken(inputs: str, values: dict[str, Json]) -> dict[str, Json]:
    """What the inputs get of a form that a person sent."""
    one = template(inputs)
    return dict(given_values(one, checked_values(start_form(one), values)).input)


def test_each_type_has_its_field() -> None:
    assert field("{name: a}").type == "string"
    assert field("{name: a, type: password}").type == "string"
    assert field("{name: a, type: bool}").type == "bool"
    assert field("{name: a, type: number}").type == "number"
    assert field("{name: a, collection: true}").type == "list"
    assert field("{name: a, legal_values: [left, right]}").choices == ("left", "right")


def test_the_description_is_the_prompt_and_the_name_where_there_is_none() -> None:
    assert field("{name: a, description: Who}").prompt == "Who"
    assert field("{name: a}").prompt == "a"


def test_a_default_is_filled_in_and_makes_the_field_optional() -> None:
    one = field("{name: a, type: number, legal_values: [1, 2], default: 2}")

    assert (one.value, one.required, one.choices) == ("2", False, ("1", "2"))


def test_hidden_inputs_have_no_field() -> None:
    assert start_form(template("[{name: a, hidden: true}]")).fields == ()


def test_inputs_of_the_resolver_come_last_and_keep_their_own_values() -> None:
    one = template("[{name: a}]", "[{name: a}, {name: b}]")

    assert [field.id for field in start_form(one).fields] == ["a", "resolver.a", "b"]
    given = given_values(one, {"a": "1", "resolver.a": "2", "b": "3"})
    assert given == ({"a": "1"}, {"a": "2", "b": "3"})


def test_a_choice_is_the_legal_value_again() -> None:
    number = "{name: num, type: number, legal_values: [1, 2.5]}"
    inputs = f"[{number}, {{name: b, type: bool, legal_values: [true]}}]"

    assert taken(inputs, {"num": "2.5", "b": "true"}) == {"num": 2.5, "b": True}


def test_items_of_a_list_have_the_type_of_the_input() -> None:
    inputs = (
        "[{name: num, type: number, collection: true}, {name: b, type: bool, collection: true}]"
    )

    assert taken(inputs, {"num": ["1", "2.5", "x"], "b": ["true", "false", "no"]}) == {
        "num": [1, 2.5, "x"],
        "b": [True, False, "no"],
    }


def test_items_of_a_list_with_legal_values_are_those() -> None:
    inputs = "[{name: num, type: number, collection: true, legal_values: [1, 2]}]"

    assert taken(inputs, {"num": ["1", "2"]}) == {"num": [1, 2]}
    with pytest.raises(ValuesInvalid):
        taken(inputs, {"num": ["3"]})


def test_an_empty_value_is_not_given() -> None:
    inputs = "[{name: a, optional: true}, {name: b, optional: true}]"

    assert taken(inputs, {"a": ""}) == {}


def test_a_regex_is_looked_for_anywhere_as_utask_does() -> None:
    assert taken("[{name: a, regex: 'b+'}]", {"a": "x bb y"}) == {"a": "x bb y"}
    with pytest.raises(ValuesInvalid):
        taken("[{name: a, regex: '^b'}]", {"a": "ab"})


def test_a_missing_value_is_refused() -> None:
    with pytest.raises(ValuesInvalid):
        taken("[{name: a}]", {})
