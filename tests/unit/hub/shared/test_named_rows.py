"""Shared rows by names of any text, with values larger than one row."""

import asyncio

import pytest

from floe.hub.hub import Hub
from floe.hub.shared.named_rows import NAME_BYTES_MAX, NAMED_BYTES_MAX, NamedRows
from floe.model.errors import KeeperAway, TooLarge, World, Yours
from floe.model.ids import HostId
from tests.hands import a_hub

LARGE = "".join(f"{number:x}" for number in range(80_000))
"""A text that needs several rows, also when it is compressed."""


def named(hub: Hub) -> NamedRows:
    return NamedRows(hub.shared, "t")


@pytest.mark.parametrize("name", ["a", " ", "a/b", "é\n\x00", "x" * NAME_BYTES_MAX])
async def test_row_has_any_name(name: str) -> None:
    async with a_hub() as hub:
        await named(hub).write(name, {"a": 1}, by="alice")
        found = await named(hub).find(name)

    assert found is not None
    assert (found.name, found.value) == (name, {"a": 1})


async def test_large_value_is_read_as_it_was_written() -> None:
    async with a_hub() as hub:
        await named(hub).write("a", {"v": LARGE}, by="alice")
        found = named(hub).local("a")
        parts = hub.shared.of_kind("t-part")

    assert found is not None
    assert found.value == {"v": LARGE}
    assert len(parts) > 1


async def test_parts_of_a_value_go_with_it() -> None:
    async with a_hub() as hub:
        await named(hub).write("a", LARGE, by="alice")
        await named(hub).write("a", "small", by="alice")
        parts = hub.shared.of_kind("t-part")

    assert parts == []


async def test_write_returns_the_row_that_it_replaces() -> None:
    async with a_hub() as hub:
        replaced = [await named(hub).write("a", 1, by="alice") for _ in range(2)]
        await named(hub).delete("a", by="alice")
        replaced.append(await named(hub).write("a", 1, by="alice"))

    assert [row is not None for row in replaced] == [False, True, False]


async def test_row_is_deleted_once() -> None:
    async with a_hub() as hub:
        await named(hub).write("a", 1, by="alice")
        deleted = [await named(hub).delete("a", by="alice") for _ in range(2)]
        found = await named(hub).find("a")

    assert (deleted, found) == ([True, False], None)


async def test_many_callers_write_one_name_one_after_the_other() -> None:
    async with a_hub() as hub:
        writes = (named(hub).write("a", LARGE + str(n), by="alice") for n in range(5))
        replaced = await asyncio.gather(*writes)
        found, parts = named(hub).local("a"), hub.shared.of_kind("t-part")

    assert sorted(row is not None for row in replaced) == [False, True, True, True, True]
    assert found is not None
    assert len(parts) == len(set(parts_of(found.row.value)))


def parts_of(head: object) -> list[str]:
    assert isinstance(head, dict)
    return list(head["parts"])


async def test_rows_are_listed_with_their_names() -> None:
    async with a_hub() as hub:
        for name in ("b", "a"):
            await named(hub).write(name, name, by="alice")
        rows = named(hub).all()

    assert [(row.name, row.value) for row in rows] == [("b", "b"), ("a", "a")]


async def test_value_and_name_have_a_limit() -> None:
    async with a_hub() as hub:
        with pytest.raises(TooLarge):
            await named(hub).write("a", "x" * NAMED_BYTES_MAX, by="alice")
        with pytest.raises(Yours):
            await named(hub).write("x" * (NAME_BYTES_MAX + 1), 1, by="alice")


async def test_value_without_one_of_its_parts_is_no_absent_row() -> None:
    async with a_hub() as hub:
        await named(hub).write("a", LARGE, by="alice")
        part = hub.shared.of_kind("t-part")[0]
        await hub.shared.write("t-part", part.key, None, by="alice", expected=None)

        with pytest.raises(World, match="not complete"):
            await named(hub).find("a")


async def test_only_the_keeper_knows_that_there_is_no_row() -> None:
    async with a_hub(host={"peers": 1, "keeper": HostId("h2")}) as hub:
        with pytest.raises(KeeperAway):
            await named(hub).find("a")
