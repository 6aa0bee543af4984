"""Takes that never get outside work: their takers repeated them, and no host knew what they got.

A message of such a take may arrive late, so each host remembers the newest of them.

Source: docs/cluster-protocol.md, "Outside work".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from floe.host.ledger import LedgerRows
from floe.host.undoable import Undoable, UndoJournal
from floe.model.ids import HostId, Instant
from floe.store.base import LedgerWrite

VOID_TAKE: Final = "void-take"
"""Rows of the ledger: a void take, since when, and the hosts that have not stored it."""

VOID_MAX: Final = 10_000


class VoidedTake(NamedTuple):
    """A take that is void."""

    at: Instant
    owed: tuple[HostId, ...]
    """The hosts that this one tells until they have stored it."""


class VoidTakes:
    """The newest void takes, by the host that their takers asked."""

    def __init__(self, rows: LedgerRows, journal: UndoJournal) -> None:
        self._takes: Undoable[str, VoidedTake] = Undoable(journal)
        read = [(_take_of(row), name) for name, row in rows.get(VOID_TAKE, {}).items()]
        for void, name in sorted(read):
            self._takes.put(name, void)

    def has(self, through: str, take: str) -> bool:
        """Whether a take through a host is void."""
        return _name(through, take) in self._takes

    def owed(self, through: str) -> Iterator[tuple[HostId, str]]:
        """The hosts to tell, each with a void take through a host."""
        for name, void in self._takes.items():
            yield from ((host, name.removeprefix(_name(through, ""))) for host in void.owed)

    def add(
        self, through: str, take: str, now: Instant, owed: Sequence[HostId]
    ) -> list[LedgerWrite]:
        """Keep that a take is void; return the rows to write, none for one that is known."""
        name = _name(through, take)
        if name in self._takes:
            return []
        oldest = next(iter(self._takes), "") if len(self._takes) >= VOID_MAX else ""
        void = VoidedTake(now, tuple(owed))
        self._takes.put_newest(name, void, VOID_MAX)
        forgotten = [LedgerWrite(kind=VOID_TAKE, key=oldest, value=None)] if oldest else []
        return [*forgotten, _row(name, void)]

    def stored(self, through: str, take: str, host: HostId) -> list[LedgerWrite]:
        """A host has stored that a take is void; return the rows to write."""
        name = _name(through, take)
        void = self._takes.get(name)
        if void is None or host not in void.owed:
            return []
        left = VoidedTake(void.at, tuple(one for one in void.owed if one != host))
        self._takes.put(name, left)
        return [_row(name, left)]


def _name(through: str, take: str) -> str:
    return f"{through} {take}"


def _row(name: str, void: VoidedTake) -> LedgerWrite:
    return LedgerWrite(kind=VOID_TAKE, key=name, value={"at": void.at, "owed": [*void.owed]})


def _take_of(row: object) -> VoidedTake:
    assert isinstance(row, Mapping), "a void take is kept as an object"
    return VoidedTake(Instant(row["at"]), tuple(map(HostId, row["owed"])))
