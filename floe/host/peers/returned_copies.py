"""Copies of runs that this host returned: a later grant of such a run appends to its copy.

Each copy has a floor, the epoch up to which this host refuses the run. The floor never falls.

Source: docs/cluster-protocol.md, "Runs that move".
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from floe.host.ledger import LedgerRows
from floe.host.undoable import Undoable, UndoJournal
from floe.model.ids import Json
from floe.store.base import LedgerWrite

RETURNED: Final = "returned"
"""Rows of the ledger: a run that this host returned, by key, and its copy."""


class ReturnedCopy(NamedTuple):
    """The copy here of a run that this host returned."""

    floor: int
    """Offers up to this epoch are refused."""
    events: int
    """How many events of the run the store has."""


class ReturnedCopies:
    """The copies by the keys of their runs."""

    def __init__(self, rows: LedgerRows, journal: UndoJournal) -> None:
        self._copies: Undoable[str, ReturnedCopy] = Undoable(journal)
        for key, row in rows.get(RETURNED, {}).items():
            assert isinstance(row, Mapping), "a copy is kept as an object"
            floor, events = row["floor"], row["events"]
            assert isinstance(floor, int), "a floor is an epoch"
            assert isinstance(events, int), "events are counted"
            self._copies.put(key, ReturnedCopy(floor, events))

    def __contains__(self, key: object) -> bool:
        return key in self._copies

    def get(self, key: str) -> ReturnedCopy | None:
        """The copy of a run; None for a run that was not returned, or came back since."""
        return self._copies.get(key)

    def put(self, key: str, copy: ReturnedCopy | None) -> LedgerWrite | None:
        """Keep a copy, or forget it; return the row to write, None if nothing changed."""
        if not self._copies.put(key, copy):
            return None
        row: Json = None if copy is None else {"floor": copy.floor, "events": copy.events}
        return LedgerWrite(kind=RETURNED, key=key, value=row)
