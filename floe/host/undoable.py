"""Dictionaries whose changes can be undone, so that a refused append leaves no trace."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

Undo = Callable[[], None]


class UndoJournal:
    """How to undo each change of the present step."""

    def __init__(self) -> None:
        self.undos: list[Undo] = []

    def take(self) -> tuple[Undo, ...]:
        """All undos since the last call, of the newest change first."""
        undos = tuple(reversed(self.undos))
        self.undos.clear()
        return undos


class Undoable(Generic[K, V]):
    """A dictionary that writes into a journal how to undo each change.

    Values are never changed in place. None is no value: `get` returns it for an absent key, and
    `put` removes the key.
    """

    def __init__(self, journal: UndoJournal) -> None:
        self._journal = journal
        self._values: dict[K, V] = {}

    def __getitem__(self, key: K) -> V:
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[K]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """The value of a key; None for none."""
        return self._values.get(key)

    def items(self) -> list[tuple[K, V]]:
        """A copy of the keys and values, in insertion order."""
        return list(self._values.items())

    def values(self) -> list[V]:
        """A copy of the values, in insertion order."""
        return list(self._values.values())

    def put(self, key: K, value: V | None) -> bool:
        """Set a value, or remove it (None); return whether that is a change."""
        old = self._values.get(key)
        if old == value:
            return False
        self._journal.undos.append(lambda: self._set(key, old))
        self._set(key, value)
        return True

    def put_newest(self, key: K, value: V, most: int) -> None:
        """Set a value; if that makes more than `most` keys, remove the oldest."""
        self.put(key, value)
        if len(self._values) > most:
            self.put(next(iter(self._values)), None)

    def _set(self, key: K, value: V | None) -> None:
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value
