"""Dataclasses that are frozen for the type check: what they share with frozen ones."""

from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class A:
    text: str
    count: int = 0


def test_equal_fields_make_equal_nouns_with_equal_hashes() -> None:
    assert {A(text="a"), A(text="a", count=0), A(text="b")} == {A(text="b"), A(text="a")}


def test_noun_has_no_other_attributes() -> None:
    assert not hasattr(A(text="a"), "__dict__")
