"""The SQLite store as it is opened again in another boot, after a power failure."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from floe.store.base import Append, Batch
from floe.store.sqlite import SqliteStore
from tests.make_store import a_batch, a_note, a_run, an_append

# Positions


async def test_positions_go_on_in_one_boot_of_the_machine(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "one")
    await store.open()
    last = await store.append(a_batch(an_append(a_run(), 0, 3)))
    await store.close()

    await store.open()

    assert list(store.skipped) == []
    assert await store.append(a_batch(an_append(a_run(), 3))) == last + 1
    await store.close()


async def test_positions_that_the_power_took_are_not_given_again(tmp_path: Path) -> None:
    told = await open_and_append(tmp_path, "one", an_append(a_run(), 0, 9))
    lose(tmp_path, 2)

    again = await open_and_append(tmp_path, "two", an_append(a_run(), 2))

    assert again > told


@pytest.mark.parametrize("kept", [0, 2])
async def test_positions_are_not_given_again_when_the_power_fails_and_fails_again(
    tmp_path: Path, kept: int
) -> None:
    told = [await open_and_append(tmp_path, "one", an_append(a_run(), 0, 9))]
    lose(tmp_path, kept)

    for boot in ("two", "three"):
        told.append(await open_and_append(tmp_path, boot, an_append(a_run(), kept, 9)))
        lose(tmp_path, kept)

    assert told == sorted(set(told))


async def test_each_opening_may_be_another_boot_where_that_cannot_be_known(tmp_path: Path) -> None:
    told = await open_and_append(tmp_path, "", an_append(a_run(), 0, 9))
    lose(tmp_path, 2)

    assert await open_and_append(tmp_path, "", an_append(a_run(), 2)) > told


async def test_store_of_a_floe_that_kept_no_boot_is_taken_for_one_of_another(
    tmp_path: Path,
) -> None:
    told = await open_and_append(tmp_path, "one", an_append(a_run()))
    with closing(sqlite3.connect(tmp_path / "floe.db")) as other, other:
        other.execute("DELETE FROM meta WHERE name IN ('boot', 'head')")
    store = SqliteStore(tmp_path, "one")

    await store.open()

    assert await store.head() > told
    await store.close()


async def test_head_of_a_store_after_another_boot_is_above_all_that_others_know(
    tmp_path: Path,
) -> None:
    told = await open_and_append(tmp_path, "one", an_append(a_run(), 0, 9))
    lose(tmp_path, 2)
    store = SqliteStore(tmp_path, "two")

    await store.open()

    head = await store.head()
    assert told in store.skipped
    assert head not in store.skipped
    assert await store.append(Batch(ledger=(a_note("a", 1),))) == head
    assert await store.append(a_batch(an_append(a_run(), 2))) == head + 1
    await store.close()


async def test_head_stays_when_a_store_is_opened_and_nothing_is_added(tmp_path: Path) -> None:
    await open_and_append(tmp_path, "one", an_append(a_run()))
    store = SqliteStore(tmp_path, "two")
    await store.open()
    head = await store.head()
    await store.close()

    await store.open()

    assert await store.head() == head
    await store.close()


async def open_and_append(root: Path, boot: str, append: Append) -> int:
    """Use a store for one append; return its position."""
    store = SqliteStore(root, boot)
    await store.open()
    try:
        return await store.append(a_batch(append))
    finally:
        await store.close()


def lose(root: Path, kept: int) -> None:
    """Take all but some facts, as a power failure takes the last."""
    with closing(sqlite3.connect(root / "floe.db")) as disk, disk:
        disk.execute("DELETE FROM log WHERE seq > ?", (kept,))
