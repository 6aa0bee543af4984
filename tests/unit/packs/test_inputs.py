"""Inputs of commands become the types that handlers name."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import pytest

from floe.packs.inputs import WrongInput, read


class Colour(Enum):
    RED = "red"


@dataclass
class Inner:
    n: int


@dataclass
class Outer:
    inner: Inner
    tags: list[str] = field(default_factory=list)


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        (Any, {"a": 1}, {"a": 1}),
        (int, "5.000000", 5),
        (int, 5.0, 5),
        (int, " 7 ", 7),
        (float, "2.5", 2.5),
        (bool, "True", True),
        (bool, False, False),
        (str | None, None, None),
        (int | str, "5", "5"),
        (dict[str, int], {"a": "1"}, {"a": 1}),
        (list, [1, "a"], [1, "a"]),
        (Literal["a", "b"], "b", "b"),
        (Colour, "red", Colour.RED),
        (Outer, {"inner": {"n": 1, "more": 2}}, Outer(Inner(1))),
    ],
)
def test_value_becomes_the_type(kind: Any, value: Any, result: Any) -> None:
    assert read(kind, value) == result


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (int, "x", "input is a text, not a whole number"),
        (int, 1.5, "input is a number, not a whole number"),
        (int, True, "input is true or false, not a whole number"),
        (int, "1e999", "input is a text, not a whole number"),
        (int, float("inf"), "input is a number, not a whole number"),
        (float, [], "input is a list, not a number"),
        (bool, "yes", "input is a text, not true or false"),
        (bool, 1, "input is a number, not true or false"),
        (str, 1, "input is a number, not a text"),
        (str | None, 1, "input is a number, not a text; or input is a number, not null"),
        (list[int], ["1", {}], r"input[1] is an object, not a whole number"),
        (dict[str, int], [], "input is a list, not an object"),
        (Literal["a", "b"], "c", "input is a text, not one of a, b"),
        (Colour, [], "input is a list, not one of ['red']"),
        (Outer, {"inner": {"n": None}}, "input.inner.n is null, not a whole number"),
        (Outer, {}, "input.inner is missing"),
    ],
)
def test_value_of_a_different_type_is_refused_with_its_place(
    kind: Any, value: Any, text: str
) -> None:
    with pytest.raises(WrongInput) as refused:
        read(kind, value)

    assert str(refused.value) == text


def test_type_that_is_none_of_an_input_is_a_mistake_of_the_pack() -> None:
    with pytest.raises(TypeError, match="is no type of an input"):
        read(set, [])
