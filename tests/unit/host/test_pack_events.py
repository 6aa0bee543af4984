"""Which runs of floe's own flows an event of a pack starts, and with which values."""

from typing import Any

import pytest

from floe.dialects.flyte import compiled
from floe.expr.template import template_of, template_parts
from floe.host.pack_events import DIALECT, PackEvent, as_heard, listens, pack_event, values_by
from floe.model.children import ChildValue
from floe.model.codec import to_text
from floe.model.flow import HeardEvent, Trigger
from floe.model.form import Field, Form
from floe.model.ids import NodeId

EVENT = PackEvent("Slack", "SlashCommand", {"env": "prod", "a": "b"}, {"n": 3, "text": "go"})


def a_trigger(*fields: Field, **values: str) -> Trigger:
    texts = tuple(
        ChildValue(name=name, template=template_of(template_parts(text, ("event",))))
        for name, text in values.items()
    )
    heard = HeardEvent(pack="Slack", event="SlashCommand", values=texts)
    form = Form(title="x", fields=fields)
    return Trigger(id=NodeId("x"), type="pack-event", name="x", form=form, heard=heard)


def test_events_are_those_of_flyte() -> None:
    assert DIALECT == compiled.DIALECT


def test_an_event_of_the_inbox_is_read() -> None:
    body = {
        "event": "SlashCommand",
        "pack": {"name": "Slack", "labels": {"env": "prod", "a": "b"}},
        "payload": {"n": 3, "text": "go"},
        "receivedAt": "2026-11-30T07:00:00Z",
    }

    assert pack_event(DIALECT, to_text(body)) == EVENT
    assert pack_event("toy", to_text(body)) is None


@pytest.mark.parametrize(
    ("heard", "is_heard"),
    [
        ({}, True),
        ({"labels": {"env": "prod"}}, True),
        ({"labels": {"env": "dev"}}, False),
        ({"labels": {"other": ""}}, False),
        ({"pack": "slack"}, False),
        ({"event": "Other"}, False),
    ],
)
def test_pack_event_and_all_labels_are_heard(heard: dict[str, Any], is_heard: bool) -> None:
    wanted = HeardEvent(**{"pack": "Slack", "event": "SlashCommand", **heard})

    assert listens(wanted, EVENT) is is_heard


def test_values_are_the_event_and_what_the_trigger_takes_of_it() -> None:
    fields = (Field(id="n", prompt="n", type="number"), Field(id="env", prompt="env", value="dev"))
    trigger = a_trigger(*fields, n="{{ event.payload.n }}", said="it is {{ event.payload.n }}")

    values, why = values_by(trigger, EVENT)

    assert why == ""
    assert values == {"n": 3, "said": "it is 3", "env": "dev", "event": EVENT.value}


def test_a_value_that_is_missing_starts_nothing() -> None:
    values, why = values_by(a_trigger(n="{{ event.payload.m }}"), EVENT)

    assert (values, "`values` of x failed: n: `event.payload.m` is missing" in why) == ({}, True)


def test_a_value_that_does_not_fit_its_input_starts_nothing() -> None:
    field = Field(id="n", prompt="n", type="number")

    values, why = values_by(a_trigger(field, n="{{ event.payload.text }}"), EVENT)

    assert values == {}
    assert why.startswith("the event does not fit x: n:")


@pytest.mark.parametrize(
    ("given", "value"), [('{"a":1}', {"a": 1}), ("{", "{"), ({"a": 1}, {"a": 1})]
)
def test_an_event_by_hand_may_be_json(given: Any, value: Any) -> None:
    assert as_heard({"event": given}) == {"event": value}
