"""The copy of the shared rows that a host has."""

from dataclasses import replace

import pytest

from floe.host.inputs import Incoming
from floe.host.shared import table as table_module
from floe.host.shared.table import CopyState, SharedTable
from floe.host.step import Step
from floe.model.ids import Json
from floe.model.shared_row import RowOrigin, SharedRow
from tests.make_core import a_core
from tests.make_hosts import a_host_core
from tests.make_shared import a_table, a_write


def write(table: SharedTable, step: Step, key: str, value: Json) -> int:
    return table.write(step, ("t", key), value, "alice")


def stored(step: Step) -> dict[str, dict[str, Json]]:
    """The rows of the ledger as a store has them after a step."""
    found: dict[str, dict[str, Json]] = {}
    for row in step.ledger:
        kind = found.setdefault(row.kind, {})
        kind.pop(row.key, None)
        if row.value is not None:
            kind[row.key] = row.value
    return found


def values(table: SharedTable) -> dict[str, Json]:
    return {row.key: row.value for row in table.of_kind("t")}


def test_each_write_has_the_next_number() -> None:
    table, step = a_table()

    assert [write(table, step, key, 1) for key in ("a", "b", "a")] == [1, 2, 3]


def test_rows_of_a_kind_come_in_the_order_of_their_writes() -> None:
    table, step = a_table()
    for key in ("a", "b", "a"):
        write(table, step, key, 1)

    assert [row.key for row in table.of_kind("t")] == ["b", "a"]


def test_deleted_row_is_a_row_without_a_value() -> None:
    table, step = a_table()
    write(table, step, "a", 1)
    write(table, step, "a", None)

    row = table.get("t", "a")

    assert row is not None
    assert (row.value, table.count, table.of_kind("t")) == (None, 0, [])


def test_table_is_read_again_as_it_was() -> None:
    table, step = a_table()
    write(table, step, "a", 1)
    write(table, step, "b", 2)
    write(table, step, "a", None)
    table.remember(step, "r1", 3)

    again = SharedTable(stored(step), a_core().site.journal)

    assert (again.state, values(again), again.answered("r1")) == (table.state, {"b": 2}, 3)


def test_refused_append_leaves_no_trace() -> None:
    host = a_host_core("h1", peers=0)
    host.step(a_write("a", 1))
    before = (host.core.shared_rows.state, host.core.shared_rows.page(0))

    host.core.undo(host.core.step([Incoming(input=a_write("a", 2, expected=1))], host.now))

    assert (host.core.shared_rows.state, host.core.shared_rows.page(0)) == before


def test_old_deletions_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "DELETED_MAX", 1)
    table, step = a_table()
    for key in ("a", "b"):
        write(table, step, key, 1)
        write(table, step, key, None)

    assert (table.get("t", "a"), table.state.floor) == (None, 2)
    assert table.get("t", "b") is not None


def test_page_ends_after_some_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "PAGE_ROWS", 2)
    table, step = a_table()
    for key in ("a", "b", "c"):
        write(table, step, key, 1)

    first, upto = table.page(0)
    rest, end = table.page(upto)

    assert ([row.key for row in first], upto) == (["a", "b"], 2)
    assert ([row.key for row in rest], end) == (["c"], 3)


def test_page_ends_after_some_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "PAGE_BYTES", 5)
    table, step = a_table()
    for key in ("a", "b", "c"):
        write(table, step, key, "four")

    assert len(table.page(0)[0]) == 1


def test_request_that_is_long_past_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "REQUESTS_MAX", 1)
    table, step = a_table()
    table.remember(step, "r1", 1)
    table.remember(step, "r2", 2)

    assert (table.answered("r1"), table.answered("r2")) == (None, 2)


# --- copies ---


def copied(table: SharedTable, step: Step) -> SharedTable:
    """A copy of a table."""
    copy = SharedTable({}, step.site.journal)
    rows, upto = table.page(0)
    copy.replace(step, rows, replace(table.state, number=upto, is_open=False))
    return copy


def test_copy_is_extended_by_the_next_writes() -> None:
    table, step = a_table()
    write(table, step, "a", 1)
    copy = copied(table, step)
    write(table, step, "b", 2)
    write(table, step, "a", None)

    rows, upto = table.page(copy.state.number)
    copy.extend(step, rows, replace(table.state, number=upto, is_open=False))

    assert (values(copy), copy.state.number) == ({"b": 2}, 3)


