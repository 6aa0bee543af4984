"""The newest deliveries that each push trigger passed over, with the reasons."""

from collections.abc import Mapping, Sequence
from typing import Final

from floe.model.codec import iso
from floe.model.flow import Flow, Trigger
from floe.model.refs import Instant, Json, Shape
from floe.model.title import one_line
from floe.store.base import LedgerWrite

PASSED_OVER: Final = "passed-over"
"""The kind of the ledger entries: one for each trigger."""

KEPT_MAX: Final = 10
"""Reasons that are kept of a trigger."""

WHY_MAX: Final = 300
"""Characters of a reason; a branch or a pattern in it can be longer."""


class PassedOver:
    """Keeps the newest reasons of each trigger."""

    def __init__(self, rows: Mapping[str, Json]) -> None:
        """`rows` are the ledger entries of the kind `PASSED_OVER`, by key."""
        self._rows = {key: row for key, row in rows.items() if isinstance(row, list)}

    def add(self, flow: Flow, trigger: Trigger, why: str, now: Instant) -> LedgerWrite:
        """A delivery to a trigger started nothing; the entry to store."""
        key = _key(flow, trigger)
        row: Json = {"at": iso(now), "why": one_line(why, WHY_MAX)}
        self._rows[key] = [row, *self._rows.get(key, [])][:KEPT_MAX]
        return LedgerWrite(kind=PASSED_OVER, key=key, value=self._rows[key])

    def of(self, flow: Flow, trigger: Trigger) -> Sequence[Shape]:
        """The reasons of a trigger, newest first: `at` and `why`."""
        return [
            dict(row) for row in self._rows.get(_key(flow, trigger), []) if isinstance(row, dict)
        ]


def _key(flow: Flow, trigger: Trigger) -> str:
    return f"{flow.id}/{trigger.id}"
