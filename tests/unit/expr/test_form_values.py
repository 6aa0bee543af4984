"""Values held against a form: what is taken, how it is typed, what is refused and how."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe.expr.form_values import UNKNOWN_MAX, VALUES_MAX, check_values_size, checked_values
from floe.model.codec import from_text, to_text
from floe.model.errors import TooLarge, ValuesInvalid
from floe.model.form import Field, Form
from floe.model.ids import Json


def a_field(**others: Any) -> Form:
    return Form(title="Start", fields=(Field(**({"id": "x", "prompt": "X"} | others)),))


def wrong(form: Form, values: dict[str, Json], **others: bool) -> dict[str, str]:
    with pytest.raises(ValuesInvalid) as caught:
        checked_values(form, values, **others)
    return caught.value.fields


@pytest.mark.parametrize(
    ("type", "given", "taken"),
    [
        ("text", "a\nb", "a\nb"),
        ("text", "", ""),
        ("string", "a b", "a b"),
        ("string", 7, "7"),
        ("string", 0.5, "0.5"),
        ("string", "a\0b", "a\0b"),
        ("bool", True, True),
        ("bool", "Yes", True),
        ("bool", " off ", False),
        ("number", 3, 3),
        ("number", -0.5, -0.5),
        ("number", "42", 42),
        ("number", " 1e3 ", 1000.0),
        ("number", "9007199254740993", 9007199254740993),
        ("number", "0.1000000000000000055", "0.1000000000000000055"),
        ("choice", "b", "b"),
        ("list", ["eu", 1, {"a": None}], ["eu", 1, {"a": None}]),
        ("list", [], []),
        ("list", "eu, us,", ["eu", "us"]),
        ("list", "eu, de\n\nus\n", ["eu, de", "us"]),
        ("list", ' ["eu", 1]', ["eu", 1]),
    ],
)
def test_value_is_typed_by_its_field(type: str, given: Json, taken: Json) -> None:
    form = a_field(type=type, choices=("a", "b"), required=False)

    assert checked_values(form, {"x": given}) == {"x": taken}


@pytest.mark.parametrize(
    ("type", "given", "said"),
    [
        ("string", "a\nb", "single line"),
        ("list", {"a": 1}, "a list is expected"),
        ("list", "[eu, us]", "a list as JSON, or values separated by commas, is expected"),
        ("string", True, "a text"),
        ("text", ["a"], "a text"),
        ("text", {"a": 1}, "a text"),
        ("bool", "perhaps", "true or false"),
        ("bool", 1, "true or false"),
        ("number", "many", "a number"),
        ("number", True, "a number"),
        ("number", "1_000", "a number"),
        ("number", "٣", "a number"),
        ("number", "nan", "a number"),
        ("number", float("nan"), "64 bits"),
        ("number", float("inf"), "64 bits"),
        ("number", "1e999", "64 bits"),
        ("number", "9" * 5000, "64 bits"),
        ("number", 2**63, "64 bits"),
        ("choice", "c", "one of a, b"),
        ("choice", 1, "one of a, b"),
        ("text", "\ud800", "lone surrogates"),
    ],
)
def test_value_of_another_type_is_refused(type: str, given: Json, said: str) -> None:
    form = a_field(type=type, choices=("a", "b"))

    assert said in wrong(form, {"x": given})["x"]


def test_prefilled_value_stands_in_for_none() -> None:
    form = a_field(type="number", value=7)

    assert [checked_values(form, v) for v in ({}, {"x": None}, {"x": ""})] == [{"x": 7}] * 3


def test_text_may_be_emptied_where_it_was_prefilled() -> None:
    assert checked_values(a_field(type="text", value="old", required=False), {"x": ""}) == {"x": ""}


@pytest.mark.parametrize("given", [{}, {"x": None}, {"x": ""}])
def test_required_field_wants_a_value(given: dict[str, Json]) -> None:
    assert wrong(a_field(), given) == {"x": "a value is required"}


@pytest.mark.parametrize("given", [False, "no"])
def test_required_bool_takes_false_as_an_answer(given: Json) -> None:
    assert checked_values(a_field(type="bool"), {"x": given}) == {"x": False}


def test_required_bool_wants_an_answer() -> None:
    assert wrong(a_field(type="bool"), {}) == {"x": "a value is required"}


def test_required_choice_of_one_passes_with_this_answer_alone() -> None:
    form = a_field(type="choice", choices=("I have checked",))

    assert wrong(form, {}) == {"x": "a value is required"}
    assert checked_values(form, {"x": "I have checked"}) == {"x": "I have checked"}


def test_optional_field_without_value_is_left_out() -> None:
    assert checked_values(a_field(type="bool", required=False), {"x": ""}) == {}


def test_rejection_needs_no_required_field_but_checks_what_is_given() -> None:
    form = a_field(type="number")

    assert checked_values(form, {}, complete=False) == {}
    assert "x" in wrong(form, {"x": "many"}, complete=False)


def test_every_wrong_field_is_named_at_once() -> None:
    fields = (Field(id="a", prompt="A"), Field(id="b", prompt="B", type="bool"))

    assert set(wrong(Form(title="T", fields=fields), {"b": "x", "c": 1})) == {"a", "b", "c"}


def test_unknown_field_is_answered_with_the_one_that_was_meant() -> None:
    said = wrong(a_field(id="branch", required=False), {"brnach": "main"})

    assert said == {"brnach": "the form has no such field; did you mean branch?"}


def test_unknown_field_of_an_empty_form_is_refused() -> None:
    assert wrong(Form(title="T"), {"x": 1}) == {"x": "the form has no such field"}


def test_many_unknown_fields_are_counted() -> None:
    said = wrong(Form(title="T"), {f"x{i}": 1 for i in range(UNKNOWN_MAX + 7)})

    assert said["…"] == "7 more that the form has not"
    assert len(said) == UNKNOWN_MAX + 1


def test_hostile_name_is_shown_short_and_printable() -> None:
    [name] = wrong(a_field(required=False), {"\ud800" + "n" * 1_000_000: 1})

    assert name == "\\ud800" + "n" * 62 + "…"


def test_values_together_are_bounded() -> None:
    form = a_field(type="text")

    with pytest.raises(TooLarge):
        checked_values(form, {"x": "é" * (VALUES_MAX // 2)})


def test_values_without_a_form_are_checked_for_what_can_be_stored() -> None:
    with pytest.raises(ValuesInvalid) as caught:
        check_values_size({"push": {"deep": [float("nan")]}, "fine": 1})

    assert set(caught.value.fields) == {"push"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["a", "b", "c"]) | st.text(st.characters(), max_size=70)
FIELDS = st.builds(
    Field,
    id=st.sampled_from(["a", "b"]),
    prompt=st.just("?"),
    type=st.sampled_from(["text", "string", "bool", "number", "choice"]),
    value=st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    required=st.booleans(),
    choices=st.just(("1", "2")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(FIELDS, max_size=2), st.dictionaries(NAMES, JSON, max_size=4), st.booleans())
def test_any_values_are_taken_as_storable_ones_or_refused(
    fields: list[Field], values: dict[str, Json], complete: bool
) -> None:
    form = Form(title="T", fields=tuple(fields))

    taken: dict[str, Json] = {}
    with suppress(ValuesInvalid):
        taken = checked_values(form, values, complete=complete)

    assert from_text(to_text(taken).encode()) == taken
    assert set(taken) <= {f.id for f in fields}


@pytest.mark.parametrize(
    ("type", "given"), [("string", "1.2.3"), ("text", "1.2.3"), ("list", ["1.2.3", "4.5.6"])]
)
def test_text_that_matches_the_pattern_as_a_whole_is_taken(type: str, given: Json) -> None:
    form = a_field(type=type, pattern=r"\d+\.\d+\.\d+")

    assert checked_values(form, {"x": given}) == {"x": given}


@pytest.mark.parametrize(
    ("type", "given", "said"),
    [
        ("string", "1.2.3-rc1", "does not match the pattern [0-9.]+"),
        ("string", "v1.2.3", "does not match the pattern [0-9.]+"),
        ("list", ["1", "x"], "does not match the pattern [0-9.]+"),
        ("list", [1], "a text of at most 4096 characters is expected"),
        ("text", "1" * 4097, "a text of at most 4096 characters is expected"),
    ],
)
def test_text_that_does_not_match_is_refused(type: str, given: Json, said: str) -> None:
    assert wrong(a_field(type=type, pattern="[0-9.]+"), {"x": given}) == {"x": said}
