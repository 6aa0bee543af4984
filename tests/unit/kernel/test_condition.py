"""Why a condition is false."""

from collections.abc import Mapping
from functools import partial

import pytest

from floe.expr.errors import ExpressionError
from floe.expr.paths import value_at
from floe.kernel.condition import VALUE_MAX, unmet
from floe.model.ids import Json
from floe.model.template import Path


def why(condition: str, values: Mapping[str, Json]) -> str:
    return unmet(condition, partial(value_at, {"values": dict(values)}))


def test_condition_that_is_true_has_no_reason() -> None:
    assert why("values.env == 'prod'", {"env": "prod"}) == ""


@pytest.mark.parametrize(
    ("condition", "values", "reason"),
    [
        ("values.env == 'prod'", {"env": "test"}, "values.env was 'test'"),
        ("values.n > 2", {"n": 1}, "values.n was 1"),
        ("values.on", {"on": False}, "values.on was false"),
        ("values.tags|length > 1", {"tags": ["a"]}, """values.tags was ["a"]"""),
        ("values.a == 1 and values.b == 2", {"a": 1, "b": 1}, "values.a was 1; values.b was 1"),
        ("values.a == 1 and values.b == 2", {"a": 0, "b": 1}, "values.a was 0"),
        ("values.tag is defined", {}, "values.tag was missing"),
        ("false", {}, "its condition is always false"),
    ],
)
def test_reason_has_the_values_that_the_condition_read(
    condition: str, values: Mapping[str, Json], reason: str
) -> None:
    assert why(condition, values) == reason


def test_long_value_is_shortened() -> None:
    assert len(why("values.a == 'b'", {"a": "x" * 1000})) <= len("values.a was ''") + VALUE_MAX


def test_secret_is_not_part_of_the_reason() -> None:
    assert "s3cret" not in why("values.token == 'b'", {"token": "s3cret"})
    assert "s3cret" not in why("values|length > 1", {"token": "s3cret"})


def test_condition_that_cannot_be_judged_raises() -> None:
    with pytest.raises(ExpressionError, match="missing"):
        why("values.env == 'prod'", {})


def test_false_condition_is_judged_once() -> None:
    read: list[Path] = []

    def value(path: Path) -> Json:
        read.append(path)
        return "test"

    unmet("values.env == 'prod'", value)

    assert read == [("values", "env")]
