"""Values of a document as JSON."""

import pytest

from floe.dialects.floe.json_values import ValueMap
from floe.dialects.kinds import Unfit
from floe.dialects.notes import Notes
from floe.dialects.tree import parse_yaml
from floe.model.ids import Json


def read(text: str) -> Json:
    notes = Notes("x")
    tree = parse_yaml(text, notes)
    assert tree is not None
    return ValueMap().read(tree, "values", notes)


def test_values_are_what_yaml_and_json_both_read() -> None:
    found = read("{a: x, b: true, c: 1, d: 1.5, e: [1, two], f: {g: '3.10'}}")

    assert found == {"a": "x", "b": True, "c": 1, "d": 1.5, "e": (1, "two"), "f": {"g": "3.10"}}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[a]", "`values` takes a map of values"),
        ("{a b: 1}", "`values` cannot have a value `a b`"),
        ("{a: 2026-11-29}", "YAML reads `2026-11-29` in `a` as a date"),
        ("{a: yes}", "YAML reads `yes` in `a` as a boolean"),
        ("{a: 0x1f}", "YAML reads `0x1f` in `a` as a whole number"),
    ],
)
def test_value_that_json_would_read_differently_is_an_error(text: str, what: str) -> None:
    with pytest.raises(Unfit, match=what):
        read(text)
