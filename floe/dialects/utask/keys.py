"""Reads the keys of a map of a document as uTask's typed values, with the position of each."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from floe.dialects.go_scalars import float32_text
from floe.dialects.go_yaml import GoEntry, GoItems, GoScalar, GoTable, GoTree, json_value
from floe.dialects.notes import Notes, Position
from floe.model.ids import Json

_INT64: Final = 1 << 63


class TextAt(NamedTuple):
    """A text of a document, and its position."""

    text: str
    at: Position


class Reading:
    """One document that is read: its findings, and all texts that it means."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.texts: list[TextAt] = []

    def keep(self, tree: GoTree) -> None:
        """Remember all texts of a part that has no type."""
        match tree:
            case GoScalar(value=str() as text):
                self.texts.append(TextAt(text, tree.at))
            case GoItems():
                for item in tree.items:
                    self.keep(item)
            case GoTable():
                for key, entry in tree.entries.items():
                    self.texts.append(TextAt(key, entry.key_at))
                    self.keep(entry.value)
            case _:
                pass


def kind_of(tree: GoTree) -> str:
    """What a part of a document is, with an article."""
    if isinstance(tree, GoTable):
        return "a map"
    if isinstance(tree, GoItems):
        return "a list"
    names: Mapping[type, str] = {bool: "a bool", int: "a number", float: "a number", str: "a text"}
    return names.get(type(tree.value), "null")


class TypedKeys:
    """The keys of a map, in any case of letters; null and a missing key are a type's zero value.

    A number or a bool where a text belongs is its text, unless `is_strict`.
    """

    def __init__(
        self, tree: GoTree, what: str, reading: Reading, *, is_strict: bool = False
    ) -> None:
        self.at, self.what, self.reading, self._is_strict = tree.at, what, reading, is_strict
        self._trees: dict[str, GoTree] = {}
        self._places: dict[str, Position] = {}
        if isinstance(tree, GoTable):
            for key in sorted(tree.entries, key=lambda key: key.encode(errors="replace")):
                entry = tree.entries[key]
                self._trees[key.lower()] = entry.value
                self._places[key.lower()] = entry.key_at
        elif not is_null(tree):
            self._refuse(tree, what, "a map")

    def place(self, key: str) -> Position:
        """Where a key is, or the map without it."""
        return self._places.get(key, self.at)

    def places(self) -> Mapping[str, Position]:
        """Where all given keys are."""
        return self._places

    def tree(self, key: str) -> GoTree | None:
        """What a key has; None if it is missing or null."""
        tree = self._trees.get(key)
        return None if tree is None or is_null(tree) else tree

    def is_given(self, key: str) -> bool:
        """Whether a key is there, null included."""
        return key in self._trees

    def text(self, key: str) -> str:
        """A text."""
        tree = self.tree(key)
        return "" if tree is None else self._text(tree, key)

    def flag(self, key: str) -> bool:
        """A bool."""
        tree = self.tree(key)
        if tree is None or (isinstance(tree, GoScalar) and isinstance(tree.value, bool)):
            return tree is not None and tree.value is True
        self._refuse(tree, key, "a bool")
        return False

    def whole(self, key: str) -> int | None:
        """A whole number; None if it is missing."""
        tree = self.tree(key)
        if tree is None:
            return None
        value = tree.value if isinstance(tree, GoScalar) else None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64:
            return value
        self._refuse(tree, key, "a whole number")
        return None

    def texts(self, key: str) -> tuple[TextAt, ...]:
        """A list of texts."""
        return tuple(TextAt(self._text(item, key), item.at) for item in self.items(key))

    def text_map(self, key: str) -> dict[str, TextAt]:
        """A map of texts."""
        return {
            name: TextAt(self._text(entry.value, f"{key}.{name}"), entry.key_at)
            for name, entry in self.entries(key).items()
        }

    def items(self, key: str) -> tuple[GoTree, ...]:
        """The parts of a list."""
        tree = self.tree(key)
        if isinstance(tree, GoItems):
            return tree.items
        if tree is not None:
            self._refuse(tree, key, "a list")
        return ()

    def entries(self, key: str) -> Mapping[str, GoEntry]:
        """The entries of a map."""
        tree = self.tree(key)
        if isinstance(tree, GoTable):
            for name, entry in tree.entries.items():
                self.reading.texts.append(TextAt(name, entry.key_at))
            return tree.entries
        if tree is not None:
            self._refuse(tree, key, "a map")
        return {}

    def raw(self, key: str) -> Json:
        """A value of any type."""
        tree = self.tree(key)
        if tree is None:
            return None
        self.reading.keep(tree)
        return json_value(tree)

    def error(self, key: str, what: str, hint: str = "") -> None:
        """Note a mistake at a key."""
        self.reading.notes.error(self.place(key), what, hint)

    def _text(self, tree: GoTree, key: str) -> str:
        if isinstance(tree, GoScalar):
            value = tree.value
            if value is None:
                return ""
            if isinstance(value, str):
                self.reading.texts.append(TextAt(value, tree.at))
                return value
            if not self._is_strict:
                return scalar_text(value)
        self._refuse(tree, key, "a text")
        return ""

    def _refuse(self, tree: GoTree, key: str, expected: str) -> None:
        is_scalar = isinstance(tree, GoScalar) and not isinstance(tree.value, str)
        hint = "write it in quotes" if expected == "a text" and is_scalar else ""
        name = key if key == self.what else f"`{key}` of {self.what}"
        self.reading.notes.error(tree.at, f"{name} is {expected}, not {kind_of(tree)}", hint)


def is_null(tree: GoTree) -> bool:
    """Whether a part of a document is null."""
    return isinstance(tree, GoScalar) and tree.value is None


def scalar_text(value: bool | int | float) -> str:
    """A number or bool as uTask makes a text of it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else float32_text(value)
