"""A value fits a schema exactly where it does for a checker that others wrote."""

from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]  # its stubs are not among our tools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe.dialects.utask.schemas import schema_faults
from floe.dialects.utask.validation import schema_fault
from floe.expr.errors import TooMuch

CHECKERS: Final = {
    4: jsonschema.Draft4Validator,
    6: jsonschema.Draft6Validator,
    7: jsonschema.Draft7Validator,
}

SCHEMAS: Final[tuple[Any, ...]] = (
    {},
    {"type": "string"},
    {"type": ["integer", "null"]},
    {"enum": [1, "a", None, [True]]},
    {"const": 1},
    {"minimum": 1, "maximum": 3},
    {"version": 4, "minimum": 1, "exclusiveMinimum": True},
    {"exclusiveMinimum": 1, "exclusiveMaximum": 3},
    {"multipleOf": 0.5},
    {"minLength": 1, "maxLength": 2, "pattern": "^a"},
    {"items": {"type": "integer"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
    {"items": [{"type": "integer"}], "additionalItems": False},
    {"contains": {"const": 1}},
    {"version": 4, "contains": {"type": "null"}, "const": 9},
    {"properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False},
    {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": {"type": "null"}},
    {"propertyNames": {"maxLength": 1}, "minProperties": 1, "maxProperties": 1},
    {"dependencies": {"a": ["b"], "b": {"minProperties": 2}}},
    {"allOf": [{"type": "integer"}, {"minimum": 2}]},
    {"anyOf": [{"type": "string"}, {"minimum": 2}]},
    {"oneOf": [{"type": "integer"}, {"minimum": 2}]},
    {"not": {"type": "object"}},
    {"if": {"type": "integer"}, "then": {"minimum": 2}, "else": {"type": "object"}},
    {"$ref": "#/definitions/x", "definitions": {"x": {"properties": {"a": {"$ref": "#"}}}}},
    {"items": {"$ref": "#/definitions/x"}, "definitions": {"x": {"type": "boolean"}}},
)

VALUES: Final = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, 2, 2.5, 3, "", "a", "ab", "abc", "ü"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
@given(value=VALUES)
@settings(max_examples=60, deadline=None)
def test_value_fits_as_for_others(schema: Any, value: Any) -> None:
    assert schema_faults(schema) == []
    checker = CHECKERS[schema.get("version", 7)]

    assert (schema_fault(schema, value) == "") == checker(schema).is_valid(value)


def test_fault_names_the_place() -> None:
    schema = {"properties": {"a": {"items": {"type": "string"}}}}

    assert schema_fault(schema, {"a": ["x", 1]}) == "#/a/1 is number, and not string"


def test_schema_that_leads_to_itself_ends() -> None:
    with pytest.raises(TooMuch):
        schema_fault({"$ref": "#"}, 1)


def test_large_list_is_compared_for_a_bounded_time() -> None:
    with pytest.raises(TooMuch):
        schema_fault({"uniqueItems": True}, [*range(10_000)])
