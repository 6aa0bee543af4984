"""Templates: what a text with `{{ … }}` means, and what is wrong with it."""

import pytest

from floe.expr.paths import Unknown, shown, value_at
from floe.expr.template import (
    CHARS_MAX,
    TemplateInvalid,
    as_text,
    as_written,
    filled,
    paths_of,
    template_of,
    template_parts,
    unknown_words,
)
from floe.model.codec import decode, encode
from floe.model.ids import Json
from floe.model.template import Path, Template, TemplatePart

VALUES: dict[str, Json] = {
    "values": {
        "branch": "main",
        "count": 3,
        "ok": True,
        "none": None,
        "list": [1, {"a": "b"}],
        "odd name": "found",
    }
}


def value(path: Path) -> Json:
    return value_at(VALUES, path)


def text_of(text: str) -> str:
    return filled(template_of(template_parts(text)), value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("plain", "plain"),
        ("on {{ values.branch }}!", "on main!"),
        ("{{values.branch}}{{values.count}}", "main3"),
        ("{{ values.ok }}", "true"),
        ("{{ values.list }}", '[1,{"a":"b"}]'),
        ("{{ values.list[1].a }}", "b"),
        ("{{ values['branch'] }}", "main"),
        ('{{ values["odd name"] }}', "found"),
        ("{{ values.none }}", "…"),
        ("{{ values.other }}", "…"),
        ("{{ values.list[9] }}", "…"),
        ("{{ values.branch.deeper }}", "…"),
        ("{{.Names}} {{ other }} {{ws}}", "{{.Names}} {{ other }} {{ws}}"),
        ("{{ '{{' }} values.branch }}", "{{ values.branch }}"),
        ("a { b }} {c}", "a { b }} {c}"),
        ("{{ values.branch | upper }}/{{ values.count + 1 }}", "MAIN/4"),
        ("{{ 'a' ~ 1 }}{{ 3 }}{{ (values.ok) }}{{ [1, 2] }}", "a13true[1,2]"),
        ("{{ ({'a': {'b': 1}}) }} }}", '{"a":{"b":1}} }}'),
        ("{{ '}}' ~ values.count }}", "}}3"),
        ("{{ values.other | upper }} {{ values.other | default('none') }}", "… none"),
        ("{{ [] | first }} {{ values.none ~ '' }}", "… (error: null has no text)"),
        (
            "{{ values.count + '1' }}!",
            "(error: `+` takes two numbers, two texts or two lists, not a number and a text)!",
        ),
        ("{{ not values.ok }}", "{{ not values.ok }}"),
    ],
)
def test_text_is_filled(text: str, said: str) -> None:
    assert text_of(text) == said


@pytest.mark.parametrize(
    ("text", "offset", "what"),
    [
        ("a {{ values.branch", 5, "`{{` is never closed by `}}`"),
        ("a {{ 'b }} c' ~ values.a", 5, "`{{` is never closed by `}}`"),
        ("a {{ values.branch | uper }}", 21, "there is no filter `uper`"),
        ("{{ values.a values.b }}", 12, "the expression should end, but here is `values`"),
        ("{{ values.a is matching('(') }}", 24, "the pattern cannot be read"),
        ("{{ values." + "a." * 70 + "a }}", 3, "a path has at most"),
        ("x" * (CHARS_MAX + 1), 0, "a template has at most"),
        ("{{1}}" * 251, 1252, "the expressions of a template have at most"),
    ],
)
def test_mistake_is_named_with_its_place(text: str, offset: int, what: str) -> None:
    with pytest.raises(TemplateInvalid) as raised:
        template_parts(text)

    assert raised.value.offset == offset
    assert raised.value.what.startswith(what)


def test_value_that_looks_like_a_template_stays_as_it_is() -> None:
    template = template_of(template_parts("{{ values.branch }}"))

    assert filled(template, lambda _: "{{ values.count }}") == "{{ values.count }}"


def test_unknown_names_in_braces_are_found_with_their_places() -> None:
    assert [*unknown_words("{{ value.x }} {{ values.x }} {{.Names}}")] == [(3, "value")]


def test_path_is_shown_as_it_is_written() -> None:
    (written,) = template_parts("{{ task['3d'].outputs.list[0] }}")

    assert shown(written.part.path) == "task['3d'].outputs.list[0]"


def test_null_is_no_text() -> None:
    with pytest.raises(Unknown):
        as_text(None)


def test_template_is_stored_and_read_back() -> None:
    template = template_of(template_parts("on {{ values.list[1].a }}"))

    assert decode(Template, encode(template)) == template


def test_path_alone_is_no_expression() -> None:
    parts = template_of(template_parts("{{ values.a['b'][0] }}{{ 'c' }}")).parts

    assert [(part.text, part.path, part.code) for part in parts] == [
        ("", ("values", "a", "b", 0), ""),
        ("c", (), ""),
    ]


def test_expression_is_stored_as_its_text() -> None:
    template = template_of(template_parts("on {{values.a|upper  }}"))

    assert encode(template) == {"parts": [{"text": "on "}, {"code": "values.a|upper"}]}
    assert decode(Template, encode(template)) == template


def test_template_is_written_as_it_was_read() -> None:
    assert as_written(template_of(template_parts("on {{values.a|upper}} {{values.b}}"))) == (
        "on {{ values.a|upper }} {{ values.b }}"
    )


def test_template_names_the_paths_of_its_expressions() -> None:
    template = template_of(
        template_parts("{{ values.a }} {{ task.b.state ~ run.id|default(values.c) }}")
    )

    assert [*paths_of(template)] == [
        ("values", "a"),
        ("task", "b", "state"),
        ("run", "id"),
        ("values", "c"),
    ]


def test_expression_of_a_newer_floe_is_written_as_an_error() -> None:
    template = Template(parts=(TemplatePart(code="values.a |> new"),))

    assert filled(template, value).startswith("(error: ")
    assert [*paths_of(template)] == []


def test_expressions_of_a_template_share_its_fuel() -> None:
    template = template_of(template_parts("{{ values.list|join }}" * 2))
    long = [1] * 3000

    assert filled(template, lambda _: long) == (
        "1" * 3000 + "(error: the expression takes too many steps)"
    )
