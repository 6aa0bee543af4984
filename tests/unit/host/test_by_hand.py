"""Starts by hand of triggers that fire without people."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from floe.host.by_hand import as_pushed, head_of, is_by_hand
from floe.model.errors import ValuesInvalid
from floe.model.flow import Trigger, TriggerType
from floe.model.form import Field, Form
from floe.model.ids import NodeId
from floe.model.run import Run
from floe.model.start_form import form_of
from floe.model.taken import RerunOf
from floe.model.work import Git
from tests.make import a_flow, a_pending_run
from tests.make_triggers import a_poll, a_tick

HOOK = Trigger(id=NodeId("hook"), type="push", name="hook", git=Git(branch="main"))
REFS = {"refs/heads/dev": "1", "refs/heads/main": "2", "refs/tags/v1": "3"}


def test_form_of_a_trigger_for_people_is_its_own() -> None:
    form = Form(title="Release")

    assert form_of(Trigger(id=NodeId("start"), type="data", name="start", form=form)) is form


@pytest.mark.parametrize(
    ("trigger", "fields"),
    [
        (a_tick(), {}),
        (a_poll(), {"branch": None, "hash": None}),
        (
            HOOK,
            {"branch": "main", "hash": None, "url": None, "subject": None, "push": None},
        ),
    ],
)
def test_form_of_any_other_trigger_needs_nothing(
    trigger: Trigger, fields: Mapping[str, str | None]
) -> None:
    form = form_of(trigger)

    assert {field.id: field.value for field in form.fields} == fields
    assert not any(field.required for field in form.fields)


@pytest.mark.parametrize(
    ("branch", "head"),
    [
        ("dev", "refs/heads/dev"),
        ("v1", "refs/tags/v1"),
        ("refs/tags/v1", "refs/tags/v1"),
        ("", "refs/heads/main"),
    ],
)
def test_head_is_the_named_one_or_main(branch: str, head: str) -> None:
    assert head_of(a_poll(), branch, REFS) == head


def test_head_is_the_only_one_that_is_watched() -> None:
    assert head_of(a_poll(refs="refs/tags/*"), "", REFS) == "refs/tags/v1"


@pytest.mark.parametrize(
    ("branch", "refs", "error"),
    [
        ("gone", REFS, "branch: the repository has no such branch or tag; it has dev, main, v1"),
        ("", {"refs/heads/a": "1", "refs/heads/b": "2"}, "-d branch=NAME; it has a, b"),
        ("", {}, "-d branch=NAME; it has none"),
        ("", {f"refs/heads/{n:02}": "1" for n in range(11)}, "08, 09, …"),
    ],
)
def test_head_that_is_not_clear_is_asked_for(
    branch: str, refs: Mapping[str, str], error: str
) -> None:
    with pytest.raises(ValuesInvalid, match=error):
        head_of(a_poll(), branch, refs)


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"branch": "a"}, {"branch": "a"}),
        ({"push": '{"a": 1}'}, {"push": {"a": 1}}),
        ({"push": "no JSON"}, {"push": "no JSON"}),
    ],
)
def test_body_of_a_webhook_is_parsed_if_it_is_json(
    given: Mapping[str, str], values: Mapping[str, object]
) -> None:
    assert as_pushed(given) == values


def a_started(trigger: Trigger, by: str) -> Run:
    run = a_pending_run(a_flow(triggers=(trigger,)))
    return replace(run, trigger=trigger.id, by=by)


def test_only_what_a_person_pulled_instead_of_the_clock_is_by_hand() -> None:
    start = Trigger(id=NodeId("start"), type="data", name="start")
    again = replace(a_started(a_tick(), "ann"), rerun_of=RerunOf(run="h1-1@k3f9"))

    assert is_by_hand(a_started(a_tick(), "ann"))
    assert not is_by_hand(a_started(a_tick(), "trigger:tick"))
    assert not is_by_hand(a_started(start, "ann"))
    assert not is_by_hand(again)
    assert not is_by_hand(replace(a_started(a_tick(), "ann"), flow=None))


@pytest.mark.parametrize("type_", ["timer", "poll-git", "push"])
def test_form_of_any_trigger_begins_with_the_inputs_of_its_flow(type_: TriggerType) -> None:
    inputs = (Field(id="branch", prompt="Which?"), Field(id="version", prompt="What?"))
    trigger = Trigger(id=NodeId("t"), type=type_, name="T", form=Form(title="T", fields=inputs))

    fields = form_of(trigger).fields

    assert fields[:2] == inputs
    assert [field.id for field in fields].count("branch") == 1
