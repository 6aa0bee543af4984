"""Types of expressions, as far as they are known before an evaluation."""

import pytest

from floe.expr.flow.expression import expression
from floe.expr.flow.type_mistakes import Mistake, kind, mistakes
from floe.expr.values import Kind
from floe.model.template import Path

KNOWN: dict[Path, Kind] = {
    ("values", "n"): "number",
    ("values", "text"): "text",
    ("values", "yes"): "bool",
    ("values", "list"): "list",
    ("values", "map"): "map",
}

PLUS = "`+` takes two numbers, two texts or two lists"
IN = "`in` takes a value and a list, or a text and a text or a map"


def mistakes_of(text: str) -> list[Mistake]:
    return [*mistakes(expression(text).part, KNOWN.get)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3", "number"),
        ("[1]", "list"),
        ("{'a': 1}", "map"),
        ("values.n", "number"),
        ("values.other", None),
        ("not values.n", "bool"),
        ("-values.other", "number"),
        ("values.n is defined", "bool"),
        ("values.n + values.other", "number"),
        ("values.other + 'a'", "text"),
        ("values.other * values.other", "number"),
        ("values.n ~ 1", "text"),
        ("values.other == 1", "bool"),
        ("'a' or 'b'", "text"),
        ("'a' or 1", None),
        ("1 if values.n else 2", "number"),
        ("1 if values.n else 'a'", None),
        ("values.text[1:]", "text"),
        ("values.list[1:][0 + 0]", None),
        ("values.list|join|length", "number"),
        ("values.list|map('upper')", "list"),
        ("values.n|default(1)", "number"),
        ("values.n|default('a')", None),
    ],
)
def test_type_is_known_as_far_as_the_text_shows_it(text: str, found: Kind | None) -> None:
    assert kind(expression(text).part, KNOWN.get) == found


@pytest.mark.parametrize(
    ("text", "at", "what"),
    [
        ("values.n + 'a'", 9, f"{PLUS}, not a number and a text"),
        ("values.n + 1 + 'a'", 13, f"{PLUS}, not a number and a text"),
        ("values.other * 2 + 'a'", 17, f"{PLUS}, not a number and a text"),
        (
            "1 if values.n < 'a' else 2",
            14,
            "`<` takes two numbers or two texts, not a number and a text",
        ),
        ("1 < values.n <= 'a'", 13, "`<=` takes two numbers or two texts, not a number and a text"),
        ("1 in values.text", 2, f"{IN}, not a number and a text"),
        ("-values.text", 0, "`-` takes a number, not a text"),
        ("values.n is matching('a')", 9, "`matching` takes a text, not a number"),
        ("values.n|upper", 9, "`upper` takes a text, not a number"),
        ("values.list|length|upper", 19, "`upper` takes a text, not a number"),
        ("values.text|map('upper')", 12, "`map` takes a list, not a text"),
        ("values.list|join(values.n)", 17, "`with` of `join` is a text, not a number"),
        ("values.n[1:]", 8, "only a text or a list has slices, not a number"),
        ("values.n[-1]", 8, "only a list or a map has elements, not a number"),
        ("[values.n|upper]", 10, "`upper` takes a text, not a number"),
    ],
)
def test_types_that_never_fit_are_a_mistake(text: str, at: int, what: str) -> None:
    assert mistakes_of(text) == [Mistake(at, what)]


@pytest.mark.parametrize(
    ("text", "at", "what"),
    [
        ("values.n == '1'", 9, "a number never equals a text"),
        ("values.yes != 'true'", 11, "a bool never equals a text"),
    ],
)
def test_types_that_are_never_equal_are_worth_a_warning(text: str, at: int, what: str) -> None:
    assert mistakes_of(text) == [Mistake(at, what, is_error=False)]


@pytest.mark.parametrize(
    "text",
    [
        "values.other + 'a'",
        "values.n == null",
        "values.n == values.other",
        "values.n + values.other - 1",
        "values.text + 'a' ~ 1",
        "values.map|items|map('first')|sort|join(', ')|upper",
        "values.n|default('none')|upper",
        "(values.yes or values.text)|upper",
        "values.list[0]|upper",
        "values.text is defined and values.n is not defined",
        "1 < values.n < 3 and values.n in values.list",
    ],
)
def test_types_that_may_fit_are_no_mistake(text: str) -> None:
    assert mistakes_of(text) == []
