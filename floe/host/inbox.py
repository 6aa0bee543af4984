"""The inbox: events that wait until it is judged which runs they open, in their order.

An event is a row of the ledger, on the disk before its sender has an answer. It leaves in the
transaction that opens its runs, so a crash between the two opens them later, once.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from floe.host.opening_inputs import EVENT_BYTES_MAX, EventFinding, HearEvent
from floe.host.undoable import Undoable, UndoJournal
from floe.model.codec import iso
from floe.model.ids import Instant, Json
from floe.model.nouns import dataclass
from floe.model.title import one_line
from floe.store.base import LedgerWrite

INBOX: Final = "inbox"
"""The kind of the ledger rows of events, by number."""

INBOX_FINDINGS: Final = "inbox-findings"
"""The kind of the ledger rows with the findings of events, by flow."""

ROWS_MAX: Final = 100_000
BYTES_MAX: Final = 256 << 20
"""Events that wait, and the bytes of their texts. More are refused."""

NEWEST_MAX: Final = 20
"""Findings that are kept of a flow; older ones are counted."""

FLOWS_MAX: Final = 1000
"""Flows whose findings are kept; the oldest are forgotten first."""

SHOWN_MAX: Final = 20
"""Events that wait, and that people are shown."""

WHY_MAX: Final = 500
"""Characters of a finding."""


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """An event in the inbox."""

    number: int
    dialect: str
    body: str
    """JSON text."""
    at: Instant


@dataclass(frozen=True, slots=True)
class FlowFindings:
    """What was wrong when events were judged for a flow."""

    count: int = 0
    """All, also those that are not kept."""
    newest: tuple[Mapping[str, Json], ...] = ()
    """`at`, `why` and maybe `about`, newest first."""
    name: str = ""
    """The name of the flow, where it differs from its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxView:
    """What waits in an inbox, and what was wrong with earlier events."""

    waiting: int
    bytes: int
    """Of the texts of the events that wait."""
    oldest_at: Instant | None
    """Since when the oldest of them waits."""
    first: tuple[InboxEvent, ...]
    """The oldest of them."""
    stuck: str
    """Why they could not be judged or stored at the last try; empty if nothing was wrong."""
    findings: Mapping[str, FlowFindings]
    """By the id of the flow, or by the dialect where they are about no flow."""


class Inbox:
    """The events that wait, oldest first, and what was wrong with earlier ones."""

    def __init__(self, rows: Mapping[str, Mapping[str, Json]], journal: UndoJournal) -> None:
        """`rows` are the ledger rows of the kinds `INBOX` and `INBOX_FINDINGS`."""
        self._journal = journal
        self._events: dict[int, InboxEvent] = {}
        self._is_sorted = True
        self._bytes = 0
        self._last = 0
        """Given to an event; never again in this process, also if the event was not stored."""
        self._findings: Undoable[str, FlowFindings] = Undoable(journal)
        self.stuck = ""
        """Why events could not be judged or stored at the last try; empty if they were."""
        for key, row in sorted(rows.get(INBOX, {}).items()):
            if isinstance(row, Mapping):
                number, at = int(key), row.get("at")
                since = Instant(at if isinstance(at, int) else 0)
                dialect, body = str(row.get("dialect")), str(row.get("body"))
                self._set(number, InboxEvent(number, dialect, body, since))
                self._last = number
        for key, row in rows.get(INBOX_FINDINGS, {}).items():
            if isinstance(row, Mapping):
                self._findings.put(key, _findings_of(row))

    def __len__(self) -> int:
        return len(self._events)

    def __contains__(self, number: int) -> bool:
        return number in self._events

    def first(self, count: int) -> tuple[InboxEvent, ...]:
        """The oldest events."""
        if not self._is_sorted:
            self._events = dict(sorted(self._events.items()))
            self._is_sorted = True
        return tuple(islice(self._events.values(), count))

    def refusal(self, event: HearEvent) -> str:
        """Why an event cannot be kept; empty if it can."""
        if len(self._events) >= ROWS_MAX:
            return f"{ROWS_MAX:,} events wait for their runs"
        if self._bytes + len(event.body) > BYTES_MAX:
            return f"events of {self._bytes >> 20} MiB wait for their runs"
        if len(event.body) > EVENT_BYTES_MAX:
            return f"an event has at most {EVENT_BYTES_MAX >> 20} MiB"
        return ""

    def put(self, event: HearEvent, now: Instant) -> tuple[int, LedgerWrite]:
        """Keep an event; its number, and the row to store."""
        self._last += 1
        number = self._last
        self._change(number, InboxEvent(number, event.dialect, event.body, now))
        value: Json = {"dialect": event.dialect, "body": event.body, "at": now}
        return number, LedgerWrite(kind=INBOX, key=_key(number), value=value)

    def take_out(self, number: int) -> LedgerWrite:
        """Let an event leave; the row to store."""
        self._change(number, None)
        return LedgerWrite(kind=INBOX, key=_key(number), value=None)

    def find(self, finding: EventFinding, now: Instant) -> Iterator[LedgerWrite]:
        """Something was wrong when an event was judged for a flow: the rows to store."""
        flow = finding.flow
        before = self._findings.get(flow)
        if before is None and len(self._findings) >= FLOWS_MAX:
            oldest = next(iter(self._findings))
            self._findings.put(oldest, None)
            yield LedgerWrite(kind=INBOX_FINDINGS, key=oldest, value=None)
        known = before or FlowFindings()
        one: Mapping[str, Json] = {"at": iso(now), "why": one_line(finding.why, WHY_MAX)}
        if finding.about:
            one = {**one, "about": dict(finding.about)}
        name = one_line(finding.name, WHY_MAX) or known.name
        found = FlowFindings(known.count + 1, (one, *known.newest)[:NEWEST_MAX], name)
        self._findings.put(flow, found)
        value: Json = {"count": found.count, "newest": [*found.newest], "name": name}
        yield LedgerWrite(kind=INBOX_FINDINGS, key=flow, value=value)

    def findings(self, flow: str) -> FlowFindings:
        """What was wrong when events were judged for a flow."""
        return self._findings.get(flow) or FlowFindings()

    def view(self) -> InboxView:
        """The inbox of now."""
        first = self.first(SHOWN_MAX)
        return InboxView(
            waiting=len(self._events),
            bytes=self._bytes,
            oldest_at=first[0].at if first else None,
            first=first,
            stuck=self.stuck if first else "",
            findings=dict(self._findings.items()),
        )

    def _change(self, number: int, event: InboxEvent | None) -> None:
        old = self._events.get(number)
        self._journal.undos.append(lambda: self._set(number, old))
        self._set(number, event)

    def _set(self, number: int, event: InboxEvent | None) -> None:
        old = self._events.pop(number, None)
        self._bytes -= len(old.body) if old else 0
        if event is not None:
            self._is_sorted &= not self._events or number > next(reversed(self._events))
            self._events[number] = event
            self._bytes += len(event.body)


def _key(number: int) -> str:
    return f"{number:016d}"


def _findings_of(row: Mapping[str, Json]) -> FlowFindings:
    count, newest = row.get("count"), row.get("newest")
    kept = [one for one in newest if isinstance(one, Mapping)] if isinstance(newest, list) else []
    name = str(row.get("name", ""))
    return FlowFindings(count if isinstance(count, int) else len(kept), tuple(kept), name)
