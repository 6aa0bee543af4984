"""Verdicts as text."""

from typing import cast

import pytest

from floe.evaluators.verdict_text import (
    LEVELS_MAX,
    Unstorable,
    check_json,
    failed_text,
    text_of_json,
    text_of_verdict,
    verdict_of,
)
from floe.model.ids import Json, NodeId
from floe.model.judging import Enter, Note, Set, Verdict
from floe.model.work import Exec

WHOLE = Verdict(
    state="DONE",
    work=Exec(argv=("true",)),
    items=(1, "two", {"three": [3.5, None, True]}),
    outputs={"a": {"b": 1}},
    sets=(Set(node=NodeId("b"), state="TODO", why="so"),),
    enters=(Enter(node=NodeId("c"), work=Exec(argv=("false",))),),
    notes=(Note(kind="finding", value={"x": 1}),),
)


def nested(levels: int) -> Json:
    """Lists in one another."""
    value: Json = 0
    for _ in range(levels):
        value = [value]
    return value


def test_verdict_is_read_as_it_was_written() -> None:
    assert verdict_of(text_of_verdict(WHOLE)) == WHOLE


def test_failed_verdict_names_its_reason() -> None:
    assert verdict_of(failed_text("half \ud800")).failed == "half ?"


@pytest.mark.parametrize(
    "text", [b"", b"[]", b'{"state":7}', b'{"outputs":{"a":NaN}}', b'{"sets":[{}]}', b"[" * 5000]
)
def test_text_that_is_no_verdict_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        verdict_of(text)


def test_value_may_have_as_many_levels_as_outputs_of_commands() -> None:
    check_json(nested(LEVELS_MAX))

    with pytest.raises(Unstorable, match="levels"):
        check_json(nested(LEVELS_MAX + 1))


@pytest.mark.parametrize("value", [10**100, float("inf"), {1: 2}, {1}, b"x"])
def test_value_that_no_store_can_keep_is_refused(value: object) -> None:
    with pytest.raises(Unstorable):
        text_of_json(cast(Json, [value]))


def test_value_that_is_longer_than_its_room_is_refused() -> None:
    assert text_of_json("x" * 8, room=10) == b'"xxxxxxxx"'

    with pytest.raises(Unstorable, match="it has 11 bytes, and 10 are allowed"):
        text_of_json("x" * 9, room=10)
