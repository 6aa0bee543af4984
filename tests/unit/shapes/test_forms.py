"""Forms as JSON, and which forms of a run are open."""

from dataclasses import replace

from floe.model.flow import Field, Form
from floe.model.refs import Json, NodeId
from floe.model.signal import DataGiven
from floe.shapes.forms import VALUES_MAX, form_shape, open_forms, shown_values
from tests.make import a_flow, a_form, a_run, after, an_end

SIGNED = a_flow(a_form("sign-off"), an_end(on="task.sign-off.good"))


def test_field_keeps_its_choices_in_order() -> None:
    form = Form(title="Where?", fields=(Field(id="at", prompt="At?", choices=("b", "a")),))

    assert form_shape(form)["fields"][0]["choices"] == ["b", "a"]


def test_form_that_was_asked_for_is_open_with_its_visit() -> None:
    [form] = open_forms(a_run(SIGNED))

    assert (form["node"], form["visit"]) == ("sign-off", 1)


def test_form_that_was_answered_is_not_open() -> None:
    given = DataGiven(node=NodeId("sign-off"), values={}, good=True, by="bob", visit=1)

    assert open_forms(after(a_run(SIGNED), given)) == []


def test_values_beside_a_form_are_short_texts_without_secrets() -> None:
    values: dict[str, Json] = {
        "version": "1.4.2",
        "api_token": "abc",
        "replicas": 3,
        "notes": "two\nlines",
        "no": "",
    }

    shown = shown_values(replace(a_run(SIGNED), values=values))

    assert [(one["name"], one["text"]) for one in shown] == [
        ("version", "1.4.2"),
        ("replicas", "3"),
        ("notes", "two lines"),
    ]


def test_many_values_are_cut() -> None:
    values = {f"v{n}": "x" for n in range(VALUES_MAX + 5)}

    assert len(shown_values(replace(a_run(SIGNED), values=values))) == VALUES_MAX
