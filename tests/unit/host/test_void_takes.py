"""Void takes: the newest are kept, each until its host has forgotten it."""

from floe.host.undoable import UndoJournal
from floe.host.void_takes import VOID_MAX, VOID_TAKE, VoidTakes
from floe.model.ids import HostId, Instant, Json
from floe.store.base import LedgerWrite

H1, H2 = HostId("h1"), HostId("h2")


def void_takes() -> VoidTakes:
    return VoidTakes({}, UndoJournal())


def test_void_take_of_one_host_is_not_that_of_another() -> None:
    takes = void_takes()

    rows = [takes.add(H1, "t", Instant(5), [H2]) for _ in range(2)]

    row = LedgerWrite(kind=VOID_TAKE, key="h1 t", value={"at": 5, "owed": ["h2"]})
    assert (rows, takes.has(H1, "t"), takes.has(H2, "t")) == ([[row], []], True, False)


def test_host_that_has_stored_a_void_take_is_told_no_more() -> None:
    takes = void_takes()
    takes.add(H1, "t", Instant(5), [H2])
    owed = [*takes.owed(H1)]

    rows = [takes.stored(H1, take, H2) for take in ("t", "t", "unknown")]

    assert (owed, [*takes.owed(H1)]) == ([(H2, "t")], [])
    assert [len(one) for one in rows] == [1, 0, 0]


def test_newest_void_takes_are_kept() -> None:
    takes = void_takes()
    for number in range(VOID_MAX):
        takes.add(H1, str(number), Instant(number), [])

    rows = takes.add(H1, "new", Instant(0), [])

    assert rows[0] == LedgerWrite(kind=VOID_TAKE, key="h1 0", value=None)
    assert [takes.has(H1, take) for take in ("0", "1", "new")] == [False, True, True]


def test_void_takes_are_read_in_their_order() -> None:
    rows: dict[str, Json] = {"h1 b": {"at": 1, "owed": ["h2"]}, "h1 a": {"at": 2, "owed": ["h2"]}}

    takes = VoidTakes({VOID_TAKE: rows}, UndoJournal())

    assert [*takes.owed(H1)] == [(H2, "b"), (H2, "a")]
