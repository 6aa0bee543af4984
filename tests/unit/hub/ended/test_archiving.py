"""Ended runs go to the archive, and are found there again: by a hub with a store and a folder."""

from floe.host.removal import COPIES
from floe.host.retention import Wanted
from floe.model.event import RunPacked
from floe.model.keep import Keep
from tests.hands import live, over, settled, until
from tests.make_archive import AWAY, GIB, HELLO, Site, ended, gone, output, packed, site

__all__ = ["site"]  # a fixture


async def test_ended_run_is_an_object_with_its_log_flow_and_output(site: Site) -> None:
    async with site.hub() as hub:
        key = await packed(hub, site)

        found = await site.bucket.read(key.run, 1)
        log = await site.store.history(key.run)

    assert site.names() == [f"{key.run.store}/h1-1/1.floe"]
    assert found is not None
    assert found.flow is not None
    assert found.flow["id"] == "flow"
    assert found.records == tuple(stored.record for stored in log[:-1])
    assert isinstance(log[-1].record.event, RunPacked)


async def test_archive_that_is_away_delays_packing_alone(site: Site) -> None:
    site.bucket.is_away = True
    async with site.hub() as hub:
        keys = [await ended(hub, site) for _ in range(2)]
        reads, ref = hub.reads, keys[0].run
        await until(lambda: reads.archive_problem() == f"{AWAY}; 2 ended runs wait to be packed")

        run = live(hub, ref.key)
        assert run is not None
        assert (run.phase, run.good) == ("ended", True)
        assert await output(hub, keys[0]) == HELLO

        site.bucket.is_away = False
        await until(over(hub, keys[0].run.key))
        await until(over(hub, keys[1].run.key))
        assert len(site.names()) == 2
        assert reads.archive_problem() == ""


async def test_archive_that_was_away_at_a_stop_is_tried_by_the_next_start(site: Site) -> None:
    site.bucket.is_away = True
    async with site.hub() as hub:
        key = await ended(hub, site)
        await until(lambda: "1 ended run waits" in hub.reads.archive_problem())

    site.bucket.is_away = False
    async with site.hub() as hub:
        await until(over(hub, key.run.key))
        await gone(hub, key)

        assert await output(hub, key) == HELLO


async def test_archive_that_comes_back_is_noticed_while_nothing_waits(site: Site) -> None:
    site.bucket.is_away = True
    async with site.hub() as hub:
        await until(lambda: hub.reads.archive_problem() == AWAY)
        site.bucket.is_away = False

        await until(lambda: hub.reads.archive_problem() == "")


async def test_run_that_is_packed_again_without_its_output_keeps_the_object(site: Site) -> None:
    async with site.hub() as hub:
        key = await packed(hub, site)
        await gone(hub, key)
        run = await hub.reads.run(key.run.key)
        assert hub.archiving is not None
        puts = site.bucket.puts

        # As after a restore of a store that was copied before RunPacked.
        await hub.archiving.pack(run, [(hub.reads.output_path(key), len(HELLO))], {})

        assert site.bucket.puts == puts
        assert await output(hub, key) == HELLO


async def test_run_whose_output_is_lost_is_packed_without_it(site: Site) -> None:
    site.bucket.is_away = True
    async with site.hub() as hub:
        key = await ended(hub, site)
        await until(lambda: "1 ended run waits" in hub.reads.archive_problem())
        hub.reads.output_path(key).unlink()

    site.bucket.is_away = False
    async with site.hub() as hub:
        await until(over(hub, key.run.key))

        found = await site.bucket.read(key.run, 1)
        assert found is not None
        assert not await site.bucket.fetch(key, site.root / "to")


async def test_removed_run_leaves_the_archive_and_its_copies(site: Site) -> None:
    async with site.hub(copies_bytes=GIB, keep=Keep(runs=1)) as hub:
        old, new = [await packed(hub, site) for _ in range(2)]

        await hub.pruning.prune(Wanted())
        await settled(hub)

        assert site.names() == [f"{new.run.store}/{new.run}/1.floe"]
        assert not hub.reads.output_path(old).exists()
        assert [*await site.store.ledger(COPIES)] == [new.run.key]


async def test_run_that_is_removed_while_the_archive_is_away_leaves_it_later(site: Site) -> None:
    async with site.hub(keep=Keep(runs=1)) as hub:
        keys = [await packed(hub, site) for _ in range(3)]
        site.bucket.is_away = True
        await hub.pruning.prune(Wanted())
        assert len(site.names()) == 3
        site.bucket.is_away = False

        await hub.pruning._sweep()
        await settled(hub)

        assert site.names() == [f"{keys[2].run.store}/{keys[2].run}/1.floe"]
        assert await site.store.ledger("sweep") == {}


async def test_run_that_may_not_be_deleted_is_named_and_does_not_keep_the_others(
    site: Site,
) -> None:
    async with site.hub(keep=Keep(runs=1)) as hub:
        keys = [await packed(hub, site) for _ in range(3)]
        site.bucket.locked = keys[1].run
        await hub.pruning.prune(Wanted())
        await settled(hub)

        left = [f"{key.run.store}/{key.run}/1.floe" for key in keys[1:]]
        assert site.names() == left
        problem = "cannot delete 1 removed run from its bucket s3://ci-runs: access is denied"
        assert hub.reads.archive_problem() == problem
        assert [*await site.store.ledger("sweep")] == [keys[1].run.key]

        site.bucket.locked = None
        await hub.pruning._sweep()
        await settled(hub)

        assert site.names() == left[1:]
        assert hub.reads.archive_problem() == ""