def test_copy_forgets_the_deletions_that_the_keeper_forgot() -> None:
    table, step = a_table()
    write(table, step, "a", None)
    copy = copied(table, step)

    copy.extend(step, (), replace(table.state, floor=1))

    assert copy.get("t", "a") is None


def test_replaced_copy_has_nothing_of_the_former() -> None:
    table, step = a_table()
    for key in ("a", "b", "c"):
        write(table, step, key, 1)
    copy = copied(table, step)
    other, _ = a_table("s2.2")
    for key in ("c", "d"):
        write(other, step, key, 2)

    copy.replace(step, other.page(0)[0], other.state)

    assert (values(copy), copy.page(0)) == ({"c": 2, "d": 2}, other.page(0))


# --- a new keeper ---


def merged(*tables: SharedTable, step: Step) -> SharedTable:
    """The table of a keeper with an empty store that collected some copies, in this order."""
    new, _ = a_table("new.9")
    for table in tables:
        new.merge(step, table.page(0)[0], table.state.position)
    return new


def test_new_keeper_takes_in_what_a_copy_has() -> None:
    table, step = a_table()
    write(table, step, "a", 1)

    new = merged(table, step=step)

    row, old = new.get("t", "a"), table.get("t", "a")
    assert row is not None
    assert old is not None
    assert (row.value, row.at, row.by, row.origin) == (1, old.at, "alice", old.origin)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_newest_copy_counts_in_whichever_order_they_come(*, is_reversed: bool) -> None:
    table, step = a_table()
    write(table, step, "a", 1)
    write(table, step, "b", 1)
    early = copied(table, step)
    write(table, step, "a", 2)
    write(table, step, "b", None)
    copies = [early, copied(table, step)]

    new = merged(*(reversed(copies) if is_reversed else copies), step=step)

    assert values(new) == {"a": 2}


@pytest.mark.parametrize("is_reversed", [False, True])
def test_forgotten_deletion_is_none_the_less_one(
    monkeypatch: pytest.MonkeyPatch, *, is_reversed: bool
) -> None:
    monkeypatch.setattr(table_module, "DELETED_MAX", 0)
    table, step = a_table()
    write(table, step, "a", 1)
    early = copied(table, step)
    write(table, step, "a", None)
    copies = [early, copied(table, step)]

    new = merged(*(reversed(copies) if is_reversed else copies), step=step)

    assert values(new) == {}


@pytest.mark.parametrize("is_reversed", [False, True])
def test_deletion_wins_against_a_write_that_did_not_know_of_it(*, is_reversed: bool) -> None:
    one, step = a_table("s1.1")
    other, _ = a_table("s2.2")
    write(one, step, "a", None)
    write(other, step, "a", 1)
    copies = [one, other]

    new = merged(*(reversed(copies) if is_reversed else copies), step=step)

    assert values(new) == {}


@pytest.mark.parametrize("is_reversed", [False, True])
def test_write_of_the_later_keeper_wins(*, is_reversed: bool) -> None:
    one, step = a_table("s1.1")
    other, _ = a_table("s2.2")
    write(one, step, "a", 1)
    write(other, step, "a", 2)
    copies = [one, other]

    new = merged(*(reversed(copies) if is_reversed else copies), step=step)

    assert values(new) == {"a": 2}


def test_copy_that_is_merged_again_changes_nothing() -> None:
    table, step = a_table()
    write(table, step, "a", 1)
    new = merged(table, step=step)
    before = new.state

    new.merge(step, table.page(0)[0], table.state.position)

    assert new.state == before


def test_sequence_that_is_begun_again_gives_no_number_twice() -> None:
    table, step = a_table("s1.1")
    for key in ("a", "b"):
        write(table, step, key, 1)
    row = SharedRow(
        kind="t",
        key="z",
        value=1,
        number=1,
        at=step.now,
        by="bob",
        origin=RowOrigin(sequence="s2.2", number=1),
    )
    table.replace(step, [row], CopyState(sequence="s2.2", number=1, seen={"s1.1": 2}))

    table.begin(step, "s1.1")
    table.open(step)

    assert write(table, step, "c", 1) == 3
