"""The newest starts that each trigger passed over: by its filters, or by its `if`.

Each is one row of the ledger, in the transaction of the mark or delivery that it answers. The rows
of a trigger are a ring, so a trigger that starts nothing for months writes no more rows.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from floe.host.undoable import Undoable, UndoJournal
from floe.model.codec import iso, to_text
from floe.model.flow import Flow, Trigger
from floe.model.ids import Instant, Json, Shape
from floe.model.secret import masked, without_secrets
from floe.model.title import one_line
from floe.store.base import LedgerWrite

PASSED_OVER: Final = "passed-over"
"""The kind of the ledger rows, by `flow/trigger#place`."""

FAULT: Final = "trigger-fault"
"""The kind of the ledger rows of triggers whose `if` could not be judged the last time."""

KEPT_MAX: Final = 100
"""Starts that are kept of a trigger."""

WHY_MAX: Final = 300
"""Characters of a reason; a branch or a pattern in it can be longer."""

VALUES_MAX: Final = 20
VALUE_MAX: Final = 80
"""Values that are kept of a start, and characters of each."""

SHOWN: Final = ("at", "why", "values")

Passed = Mapping[str, Json]
"""`at`, `why`, `values`, the number `n`, and `once`: the idempotency key of the request."""


class PassedOver:
    """Keeps the newest starts that each trigger passed over."""

    def __init__(self, rows: Mapping[str, Mapping[str, Json]], journal: UndoJournal) -> None:
        """`rows` are the ledger rows of the kinds `PASSED_OVER` and `FAULT`."""
        self._newest: Undoable[str, tuple[Passed, ...]] = Undoable(journal)
        """By flow and trigger, the newest first."""
        self._faults: Undoable[str, str] = Undoable(journal)
        found: dict[str, list[Passed]] = {}
        for key, row in rows.get(PASSED_OVER, {}).items():
            known = row if isinstance(row, list) else [row]  # a list: by an older floe
            found.setdefault(key.partition("#")[0], []).extend(
                one for one in known if isinstance(one, Mapping)
            )
        for key, passed in found.items():
            passed.sort(key=_number, reverse=True)
            self._newest.put(key, tuple(passed[:KEPT_MAX]))
        for key, why in rows.get(FAULT, {}).items():
            self._faults.put(key, str(why))

    def add(
        self,
        flow: Flow,
        trigger: Trigger,
        why: str,
        now: Instant,
        *,
        values: Mapping[str, Json] = {},
        once: str = "",
    ) -> LedgerWrite:
        """A trigger passed over a start; the row to store."""
        key = _key(flow, trigger)
        newest = self._newest.get(key) or ()
        number = _number(newest[0]) + 1 if newest else 0
        row: dict[str, Json] = {"n": number, "at": iso(now), "why": one_line(why, WHY_MAX)}
        row |= {"values": _shown(values)} if values else {}
        row |= {"once": once} if once else {}
        self._newest.put(key, (row, *newest)[:KEPT_MAX])
        return LedgerWrite(kind=PASSED_OVER, key=f"{key}#{number % KEPT_MAX}", value=row)

    def of(self, flow: Flow, trigger: Trigger) -> Sequence[Shape]:
        """The starts that a trigger passed over, newest first: `at`, `why` and `values`."""
        newest = self._newest.get(_key(flow, trigger)) or ()
        return [{name: row[name] for name in SHOWN if name in row} for row in newest]

    def answer(self, flow: Flow, trigger: Trigger, once: str) -> str:
        """Why an earlier request with the same key started nothing; empty if there is none."""
        newest = self._newest.get(_key(flow, trigger)) or ()
        return next((str(row["why"]) for row in newest if row.get("once") == once), "")

    def judged(self, flow: Flow, trigger: Trigger, fault: str) -> list[LedgerWrite]:
        """The `if` of a trigger was judged, or could not be: the rows to store."""
        key = _key(flow, trigger)
        if not self._faults.put(key, fault or None):
            return []
        return [LedgerWrite(kind=FAULT, key=key, value=fault or None)]

    def fault(self, flow: Flow, trigger: Trigger) -> str:
        """Why the `if` of a trigger could not be judged the last time; empty if it could."""
        return (self._faults.get(_key(flow, trigger)) or "") if trigger.condition else ""


def _key(flow: Flow, trigger: Trigger) -> str:
    return f"{flow.id}/{trigger.id}"


def _number(row: Passed) -> int:
    number = row.get("n")
    return number if isinstance(number, int) else -1


def _shown(values: Mapping[str, Json]) -> dict[str, Json]:
    """The first values as short texts, without secrets."""
    shown: dict[str, Json] = {}
    for name, value in [*without_secrets(values).items()][:VALUES_MAX]:
        text = value if isinstance(value, str) else to_text(value)
        shown[one_line(name, VALUE_MAX)] = masked(one_line(text, VALUE_MAX))
    return shown
