"""The inbox of events: in order, bounded, and as it was after a refused append."""

from itertools import chain

import pytest

from floe.host import inbox as inbox_module
from floe.host.inbox import INBOX, INBOX_FINDINGS, NEWEST_MAX, Inbox
from floe.host.opening_inputs import EVENT_BYTES_MAX, EventFinding, HearEvent
from floe.host.undoable import UndoJournal
from floe.model.ids import Json
from tests.make import NOW

EVENT = HearEvent(dialect="toy", body="{}")


def an_inbox() -> tuple[Inbox, UndoJournal]:
    journal = UndoJournal()
    return Inbox({}, journal), journal


def numbers(inbox: Inbox, count: int = 10) -> list[int]:
    return [event.number for event in inbox.first(count)]


def test_events_wait_in_their_order_after_a_restart_too() -> None:
    inbox, _ = an_inbox()
    rows = [inbox.put(EVENT, NOW)[1] for _ in range(12)]

    again = Inbox({INBOX: {row.key: row.value for row in reversed(rows)}}, UndoJournal())

    assert numbers(inbox, 20) == numbers(again, 20) == [*range(1, 13)]
    assert again.first(1) == inbox.first(1)


def test_undone_leaving_puts_an_event_back_in_its_place() -> None:
    inbox, journal = an_inbox()
    for _ in range(3):
        inbox.put(EVENT, NOW)
    journal.take()
    inbox.take_out(1)
    inbox.take_out(2)

    for undo in journal.take():
        undo()

    assert numbers(inbox) == [1, 2, 3]


def test_number_of_an_event_that_was_not_stored_is_not_given_again() -> None:
    inbox, journal = an_inbox()
    inbox.put(EVENT, NOW)
    for undo in journal.take():
        undo()

    number, _ = inbox.put(EVENT, NOW)

    assert (number, numbers(inbox)) == (2, [2])


def test_full_inbox_refuses_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "ROWS_MAX", 1)
    inbox, _ = an_inbox()
    inbox.put(EVENT, NOW)

    assert inbox.refusal(EVENT) == "1 events wait for their runs"


def test_inbox_with_too_many_bytes_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "BYTES_MAX", 3)
    inbox, _ = an_inbox()
    inbox.put(EVENT, NOW)

    assert inbox.refusal(EVENT) == "events of 0 MiB wait for their runs"


def test_long_event_is_refused() -> None:
    inbox, _ = an_inbox()

    assert inbox.refusal(HearEvent(dialect="toy", body="x" * (EVENT_BYTES_MAX + 1))) != ""


def test_findings_of_a_flow_are_counted_and_the_newest_kept() -> None:
    inbox, _ = an_inbox()
    rows = [
        *chain(
            *(
                inbox.find(EventFinding("build", f"bad {n}", "Build"), NOW)
                for n in range(NEWEST_MAX + 5)
            )
        )
    ]

    again = Inbox({INBOX_FINDINGS: {rows[-1].key: rows[-1].value}}, UndoJournal())

    found = again.findings("build")
    assert found == inbox.findings("build")
    assert (found.count, len(found.newest)) == (NEWEST_MAX + 5, NEWEST_MAX)
    assert found.newest[0]["why"] == f"bad {NEWEST_MAX + 4}"


def test_findings_of_the_oldest_flow_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "FLOWS_MAX", 1)
    inbox, _ = an_inbox()
    [*inbox.find(EventFinding("a", "bad"), NOW)]

    rows = [*inbox.find(EventFinding("b", "bad"), NOW)]

    assert [(row.key, row.value is None) for row in rows] == [("a", True), ("b", False)]
    assert inbox.findings("a").count == 0


def test_rows_of_a_different_shape_are_left_out() -> None:
    rows: dict[str, dict[str, Json]] = {
        INBOX: {"1": "x"},
        INBOX_FINDINGS: {"a": "x", "b": {"newest": "x"}},
    }

    inbox = Inbox(rows, UndoJournal())

    assert (len(inbox), inbox.findings("a").count, inbox.findings("b").count) == (0, 0, 0)
