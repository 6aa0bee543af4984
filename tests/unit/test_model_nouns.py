"""Dataclasses that are frozen for the type check: what they share with frozen ones."""

import gc

from floe.model.ids import HostId, Key, NodeId, RunRef, StoreId
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class A:
    text: str
    count: int = 0


def test_equal_fields_make_equal_nouns_with_equal_hashes() -> None:
    assert {A(text="a"), A(text="a", count=0), A(text="b")} == {A(text="b"), A(text="a")}


def test_noun_has_no_other_attributes() -> None:
    assert not hasattr(A(text="a"), "__dict__")


def test_collector_of_circles_does_not_look_through_frozen_nouns() -> None:
    ref = RunRef(HostId("h1"), StoreId("k3f9"), 12)

    tracked = [gc.is_tracked(one) for one in (A(text="a"), ref, Key(ref, 1, NodeId("build"), 1, 1))]

    assert tracked == [False, False, False]
