"""Copies of runs that a host returned."""

from floe.host.peers.returned_copies import RETURNED, ReturnedCopies, ReturnedCopy
from floe.host.undoable import UndoJournal

COPY = ReturnedCopy(floor=2, events=7)


def test_copy_is_read_from_the_row_that_it_was_kept_in() -> None:
    row = ReturnedCopies({}, UndoJournal()).put("h1-1@k3f9", COPY)
    assert row is not None

    copies = ReturnedCopies({RETURNED: {row.key: row.value}}, UndoJournal())

    assert copies.get("h1-1@k3f9") == COPY


def test_copy_that_did_not_change_is_not_written() -> None:
    copies = ReturnedCopies({}, UndoJournal())
    copies.put("h1-1@k3f9", COPY)

    assert copies.put("h1-1@k3f9", COPY) is None


def test_copy_of_a_refused_append_is_forgotten() -> None:
    journal = UndoJournal()
    copies = ReturnedCopies({}, journal)
    copies.put("h1-1@k3f9", COPY)

    for undo in journal.take():
        undo()

    assert "h1-1@k3f9" not in copies
