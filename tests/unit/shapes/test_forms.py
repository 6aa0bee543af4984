"""Forms as JSON, and which forms of a run are open."""

from dataclasses import replace

from floe.model.form import Field, Form
from floe.model.ids import Json, NodeId
from floe.model.signal import DataGiven, Exited, Reported
from floe.shapes.forms import VALUES_MAX, about, form_shape, open_forms
from tests.make import NOW, a_flow, a_form, a_merge, a_node, a_run, after, an_end, the_key

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

    shown = about(replace(a_run(SIGNED), values=values))

    assert [(one["name"], one["text"]) for one in shown] == [
        ("version", "1.4.2"),
        ("replicas", "3"),
        ("notes", "two lines"),
    ]


def test_many_values_are_cut() -> None:
    values = {f"v{n}": "x" for n in range(VALUES_MAX + 5)}

    assert len(about(replace(a_run(SIGNED), values=values))) == VALUES_MAX


def test_form_names_the_nearest_nodes_that_printed_something() -> None:
    flow = a_flow(
        a_node("build"),
        a_node("lint"),
        a_merge("checks", ["task.build.good", "task.lint.good"]),
        a_form("sign-off", on="merge.checks.good"),
    )
    run = a_run(flow)
    for node, output_bytes in (("build", 7), ("lint", 0)):
        exited = Exited(status=0, outputs={}, output_bytes=output_bytes)
        run = after(run, Reported(key=the_key(run, node), report=exited, at=NOW))

    assert open_forms(run)[0]["before"] == [{"id": "build", "name": "build"}]
