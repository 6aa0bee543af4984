"""Which runs of floe's own flows an event of a pack starts, and with which values.

No I/O, no clock.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from floe.expr.errors import ExpressionError
from floe.expr.form_values import checked_values
from floe.expr.fuel import Fuel
from floe.expr.paths import value_at
from floe.expr.values import as_text
from floe.host.trigger_values import initial_values
from floe.kernel.judge import value_of_part
from floe.model.children import ChildValue
from floe.model.codec import from_text
from floe.model.errors import TooLarge, ValuesInvalid
from floe.model.flow import EVENT, HeardEvent, Trigger
from floe.model.ids import Json
from floe.model.template import Path

DIALECT: Final = "flyte"
"""Whose events these are."""


class PackEvent(NamedTuple):
    """An event of a pack."""

    pack: str
    name: str
    labels: Mapping[str, str]
    payload: Json

    @property
    def value(self) -> Json:
        """The event as a run has it."""
        labels: Json = dict(self.labels)
        return {"pack": self.pack, "name": self.name, "labels": labels, "payload": self.payload}


def pack_event(dialect: str, body: str) -> PackEvent | None:
    """An event of the inbox as triggers see it; None for that of a different dialect."""
    event = from_text(body) if dialect == DIALECT else None
    pack = event.get("pack") if isinstance(event, Mapping) else None
    if not isinstance(event, Mapping) or not isinstance(pack, Mapping):
        return None
    given = pack.get("labels")
    labels = {name: str(one) for name, one in given.items()} if isinstance(given, Mapping) else {}
    return PackEvent(str(pack.get("name")), str(event.get("event")), labels, event.get("payload"))


def listens(heard: HeardEvent, event: PackEvent) -> bool:
    """Whether a trigger listens for an event."""
    is_it = (heard.pack, heard.event) == (event.pack, event.name)
    return is_it and heard.labels.items() <= event.labels.items()


def values_by(trigger: Trigger, event: PackEvent) -> tuple[Mapping[str, Json], str]:
    """The values of the run that an event starts, and why it starts none; empty if it does."""
    assert trigger.heard is not None, "it listens for events"
    given: dict[str, Json] = {}
    try:
        for one in trigger.heard.values:
            given[one.name] = _value(one, event)
        fields = {field.id for field in trigger.form.fields}
        checked = checked_values(trigger.form, {k: v for k, v in given.items() if k in fields})
    except ExpressionError as fault:
        name = trigger.heard.values[len(given)].name
        return {}, f"`values` of {trigger.id} failed: {name}: {fault}"
    except (ValuesInvalid, TooLarge) as fault:
        return {}, f"the event does not fit {trigger.id}: {fault.what}"
    return {**initial_values(trigger), **given, **checked, EVENT: event.value}, ""


def given_event(heard: HeardEvent, value: Json) -> PackEvent:
    """The event of a trigger with the payload, and maybe other labels, that a test gives."""
    given = value if isinstance(value, Mapping) else {}
    labels = given.get("labels")
    found = {k: str(v) for k, v in labels.items()} if isinstance(labels, Mapping) else {}
    return PackEvent(heard.pack, heard.event, {**heard.labels, **found}, given.get("payload"))


def as_heard(values: Mapping[str, Json]) -> Mapping[str, Json]:
    """The values of an event that a person gives by hand; JSON is parsed."""
    body = values.get(EVENT)
    if not isinstance(body, str):
        return values
    try:
        return {**values, EVENT: from_text(body)}
    except ValueError:
        return values


def _value(one: ChildValue, event: PackEvent) -> Json:
    """What a value comes to; one that is a single expression keeps its type."""
    known: Mapping[str, Json] = {EVENT: event.value}

    def value(path: Path) -> Json:
        return value_at(known, path)

    fuel, parts = Fuel(), one.template.parts
    if len(parts) == 1 and parts[0].is_value:
        return value_of_part(parts[0], value, fuel)
    return "".join(
        as_text(value_of_part(part, value, fuel), fuel) if part.is_value else part.text
        for part in parts
    )
