"""The kinds of value: how each is read from a tree, its JSON Schema and its name in the docs.

A kind never guesses: if YAML reads a scalar as a different type than the key needs, that is an
error which quotes the source text. A dialect's vocabulary gives each key its kind.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final, Generic, Protocol, TypeVar

from floe.dialects.braces import maybe_value_in, misspelt_in, value_in
from floe.dialects.nearest import closest
from floe.dialects.notes import Notes, Position
from floe.dialects.tree import Items, Scalar, Table, Tree
from floe.model.nouns import dataclass

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Schema = dict[str, Any]

DURATION_MAX_S: Final = 10 * 366 * 86400
SIZE_BYTES_MAX: Final = 1 << 50


class Unfit(Exception):
    """A value that does not fit the kind of its key."""

    def __init__(self, at: Position, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.at, self.what, self.hint = at, what, hint


class ValueKind(Protocol[T_co]):
    """One kind of value."""

    @property
    def label(self) -> str:
        """Its name in the docs."""
        ...

    def read(self, tree: Tree, key: str, notes: Notes) -> T_co:
        """The value of `key`. Raises Unfit; errors of nested values may go to `notes`."""
        ...

    def schema(self) -> Schema:
        """Its JSON Schema."""
        ...


def scalar(tree: Tree, key: str, due: str, hint: str = "") -> Scalar:
    """The tree as a scalar, for a kind of value. Raises Unfit for a list or a map."""
    if isinstance(tree, Scalar):
        return tree
    found = "a list" if isinstance(tree, Items) else "a map"
    raise Unfit(tree.at, f"`{key}` takes {due}, not {found}", hint)


def text_of(tree: Tree, key: str) -> Scalar:
    """The tree as a text, for a kind of value, whatever stands in it. Raises Unfit."""
    value = scalar(tree, key, "text")
    if value.kind != "text":
        article = "" if value.kind == "nothing" else "a "
        what = f"`{key}` takes text, but YAML reads {quoted(value.text)} as {article}{value.kind}"
        raise Unfit(value.at, what, f'quote it: {key}: "{value.text}"')
    return value


def _check_braces(text: Scalar, key: str, instead: str, notes: Notes) -> None:
    if found := value_in(text.text):
        what = f"`{key}` takes no values, and `{found[0]}` would be one"
        raise Unfit(text.position_of(found.start()), what, instead)
    if found := maybe_value_in(text.text):
        what = f"`{key}` takes no values, so `{found[0]}` stays text"
        notes.warning(text.position_of(found.start()), what, instead)
    if misspelt := misspelt_in(text.text):
        found, meant = misspelt
        what = f"`{key}` takes no values, so `{found[0]}` stays text; floe has `{meant}`"
        notes.warning(text.position_of(found.start()), what, instead)


def quoted(text: str) -> str:
    """A source text for a message about its kind: shortened, in backticks."""
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


@dataclass(frozen=True)
class Text:
    """Kind of value: text; with `pattern`, it must match as a whole."""

    pattern: str = ""
    like: str = ""
    """The pattern in words, as a hint."""
    label: str = "string"
    instead: str = ""
    """What to write instead of a value of the run, which it does not take."""

    def read(self, tree: Tree, key: str, notes: Notes) -> str:
        value = text_of(tree, key)
        if "{{" in value.text:
            _check_braces(value, key, self.instead or notes.instead, notes)
        if self.pattern and not re.fullmatch(self.pattern, value.text):
            raise Unfit(value.at, f"`{key}` cannot be {quoted(value.text)}", self.like)
        return value.text

    def schema(self) -> Schema:
        return {"type": "string"} | ({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})


@dataclass(frozen=True)
class OneOf(Generic[T_co]):
    """Kind of value: one of a closed set of texts."""

    values: tuple[T_co, ...]
    label: str = ""
    hints: Mapping[str, str] = field(default_factory=dict, compare=False)
    """By text that is none of them: what to write instead."""

    def read(self, tree: Tree, key: str, notes: Notes) -> T_co:
        value = scalar(tree, key, "text")
        for allowed in self.values:
            if allowed == value.text:
                return allowed
        names = [str(v) for v in self.values]
        what = f"`{key}` cannot be {quoted(value.text)}"
        hint = self.hints.get(value.text) or closest(value.text, names)
        raise Unfit(value.at, what, hint or f"one of {', '.join(names)}")

    def schema(self) -> Schema:
        flags = {
            "true": True,
            "false": False,
        }  # YAML reads these words as booleans if they have no quotes
        return {"enum": [flags.get(str(value), value) for value in self.values]}


@dataclass(frozen=True)
class Flag:
    """Kind of value: true or false; also yes, no, on and off."""

    label: str = "bool"

    def read(self, tree: Tree, key: str, notes: Notes) -> bool:
        value = scalar(tree, key, "true or false")
        if value.kind != "boolean":
            what = f"`{key}` takes true or false, not {quoted(value.text)}"
            is_quoted = value.text.lower() in (*_TRUE, "false", "no", "off")
            raise Unfit(
                value.at, what, f"remove the quotes: {key}: {value.text}" if is_quoted else ""
            )
        return value.text.lower() in _TRUE

    def schema(self) -> Schema:
        return {"type": "boolean"}


_TRUE: Final = ("true", "yes", "on")


@dataclass(frozen=True)
class Whole:
    """Kind of value: a whole number between two bounds."""

    least: int = 0
    most: int = 10**15
    label: str = "int"

    def read(self, tree: Tree, key: str, notes: Notes) -> int:
        value = scalar(tree, key, "a whole number")
        if value.kind != "whole number" or not re.fullmatch(r"0|-?[1-9]\d{0,17}", value.text):
            raise Unfit(value.at, f"`{key}` takes a whole number, not {quoted(value.text)}")
        number = int(value.text)
        if not self.least <= number <= self.most:
            what = f"`{key}` cannot be {number}"
            raise Unfit(value.at, what, f"a number from {self.least} to {self.most}")
        return number

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Number:
    """Kind of value: a number that is at least `least`."""

    least: float = -1e15
    label: str = "number"

    def read(self, tree: Tree, key: str, notes: Notes) -> float:
        value = scalar(tree, key, "a number")
        if value.kind not in ("whole number", "number"):
            raise Unfit(value.at, f"`{key}` takes a number, not {quoted(value.text)}")
        number = number_of(value.text)
        if number is None or not self.least <= number <= 1e15:
            what = f"`{key}` cannot be {quoted(value.text)}"
            raise Unfit(value.at, what, f"a number of at least {self.least:g}")
        return number

    def schema(self) -> Schema:
        return {"type": "number", "minimum": self.least}


def number_of(text: str) -> float | None:
    """A decimal number of any kind, int or float; None for anything else."""
    if not re.fullmatch(r"-?\d{1,17}(\.\d{0,17})?([eE][-+]?\d{1,2})?", text):
        return None
    number = float(text)
    return number if not math.isfinite(number) or "." in text or "e" in text.lower() else int(text)


@dataclass(frozen=True)
class Duration:
    """Kind of value: seconds, or a number with a unit: `90s`, `10m`, `2h`, `1d`."""

    least_s: float = 0.001
    label: str = "duration"

    def read(self, tree: Tree, key: str, notes: Notes) -> float:
        value = scalar(tree, key, "a duration", "seconds, or 90s, 10m, 2h, 1d")
        match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)([smhd]?)", value.text)
        if not match:
            what = f"`{key}` takes a duration, not {quoted(value.text)}"
            raise Unfit(value.at, what, "seconds, or 90s, 10m, 2h, 1d")
        seconds = float(match[1]) * _SECONDS[match[2]]
        if not self.least_s <= seconds <= DURATION_MAX_S:
            bounds = f"from {self.least_s:g} s to {DURATION_MAX_S // 86400} days"
            raise Unfit(value.at, f"`{key}` cannot be {quoted(value.text)}", bounds)
        return seconds

    def schema(self) -> Schema:
        text = {"type": "string", "pattern": r"^\d+(\.\d+)?[smhd]?$"}
        return {"anyOf": [{"type": "number", "minimum": self.least_s}, text]}


_SECONDS: Final[Mapping[str, int]] = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Size:
    """Kind of value: bytes, or a number with a unit: `10MB`, `1GiB`."""

    label: str = "size"
    least: int = 0

    def read(self, tree: Tree, key: str, notes: Notes) -> int:
        value = scalar(tree, key, "a size", _SIZE_HINT)
        match = re.fullmatch(r"(\d{1,16})(?:(\.\d{1,6})? ?([kKMGT]i?B))?B?", value.text)
        if not match:
            what = f"`{key}` takes a size, not {quoted(value.text)}"
            raise Unfit(value.at, what, _SIZE_HINT)
        unit = match[3] or "B"
        scale = (1024 if "i" in unit else 1000) ** ("BKMGT".index(unit[0].upper()))
        size = int(float(match[1] + (match[2] or "")) * scale)
        if size > SIZE_BYTES_MAX:
            raise Unfit(value.at, f"`{key}` cannot be {quoted(value.text)}", "at most 1024TiB")
        if size < self.least:
            least = f"at least {self.least >> 20}MiB"
            raise Unfit(value.at, f"`{key}` cannot be {quoted(value.text)}", least)
        return size

    def schema(self) -> Schema:
        text = {"type": "string", "pattern": r"^\d+((\.\d+)? ?[kKMGT]i?B)?B?$"}
        return {"anyOf": [{"type": "integer", "minimum": self.least}, text]}


_SIZE_HINT: Final = "bytes, or 10MB, 1GiB; 0 for no limit"


@dataclass(frozen=True)
class ListOf(Generic[T_co]):
    """Kind of value: a list of values of one kind; each item is checked separately."""

    item: ValueKind[T_co]
    unique: bool = False
    least: int = 0

    @property
    def label(self) -> str:
        one = self.item.label
        return f"list of {one}s" if one in ("string", "int") else f"list of {one}"

    def read(self, tree: Tree, key: str, notes: Notes) -> tuple[T_co, ...]:
        if not isinstance(tree, Items):
            hint = "begin each with `- `"
            if isinstance(tree, Scalar):
                text = f"'{tree.text}'" if "{" in tree.text else tree.text
                hint = f"{key}: [{text}]"
            found = "a map" if isinstance(tree, Table) else quoted(tree.text)
            raise Unfit(tree.at, f"`{key}` takes a {self.label}, not {found}", hint)
        if len(tree.items) < self.least:
            raise Unfit(tree.at, f"`{key}` is an empty list")
        values: list[T_co] = []
        seen: set[T_co] = set()
        for item in tree.items:
            try:
                value = self.item.read(item, key, notes)
            except Unfit as e:
                notes.error(e.at, e.what, e.hint.replace(f"{key}: ", "- ", 1))
                continue
            if self.unique and value in seen:
                notes.error(item.at, f"`{key}` lists {quoted(str(value))} twice", "remove one")
            elif self.unique:
                seen.add(value)
            values.append(value)
        return tuple(values)

    def schema(self) -> Schema:
        found: Schema = {"type": "array", "items": self.item.schema()}
        if self.unique:
            found["uniqueItems"] = True
        return found | ({"minItems": self.least} if self.least else {})


@dataclass(frozen=True)
class AnyMap:
    """Kind of value: a map that the caller reads with a section of its own."""

    label: str = "map"
    takes_values: bool = False
    """Whether texts in it have values of the run."""

    def read(self, tree: Tree, key: str, notes: Notes) -> Table:
        if not isinstance(tree, Table):
            found = "a list" if isinstance(tree, Items) else quoted(tree.text)
            from floe.dialects.syntax import map_syntax_hint  # needed for errors only

            hint = map_syntax_hint(tree.text) if isinstance(tree, Scalar) else ""
            raise Unfit(tree.at, f"`{key}` takes a map of keys and values, not {found}", hint)
        return tree

    def schema(self) -> Schema:
        return {"type": "object"}


@dataclass(frozen=True)
class Raw:
    """Kind of value that depends on a different key; the caller reads it."""

    label: str

    def read(self, tree: Tree, key: str, notes: Notes) -> Tree:
        return tree

    def schema(self) -> Schema:
        return {}
