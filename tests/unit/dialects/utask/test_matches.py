"""Conditions are met as the documentation of uTask says."""

import pytest

from floe.dialects.notes import Position
from floe.dialects.utask.document import Assertion, UtaskCondition
from floe.dialects.utask.keys import TextAt
from floe.dialects.utask.matches import matches
from floe.dialects.utask.texts import exact, renderer
from floe.expr.errors import ExpressionError
from tests.go_templates import StillWorld

AT = Position(1, 1)
RENDER = renderer(exact({"input": {"a": "A", "list": "p; q"}}), StillWorld())


def a_condition(*assertions: Assertion, final: bool = False, message: str = "") -> UtaskCondition:
    return UtaskCondition(
        at=AT,
        type="check",
        assertions=assertions,
        then={"this": TextAt("DONE", AT)},
        final=final,
        message=message,
    )


def holds(value: str, operator: str, expected: str, separator: str = "") -> bool:
    assertion = Assertion(
        at=AT, value=value, operator=operator, expected=expected, list_separator=separator
    )
    return [*matches([a_condition(assertion)], "check", "one", RENDER)] != []


@pytest.mark.parametrize(
    ("value", "operator", "expected", "is_met"),
    [
        ("a", "EQ", "a", True),
        ("a", "ne", "a", False),
        ("{{.input.a}}", "EQ", "{{.input.a}}", True),
        ("{{.input.none}}", "EQ", "", True),
        ("x<no value>", "EQ", "x", True),
        ("10", "GT", "9", True),
        ("10", "gt", "11", False),
        ("-1", "LT", "0", True),
        ("3", "GE", "3", True),
        ("3", "LE", "2", False),
        ("hello", "REGEXP", "l+", True),
        ("hello", "NOTREGEXP", "^l", True),
        ("a, b", "IN", "b", True),
        ("a,b", "NOTIN", "b", False),
        ("a", "NOTIN", "{{.input.a}}", True),
    ],
)
def test_operator_compares(value: str, operator: str, expected: str, is_met: bool) -> None:
    assert holds(value, operator, expected) == is_met


def test_list_has_a_separator_of_its_own() -> None:
    assert holds("{{.input.list}}", "IN", "q", ";")
    assert not holds("{{.input.list}}", "IN", "q")


@pytest.mark.parametrize(
    ("value", "operator", "expected"),
    [
        ("a", "GT", "1"),
        ("1.5", "LT", "2"),
        ("3000000000", "GT", "1"),
        ("", "GE", "1"),
        ("a", "REGEXP", "{{print `(`}}"),
        ("{{.input.a.b}}", "EQ", "x"),
    ],
)
def test_condition_that_cannot_be_evaluated_is_an_error(
    value: str, operator: str, expected: str
) -> None:
    with pytest.raises(ExpressionError):
        holds(value, operator, expected)


def test_all_that_are_met_apply_in_order_up_to_a_final_one() -> None:
    never = Assertion(at=AT, value="a", operator="EQ", expected="b")
    conditions = [
        a_condition(message="first"),
        a_condition(never, message="never"),
        a_condition(final=True, message="{{.input.a}}"),
        a_condition(message="late"),
    ]

    found = [*matches(conditions, "check", "one", RENDER)]

    assert [(one.states, one.message) for one in found] == [
        ({"one": "DONE"}, "first"),
        ({"one": "DONE"}, "A"),
    ]


def test_condition_of_another_kind_is_left_alone() -> None:
    assert [*matches([a_condition()], "skip", "one", RENDER)] == []


def test_mistake_in_a_message_is_told_in_it() -> None:
    [found] = matches([a_condition(message="{{nofunc}}")], "check", "one", RENDER)

    assert found.message.startswith("{{nofunc}} (TEMPLATING ERROR: ")
