"""A map with known keys: reads it, reports all errors in it, and gives its JSON Schema."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Generic, TypeVar, cast

from floe.dialects.kinds import Schema, Unfit, ValueKind, quoted
from floe.dialects.nearest import closest
from floe.dialects.notes import Notes, Position
from floe.dialects.tree import Scalar, Table, Tree
from floe.model.nouns import dataclass

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class KeySpec(Generic[T_co]):
    """One key of a section: its kind of value, its default and its documentation."""

    name: str
    kind: ValueKind[T_co]
    default: T_co
    doc: str
    example: str
    """A line of YAML that includes the key."""
    absent: str = ""
    """The default in words, if `default` alone does not explain it."""
    aliases: tuple[str, ...] = ()
    required: bool = False


class SectionValues:
    """The values of a section, typed by their keys."""

    def __init__(self, at: Position) -> None:
        self.at = at
        self._values: dict[str, tuple[Position, object]] = {}
        self._wrong: set[str] = set()

    def __getitem__(self, key: KeySpec[T]) -> T:
        given = self._values.get(key.name)
        return key.default if given is None else cast(T, given[1])

    def get(self, key: KeySpec[T], default: T) -> T:
        """The value of the key, or `default` if it is not given."""
        return self[key] if key in self else default  # noqa: SIM401 - this is `get` itself

    def __contains__(self, key: KeySpec[object]) -> bool:
        return key.name in self._values

    def at_of(self, key: KeySpec[object]) -> Position:
        """The position of the key's value, or of the section if the key is not given."""
        given = self._values.get(key.name)
        return self.at if given is None else given[0]

    def is_wrong(self, key: KeySpec[object]) -> bool:
        """Whether the key has a wrong value, which was reported."""
        return key.name in self._wrong

    def put(self, key: KeySpec[object], at: Position, value: object) -> None:
        """Set the value of a key."""
        self._values[key.name] = (at, value)

    def put_wrong(self, key: KeySpec[object], at: Position) -> None:
        """Mark a key as given with a wrong value; it keeps its default."""
        self._values[key.name] = (at, key.default)
        self._wrong.add(key.name)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """A map with known keys."""

    name: str
    """For messages: "a flow has no key ..."."""
    keys: tuple[KeySpec[object], ...]
    doc: str = ""
    hints: Mapping[str, str] = field(default_factory=dict, compare=False)
    """By key that it does not have: what to write instead."""
    by_name: Mapping[str, KeySpec[object]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = {name: key for key in self.keys for name in (key.name, *key.aliases)}
        object.__setattr__(self, "by_name", names)

    def read(
        self, table: Table, notes: Notes, elsewhere: Mapping[str, str] | None = None
    ) -> SectionValues:
        """Read a map. Wrong keys are reported, and keep their defaults.

        `elsewhere` maps keys of other sections to a hint about where they belong.
        """
        fields = SectionValues(table.at)
        for name, (key_at, value) in table.entries.items():
            key = self.by_name.get(name)
            if key is None and notes.is_full:
                notes.error(key_at, f"{self.name} has no key {quoted(name)}")
            elif key is None:
                hint = self.hints.get(name) or (elsewhere or {}).get(name)
                hint = hint or closest(name, tuple(self.by_name))
                if not hint and isinstance(value, Scalar) and value.is_empty:
                    hint = "a text with a comma in it needs quotes between { and }"
                hint = hint or f"its keys are {', '.join(k.name for k in self.keys)}"
                notes.error(key_at, f"{self.name} has no key {quoted(name)}", hint)
            elif key in fields:
                notes.error(
                    key_at,
                    f"`{name}` is the same key as `{key.name}`, which is also given",
                    "remove one",
                )
            elif not (isinstance(value, Scalar) and value.is_empty):
                self._read_one(key, name, value, fields, notes)
        self._check_required(fields, notes)
        return fields

    def _read_one(
        self, key: KeySpec[object], name: str, value: Tree, fields: SectionValues, notes: Notes
    ) -> None:
        try:
            fields.put(key, value.at, key.kind.read(value, name, notes))
        except Unfit as e:
            fields.put_wrong(key, value.at)
            notes.error(e.at, e.what, e.hint)

    def _check_required(self, fields: SectionValues, notes: Notes) -> None:
        for key in self.keys:
            if key.required and key not in fields:
                notes.error(fields.at, f"{self.name} needs `{key.name}`", key.example)

    def schema(self) -> Schema:
        """The JSON Schema of the map."""
        properties = {}
        for name, key in self.by_name.items():
            part = key.kind.schema() | {"description": key.doc}
            if isinstance(key.default, bool | int | float | str) and key.default != "":
                part["default"] = key.default
            properties[name] = part
        found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        required = [key.name for key in self.keys if key.required]
        return found | ({"required": required} if required else {})


@dataclass(frozen=True, kw_only=True)
class SectionPart(Generic[T_co]):
    """A nested map that is built into one value; with `short`, also written as one scalar."""

    section: Section
    build: Callable[[SectionValues], T_co]
    label: str
    example: str
    short: "ShortPart[T_co] | None" = None

    def read(self, tree: Tree, key: str, notes: Notes) -> T_co:
        if self.short and isinstance(tree, Scalar):
            return self.short.read(tree, key, notes)
        if not isinstance(tree, Table):
            found = quoted(tree.text) if isinstance(tree, Scalar) else "a list"
            raise Unfit(tree.at, f"`{key}` takes a {self.label}, not {found}", self.example)
        return self.build(self.section.read(tree, notes))

    def schema(self) -> Schema:
        section = self.section.schema()
        return {"anyOf": [self.short.kind.schema(), section]} if self.short else section


@dataclass(frozen=True, kw_only=True)
class ShortPart(Generic[T_co]):
    """The short spelling of a part of a section: one scalar."""

    kind: ValueKind[float]
    build: Callable[[float], T_co]

    def read(self, tree: Tree, key: str, notes: Notes) -> T_co:
        """The value that the scalar stands for, in place of a section."""
        return self.build(self.kind.read(tree, key, notes))
