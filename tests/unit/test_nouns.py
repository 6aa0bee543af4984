"""floe's dataclasses behave as those of the standard library."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, ClassVar

import pytest

from floe.model import nouns


def a_pair(dataclass: Callable[..., Any]) -> Any:
    """A class with each kind of field, by a decorator."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Pair:
        """Two names."""

        kind: ClassVar[str] = "pair"
        left: str
        right: str = "r"
        more: Mapping[str, int] = field(default_factory=dict)
        cached: int = field(default=0, repr=False, compare=False)

    return Pair


OURS, PLAIN = a_pair(nouns.dataclass), a_pair(dataclasses.dataclass)


def test_equal_fields_are_equal_and_hash_alike() -> None:
    one, same = (OURS(left="a", more=(), cached=n) for n in (1, 2))

    assert (one == same, hash(one) == hash(same)) == (True, True)
    assert one != OURS(left="b", more=())


def test_no_two_classes_are_equal() -> None:
    assert OURS(left="a") != a_pair(nouns.dataclass)(left="a")


def test_text_is_that_of_a_dataclass() -> None:
    assert repr(OURS(left="a", cached=1)) == "Pair(left='a', right='r', more={})"


def test_fields_are_read_as_those_of_a_dataclass() -> None:
    def shapes(cls: Any) -> list[tuple[object, ...]]:
        return [
            (one.name, one.type, one.default, one.default_factory, one.init)
            for one in dataclasses.fields(cls)
        ]

    assert shapes(OURS) == shapes(PLAIN)


def test_fields_are_read_without_the_signature_of_the_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes twice as long as the rest, and a start reads the fields of dozens of classes."""
    monkeypatch.setattr("inspect.signature", None)

    assert [one.name for one in dataclasses.fields(a_pair(nouns.dataclass))][:2] == [
        "left",
        "right",
    ]


@pytest.mark.parametrize("replace", [nouns.replace, dataclasses.replace])
def test_changed_copy_leaves_the_original(replace: Callable[..., Any]) -> None:
    one = OURS(left="a", more={"x": 1})

    assert replace(one, right="b") == OURS(left="a", right="b", more={"x": 1})
    assert one.right == "r"


def test_frozen_class_refuses_a_change() -> None:
    with pytest.raises(AttributeError):
        OURS(left="a").left = "b"


def test_each_object_gets_a_default_of_its_own() -> None:
    assert OURS(left="a").more is not OURS(left="a").more


@pytest.mark.parametrize("computed", [field(init=False), field(repr=False)])
def test_field_that_no_struct_has_is_refused(computed: Any) -> None:
    with pytest.raises(TypeError, match=r"Odd\.field: only a real dataclass"):

        @nouns.dataclass(frozen=True)
        class Odd:
            field: int = computed
