"""Reads a flow of flyte from its JSON: first against flyte's schema, then as Go decodes it.

Both give findings, and flyte has a status for each. Names in the schema are as they are written;
Go takes a name in any case, and the last of several. Templates are not read here: flyte takes
flows whose templates have mistakes.

Source: flyte's flow-schema.json.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

from floe.dialects.flyte.flow import (
    AwaitedEvent,
    FlowPlace,
    FlyteCommand,
    FlyteFlow,
    FlyteStep,
    shown_place,
)
from floe.model.ids import Json


class FlowFault(NamedTuple):
    """What is wrong with a flow, and where."""

    place: FlowPlace
    what: str
    hint: str = ""
    by: Literal["schema", "types"] = "schema"

    def __str__(self) -> str:
        return f"{shown_place(self.place)}: {self.what}" if self.place else self.what


class FlowOfText(NamedTuple):
    """A flow, or what is wrong with it."""

    flow: FlyteFlow | None
    faults: tuple[FlowFault, ...] = ()


def flow_of(value: Json) -> FlowOfText:
    """Read a flow from its JSON, whose numbers may be of any kind."""
    faults = tuple(_against(_SCHEMA, value, ()))
    if faults:
        return FlowOfText(None, faults)
    decoding = _Decoding()
    flow = decoding.flow(value)
    return FlowOfText(None if decoding.faults else flow, tuple(decoding.faults))


class _Shape(NamedTuple):
    """A part of the schema: the type of a value, its members or elements."""

    kind: Literal["object", "array", "text"]
    members: Mapping[str, "_Shape"] = {}
    needed: tuple[str, ...] = ()
    elements: "_Shape | None" = None


_LINE: Final = _Shape("text")
_NAMES: Final = {"name": _LINE, "packName": _LINE}
_NAMED: Final = _Shape("object", _NAMES, tuple(_NAMES))
_STEP: Final = _Shape(
    "object",
    {"event": _NAMED, "command": _NAMED, "context": _Shape("object"), "criteria": _LINE},
    ("event", "command"),
)
_SCHEMA: Final = _Shape(
    "object",
    {"name": _LINE, "description": _LINE, "steps": _Shape("array", elements=_STEP)},
    ("name", "steps"),
)
_KINDS: Final = {"object": "an object", "array": "a list", "text": "a text"}


def _against(shape: _Shape, value: Json, place: FlowPlace) -> Iterator[FlowFault]:
    """The faults of a value against the schema."""
    kind = kind_of(value)
    if kind != shape.kind:
        hint = "write it in quotes" if shape.kind == "text" and kind in _SCALARS else ""
        yield FlowFault(place, f"{_KINDS[shape.kind]} is needed, not {_named(value)}", hint)
    elif isinstance(value, str):
        if "\n" in value:
            yield FlowFault(place, "the text has a newline", "in YAML write `>-` instead of `>`")
    elif isinstance(value, Mapping):
        for name in shape.needed:
            if name not in value:
                yield FlowFault(place, f"`{name}` is missing", _near(name, value))
        for name, member in shape.members.items():
            if name in value:
                yield from _against(member, value[name], (*place, name))
    elif shape.elements is not None and isinstance(value, list | tuple):
        for at, one in enumerate(value):
            yield from _against(shape.elements, one, (*place, at))


_SCALARS: Final = ("number", "true or false")


def kind_of(value: Json) -> str:
    """The kind of a value of JSON."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "number"
    return "object" if isinstance(value, Mapping) else "array"


def _named(value: Json) -> str:
    kind = kind_of(value)
    return _KINDS.get(kind, "a number" if kind == "number" else kind)


def _near(name: str, value: Mapping[str, Json]) -> str:
    """A hint at the same name in a different case."""
    other = next((key for key in value if key.casefold() == name.casefold()), None)
    return f"`{other}` is written in a different case" if other else ""


