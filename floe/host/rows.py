"""Rows of the ledger that the cluster keeps, and dictionaries whose changes can be taken back.

All that hosts must remember of one another is in these kinds; each row is written in the
transaction of the events that it goes with.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Generic, TypeVar

from floe.model.refs import Json

K = TypeVar("K")
V = TypeVar("V")

KINDS: Final = (
    "drain",
    "member",
    "other",
    "forgotten",
    "floor",
    "withdraw",
    "owed",
    "claim",
    "obeyed",
    "kept",
    "keeping",
    "counted",
)
"""drain: whether this host drains. member: host to the store it was first seen with. other: host to
another store that speaks in its name. forgotten: `host@store` to when that was said. floor: run to
the highest epoch refused here. withdraw: run to the cancel that waits for the grantee's answer.
owed: ends and releases that are not acknowledged. claim: run to its wish for resources. obeyed: the
keeper whose census was answered here. kept: the keeper's table and queue. keeping: its term and
whether it is open. counted: hosts that answered its census."""

Rows = Mapping[str, Mapping[str, Json]]
"""Rows by kind and key, as a store has them."""

Undo = Callable[[], None]


class Journal:
    """What a step changed, so that a refused append leaves no trace."""

    def __init__(self) -> None:
        self.undos: list[Undo] = []

    def take(self) -> tuple[Undo, ...]:
        """All changes since the last call, newest first."""
        undos = tuple(reversed(self.undos))
        self.undos.clear()
        return undos


class Book(Generic[K, V]):
    """A dictionary that tells its journal how to take each change back.

    Values are never changed in place. None is no value: it is what `get` answers for none.
    """

    def __init__(self, journal: Journal) -> None:
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
        """Keys and values at this moment, in order of their coming."""
        return list(self._values.items())

    def values(self) -> list[V]:
        """The values at this moment, in order of their coming."""
        return list(self._values.values())

    def put(self, key: K, value: V | None) -> bool:
        """Set a value, or remove it (None); return whether that is a change."""
        old = self._values.get(key)
        if old == value:
            return False
        self._journal.undos.append(lambda: self._set(key, old))
        self._set(key, value)
        return True

    def _set(self, key: K, value: V | None) -> None:
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value
