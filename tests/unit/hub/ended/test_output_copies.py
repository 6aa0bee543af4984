"""Copies of outputs on a host stay up to a size; the archive has them all."""

import asyncio

import pytest

from floe.host.removal import COPIES
from floe.hub.ended import output_copies
from floe.model.errors import ArchiveAway
from tests.hands import over, settled, until
from tests.make_archive import (
    GIB,
    HELLO,
    Site,
    ended,
    gone,
    output,
    packed,
    site,
)

__all__ = ["site"]  # a fixture


async def test_output_is_deleted_here_and_found_in_the_archive(site: Site) -> None:
    async with site.hub() as hub:
        key = await packed(hub, site)
        await gone(hub, key)

        assert await output(hub, key) == HELLO


async def test_copies_up_to_a_limit_stay_the_newest_ones(site: Site) -> None:
    async with site.hub(copies_bytes=2 * len(HELLO)) as hub:
        keys = [await packed(hub, site) for _ in range(3)]
        await gone(hub, keys[0])

        assert [hub.reads.output_path(key).exists() for key in keys] == [False, True, True]
        assert hub.archiving is not None
        assert hub.archiving.copies.bytes() == 2 * len(HELLO)


async def test_copy_that_is_used_outlives_a_newer_one(site: Site) -> None:
    async with site.hub(copies_bytes=2 * len(HELLO)) as hub:
        first, second = [await packed(hub, site) for _ in range(2)]
        await output(hub, first)

        await packed(hub, site)
        await gone(hub, second)

        assert hub.reads.output_path(first).exists()


async def test_copy_that_was_just_used_is_not_deleted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_copies, "USED_S", 3600.0)
    async with site.hub() as hub:
        key = await ended(hub, site)
        await output(hub, key)
        await until(over(hub, key.run.key))
        other = await packed(hub, site)
        await gone(hub, other)

        assert hub.reads.output_path(key).exists()


async def test_fetched_output_counts_as_a_copy_and_goes_again(site: Site) -> None:
    async with site.hub() as hub:
        key = await packed(hub, site)
        await gone(hub, key)
        path = await hub.reads.output(await hub.reads.run(key.run.key), key)

        await until(lambda: not path.exists())
        assert hub.archiving is not None
        assert hub.archiving.copies.bytes() == 0


async def test_readers_of_one_output_fetch_it_once(site: Site) -> None:
    async with site.hub(copies_bytes=GIB) as hub:
        key = await packed(hub, site, b"x" * 100_000)
        hub.reads.output_path(key).unlink()

        async with asyncio.TaskGroup() as tasks:
            reads = [tasks.create_task(output(hub, key)) for _ in range(8)]

    assert {read.result() for read in reads} == {b"x" * 100_000}
    assert site.bucket.fetches == 1


async def test_what_was_fetched_is_deleted_by_the_next_start(site: Site) -> None:
    old = site.root / "cache" / "outputs" / "h1-1@k3f9.1" / "build.1.1.log"
    old.parent.mkdir(parents=True)
    old.write_bytes(HELLO)

    async with site.hub(copies_bytes=GIB):
        await until(lambda: not old.exists())


async def test_copies_of_an_earlier_process_are_known(site: Site) -> None:
    async with site.hub(copies_bytes=GIB) as hub:
        key = await packed(hub, site)

    async with site.hub(copies_bytes=0) as hub:
        await gone(hub, key)

        assert await output(hub, key) == HELLO
        await settled(hub)
        assert await site.store.ledger(COPIES) == {}


async def test_output_that_was_packed_without_an_archive_is_never_deleted(site: Site) -> None:
    async with site.hub(archive=None) as hub:
        old = await packed(hub, site)

    async with site.hub() as hub:
        await gone(hub, await packed(hub, site))

        assert await output(hub, old) == HELLO


async def test_output_that_cannot_be_fetched_is_refused_with_the_reason(site: Site) -> None:
    async with site.hub() as hub:
        key = await packed(hub, site)
        await gone(hub, key)
        site.bucket.is_away = True

        with pytest.raises(ArchiveAway, match="it cannot be reached"):
            await output(hub, key)