class _Decoding:
    """Decodes what the schema allows as Go does: names in any case, null changes nothing."""

    def __init__(self) -> None:
        self.faults: list[FlowFault] = []

    def flow(self, value: Json) -> FlyteFlow:
        """The flow; if there are faults it is not one."""
        found = self._members([value], (), ("id", "name", "description", "steps"))
        self._text(found["id"], ("id",))  # Go decodes it, and replaces it
        return FlyteFlow(
            name=self._text(found["name"], ("name",)),
            description=self._text(found["description"], ("description",)),
            steps=tuple(
                self._step(one, ("steps", at))
                for at, one in enumerate(self._list(found["steps"], ("steps",)))
            ),
        )

    def _step(self, value: Json, place: FlowPlace) -> FlyteStep:
        names = ("id", "dependsOn", "event", "context", "criteria", "command")
        found = self._members([value], place, names)
        depends_on = self._list(found["dependsOn"], (*place, "dependsOn"))
        return FlyteStep(
            id=self._text(found["id"], (*place, "id")),
            depends_on=tuple(
                self._text([one], (*place, "dependsOn", at)) for at, one in enumerate(depends_on)
            ),
            event=self._event(found["event"], (*place, "event")),
            context=self._texts(found["context"], (*place, "context")),
            criteria=self._text(found["criteria"], (*place, "criteria")),
            command=self._command(found["command"], (*place, "command")),
        )

    def _event(self, values: list[Json], place: FlowPlace) -> AwaitedEvent:
        found = self._members(values, place, ("name", "packName", "packLabels"))
        return AwaitedEvent(
            name=self._text(found["name"], (*place, "name")),
            pack_name=self._text(found["packName"], (*place, "packName")),
            pack_labels=self._texts(found["packLabels"], (*place, "packLabels")),
        )

    def _command(self, values: list[Json], place: FlowPlace) -> FlyteCommand:
        found = self._members(values, place, ("name", "packName", "packLabels", "input"))
        return FlyteCommand(
            name=self._text(found["name"], (*place, "name")),
            pack_name=self._text(found["packName"], (*place, "packName")),
            pack_labels=self._texts(found["packLabels"], (*place, "packLabels")),
            input=found["input"][-1] if found["input"] else None,
        )

    def _members(
        self, values: list[Json], place: FlowPlace, names: tuple[str, ...]
    ) -> dict[str, list[Json]]:
        """What objects, one after the other, have under some names, without null."""
        found: dict[str, list[Json]] = {name: [] for name in names}
        folded = {name.casefold(): name for name in names}
        for value in values:
            if not isinstance(value, Mapping):
                self._refuse(value, place, "an object")
                continue
            for key, member in value.items():
                name = folded.get(key.casefold())
                if name is not None and member is not None:
                    found[name].append(member)
        return found

    def _text(self, values: list[Json], place: FlowPlace) -> str:
        text = ""
        for value in values:
            if isinstance(value, str):
                text = value
            elif value is not None:
                self._refuse(value, place, "a text")
        return text

    def _texts(self, values: list[Json], place: FlowPlace) -> dict[str, str]:
        made: dict[str, str] = {}
        for value in values:
            if isinstance(value, Mapping):
                made |= {key: self._text([one], (*place, key)) for key, one in value.items()}
            else:
                self._refuse(value, place, "an object")
        return made

    def _list(self, values: list[Json], place: FlowPlace) -> list[Json]:
        made: list[Json] = []
        for value in values:
            if isinstance(value, list | tuple):
                made = list(value)
            else:
                self._refuse(value, place, "a list")
        return made

    def _refuse(self, value: Json, place: FlowPlace, needed: str) -> None:
        is_scalar = needed == "a text" and kind_of(value) in _SCALARS
        hint = "write it in quotes" if is_scalar else ""
        what = f"{needed} is needed, not {_named(value)}"
        self.faults.append(FlowFault(place, what, hint, "types"))
