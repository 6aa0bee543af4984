"""Templates: what a text with `{{ … }}` means, and what is wrong with it."""

import pytest

from floe.expr.template import (
    CHARS_MAX,
    TemplateInvalid,
    Unknown,
    as_text,
    filled,
    other_words,
    read,
    shown,
    template_of,
    value_at,
)
from floe.model.codec import decode, encode
from floe.model.refs import Json
from floe.model.template import Path, Template

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
    return filled(template_of(read(text)), value)


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
    ],
)
def test_text_is_filled(text: str, said: str) -> None:
    assert text_of(text) == said


@pytest.mark.parametrize(
    ("text", "offset", "what"),
    [
        ("a {{ values.branch", 5, "`{{` is never closed by `}}`"),
        ("{{ values.branch | upper }}", 17, "only a path can be written here, but it goes on with"),
        ("{{ values.a == 1 }}", 12, "only a path can be written here, but it goes on with"),
        ("{{ 3 }}", 3, "only paths can be written here"),
        ("{{ (values.a) }}", 3, "only paths can be written here"),
        ("{{ values." + "a." * 70 + "a }}", 3, "a path has at most"),
        ("x" * (CHARS_MAX + 1), 0, "a template has at most"),
    ],
)
def test_mistake_is_named_with_its_place(text: str, offset: int, what: str) -> None:
    with pytest.raises(TemplateInvalid) as raised:
        read(text)

    assert raised.value.offset == offset
    assert raised.value.what.startswith(what)


def test_value_that_looks_like_a_template_stays_as_it_is() -> None:
    template = template_of(read("{{ values.branch }}"))

    assert filled(template, lambda _: "{{ values.count }}") == "{{ values.count }}"


def test_unknown_names_in_braces_are_found_with_their_places() -> None:
    assert [*other_words("{{ value.x }} {{ values.x }} {{.Names}}")] == [(3, "value")]


def test_path_is_shown_as_it_is_written() -> None:
    (written,) = read("{{ task['3d'].outputs.list[0] }}")

    assert shown(written.part.path) == "task['3d'].outputs.list[0]"


def test_null_is_no_text() -> None:
    with pytest.raises(Unknown):
        as_text(None)


def test_template_is_stored_and_read_back() -> None:
    template = template_of(read("on {{ values.list[1].a }}"))

    assert decode(Template, encode(template)) == template
