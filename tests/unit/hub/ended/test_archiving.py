"""Ended runs go to the archive, and are found there again: by a hub with a store and a folder."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

import pytest
from obstore.store import MemoryStore as Objects

from floe.host.removal import COPIES
from floe.host.retention import Wanted
from floe.hub.ended import archiving
from floe.hub.hub import Hub
from floe.hub.outputs import OutputSettings
from floe.model.errors import ArchiveAway
from floe.model.event import RunPacked
from floe.model.keep import Keep
from floe.model.refs import Key, NodeId
from floe.model.signal import Exited
from floe.store import bucket
from floe.store.archive import PackedOutput, PackedRun
from floe.store.bucket import Bucket
from floe.store.memory import MemoryStore
from tests.hands import Hands, a_hub, live, over, settled, until
from tests.make import a_flow, a_node, an_end

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FLOW = a_flow(a_node("build"), an_end(on="task.build.good"))
HELLO = b"hello\n"
AWAY = "cannot use its bucket s3://ci-runs: it cannot be reached"
GIB = 1024**3


class Taken(Bucket):
    """A bucket that a test takes away."""

    is_away = False
    puts = 0
    fetches = 0

    def _spoken(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        if self.is_away:
            raise ArchiveAway(AWAY)
        return super()._spoken(work, *args)

    async def put(self, run: PackedRun, outputs: Sequence[PackedOutput]) -> None:
        self.puts += 1
        await super().put(run, outputs)

    async def fetch(self, key: Key, to: Path) -> bool:
        self.fetches += 1
        return await super().fetch(key, to)


class Site:
    """What outlives a hub: its folder, its store, and the bucket."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = MemoryStore()
        self.objects = Objects()
        self.bucket = Taken(self.objects, "s3://ci-runs")
        self.hands = Hands()

    @asynccontextmanager
    async def hub(self, *, copies_bytes: int = 0, **others: Any) -> AsyncIterator[Hub]:
        made = {
            "hands": self.hands,
            "store": self.store,
            "attempts": OutputSettings(root=self.root),
            "archive": self.bucket,
            "copies_bytes": copies_bytes,
        }
        async with a_hub(FLOW, **(made | others)) as hub:
            yield hub

    def names(self) -> list[str]:
        return sorted(one["path"] for some in self.objects.list() for one in some)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(archiving, "AGAIN_S", 0.001)
    monkeypatch.setattr(archiving, "LOOK_S", 0.001)
    monkeypatch.setattr(archiving, "USED_S", 0.0)
    monkeypatch.setattr(bucket, "BACKOFF_S", (0.0,))
    return Site(tmp_path)


async def ended(hub: Hub, site: Site, data: bytes = HELLO) -> Key:
    """A run that ended good and printed something; the key of its attempt."""
    run = (await hub.trigger("flow", values={}, by="alice")).row
    await until(lambda: hub.effects.running())
    key = Key(hub.reads.ref(run.id), 1, NodeId("build"), 1, 1)
    path = hub.reads.output_path(key)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    site.hands.report("build", Exited(status=0, outputs={}, output_bytes=len(data)))
    return key


async def packed(hub: Hub, site: Site, data: bytes = HELLO) -> Key:
    key = await ended(hub, site, data)
    await until(over(hub, key.run.key))
    await settled(hub)
    return key


async def gone(hub: Hub, key: Key) -> None:
    """Wait until the output is in the archive alone."""
    await until(lambda: not hub.reads.output_path(key).exists())


async def output(hub: Hub, key: Key) -> bytes:
    path = await hub.reads.output(await hub.reads.run(key.run.key), key)
    return path.read_bytes()


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
        assert hub.archiving.bytes() == 2 * len(HELLO)


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
    monkeypatch.setattr(archiving, "USED_S", 3600.0)
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
        assert hub.archiving.bytes() == 0


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


async def test_output_that_cannot_be_fetched_is_refused_with_the_reason(site: Site) -> None:
    async with site.hub() as hub:
        key = await packed(hub, site)
        await gone(hub, key)
        site.bucket.is_away = True

        with pytest.raises(ArchiveAway, match="it cannot be reached"):
            await output(hub, key)


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
