"""The rule of a write."""

import pytest

from floe.host.inputs import WriteRow
from floe.host.shared import base as base_module
from floe.host.shared.base import next_round, write_row
from floe.host.undoable import Undoable, UndoJournal
from floe.model.shared_row import KEY_MAX, VALUE_BYTES_MAX
from tests.make_shared import a_table, a_write


def test_repeated_request_is_answered_and_changes_nothing() -> None:
    table, step = a_table()
    first = write_row(step, table, a_write("k", 1, request="r"))
    write_row(step, table, a_write("k", 2, expected=1))

    assert write_row(step, table, a_write("k", 1, request="r")) == first == (1, "")
    assert [row.value for row in table.of_kind("t")] == [2]


@pytest.mark.parametrize("expected", [0, 2])
def test_write_that_expects_a_different_row_is_refused(expected: int) -> None:
    table, step = a_table()
    write_row(step, table, a_write())

    _, why = write_row(step, table, a_write(value=2, expected=expected))

    assert why == "t k has changed in the meantime"


def test_write_of_a_new_row_is_refused_where_one_was_deleted() -> None:
    table, step = a_table()
    write_row(step, table, a_write(value=None))

    assert write_row(step, table, a_write(value=1))[0] == 0


def test_deleted_row_is_written_again_by_its_number() -> None:
    table, step = a_table()
    write_row(step, table, a_write(value=None))

    assert write_row(step, table, a_write(value=1, expected=1)) == (2, "")


def test_row_that_was_never_there_is_deleted_for_those_who_send_it_late() -> None:
    table, step = a_table()

    assert write_row(step, table, a_write(value=None, expected=None)) == (1, "")


def test_deleted_row_is_not_deleted_again() -> None:
    table, step = a_table()
    write_row(step, table, a_write(value=None, expected=None))

    again = write_row(step, table, a_write(value=None, expected=None, request="again"))

    assert again == (1, "")


def test_number_of_rows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_module, "ROWS_MAX", 1)
    table, step = a_table()
    write_row(step, table, a_write("a"))

    assert write_row(step, table, a_write("b"))[1] == (
        "the cluster has 1 shared rows, the most that it may have"
    )
    assert write_row(step, table, a_write("a", 2, expected=1))[1] == ""
    assert write_row(step, table, a_write("a", None, expected=2))[1] == ""
    assert write_row(step, table, a_write("b", request="later"))[1] == ""


@pytest.mark.parametrize(
    ("write", "why"),
    [
        (a_write(""), "the key of a shared row has 1 to 200 printable characters"),
        (a_write("k" * (KEY_MAX + 1)), "the key of a shared row has 1 to 200 printable characters"),
        (a_write("a\nb"), "the key of a shared row has 1 to 200 printable characters"),
        (
            a_write(value="v" * VALUE_BYTES_MAX),
            f"t k has {VALUE_BYTES_MAX + 2} bytes; a shared row has up to {VALUE_BYTES_MAX}",
        ),
        (
            WriteRow(request="r", name=("a b", "k"), value=1, by="", expected=0),
            "'a b' is not a kind of shared rows",
        ),
    ],
    ids=["empty key", "long key", "key of two lines", "large value", "kind"],
)
def test_row_that_none_can_be_is_refused(write: WriteRow, why: str) -> None:
    table, step = a_table()

    assert write_row(step, table, write) == (0, why)


def test_rounds_grow_also_when_the_clock_is_set_back() -> None:
    _, step = a_table()
    last: Undoable[str, int] = Undoable(UndoJournal())
    first = next_round(last, step)
    step.now = type(step.now)(step.now - 1000)

    assert next_round(last, step) == first + 1
