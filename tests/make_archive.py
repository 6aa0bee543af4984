"""A hub with a store, a folder and a bucket that a test takes away."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

import pytest
from obstore.store import MemoryStore as Objects

from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.hub.ended import archiving, output_copies
from floe.hub.hub import Hub
from floe.model.errors import ArchiveAway
from floe.model.ids import Key, NodeId, RunRef
from floe.model.signal import Exited
from floe.store import bucket
from floe.store.archive import PackedOutput, PackedRun
from floe.store.bucket import Bucket
from floe.store.memory import MemoryStore
from tests.hands import Hands, a_hub, over, settled, until
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
    locked: RunRef | None = None
    """A run that nobody may delete."""

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

    async def remove(self, refs: Collection[RunRef]) -> Mapping[RunRef, str]:
        await super().remove([ref for ref in refs if ref != self.locked])
        return {ref: "access is denied" for ref in refs if ref == self.locked}


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
    monkeypatch.setattr(output_copies, "LOOK_S", 0.001)
    monkeypatch.setattr(output_copies, "USED_S", 0.0)
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
