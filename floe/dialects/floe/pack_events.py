"""The keys of a pack-event trigger, and the kind of its values. It has no behaviour but reading."""

from typing import Final

from floe.dialects.floe.pack_keys import NAME, PACK_NAME
from floe.dialects.floe.templates import mentioned, read_template
from floe.dialects.kinds import Schema, Text, Unfit, quoted, text_of
from floe.dialects.notes import Notes
from floe.dialects.section import KeySpec, Section, SectionValues
from floe.dialects.tree import Scalar, Table, Tree
from floe.model.children import ChildValue
from floe.model.flow import EVENT, HeardEvent
from floe.model.nouns import dataclass

NO_VALUES: Final[tuple[ChildValue, ...]] = ()
NO_TEXTS: Final[tuple[tuple[str, str], ...]] = ()


@dataclass(frozen=True)
class LabelTextsKind:
    """Kind of value: labels by name."""

    label: str = "map"

    def read(self, tree: Tree, key: str, notes: Notes) -> tuple[tuple[str, str], ...]:
        if not isinstance(tree, Table):
            raise Unfit(tree.at, f"`{key}` takes a map", f"{key}: {{env: prod}}")
        return tuple((name, _text(value, name)) for name, (_, value) in tree.entries.items())

    def schema(self) -> Schema:
        text = {"type": ["string", "number", "boolean"]}
        return {"type": "object", "additionalProperties": text}


@dataclass(frozen=True)
class EventValuesKind:
    """Kind of value: values of a run, whose texts see the event that starts it."""

    label: str = "map of values"

    def read(self, tree: Tree, key: str, notes: Notes) -> tuple[ChildValue, ...]:
        if not isinstance(tree, Table):
            raise Unfit(tree.at, f"`{key}` takes a map", EVENT_VALUES.example)
        return tuple(self._value(name, v, notes) for name, (_, v) in tree.entries.items())

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": Text().schema()}

    def _value(self, name: str, tree: Tree, notes: Notes) -> ChildValue:
        text = read_template(text_of(tree, name), notes, (EVENT,))
        for one in mentioned(text):
            if one.path[0] != EVENT:
                what = f"a value of an event does not see {quoted(str(one.path[0]))}"
                raise Unfit(one.at, what, "it sees `event`, with `payload`, `pack` and `name`")
        return ChildValue(name=name, template=text.template)


EVENT_NAME: Final = KeySpec(
    name="event",
    kind=NAME,
    default="",
    required=True,
    doc="The event.",
    example="event: SlashCommand",
)
EVENT_LABELS: Final = KeySpec(
    name="labels",
    kind=LabelTextsKind(),
    default=NO_TEXTS,
    absent="any pack of that name",
    doc="Labels that the pack has.",
    example="labels: {env: prod}",
)
EVENT_VALUES: Final = KeySpec(
    name="values",
    kind=EventValuesKind(),
    default=NO_VALUES,
    absent="none besides `event`",
    doc="Values of the run, from the event. A text that is one expression keeps the type of its "
    "value.",
    example="values: {channel: '{{ event.payload.channelId }}'}",
)
EVENT_TRIGGER: Final = Section(
    name="`opts` of a pack-event trigger",
    keys=(PACK_NAME, EVENT_NAME, EVENT_LABELS, EVENT_VALUES),
    doc="Starts a run for each event of a pack of flyte.",
)


def read_heard(opts: SectionValues) -> HeardEvent:
    """The event that a trigger listens for."""
    return HeardEvent(
        pack=opts[PACK_NAME],
        event=opts[EVENT_NAME],
        labels=dict(opts[EVENT_LABELS]),
        values=opts[EVENT_VALUES],
    )


def _text(tree: Tree, key: str) -> str:
    if isinstance(tree, Scalar) and tree.kind in ("boolean", "whole number", "number"):
        return tree.text
    return text_of(tree, key).text
