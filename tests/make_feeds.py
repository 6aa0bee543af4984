"""Hosts reduced to what their feeds need: a store, facts of runs, a directory, and one another."""

import asyncio
import json
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from floe.feed.directory import Directory, DirectorySource
from floe.feed.feed import Feed
from floe.feed.frames import Frame
from floe.feed.listener import Listener
from floe.feed.stream import FeedItem, line_of, own_feed, read_line
from floe.host.step_result import Recorded
from floe.hub.history import History
from floe.kernel.evolve import evolve
from floe.model.codec import encode_event, to_text
from floe.model.errors import HostAway
from floe.model.event import CancelAsked, Event, RunActivated, RunGranted, RunPended
from floe.model.ids import FlowId, HostId, NodeId, RunRef, StoreId
from floe.model.run import Run
from floe.model.summary import summary_of
from floe.store.base import Append, Batch, Record
from floe.store.memory import MemoryStore
from tests.make import NOW


class Host:
    """One host: what is stored here is told here."""

    def __init__(self, name: str, cluster: "Cluster") -> None:
        self.id = HostId(name)
        self.store = MemoryStore()
        self.feed = Feed(self.store, History(self.store, lambda *_: None).folded)
        self.directory = Directory(sent=0)
        self.upstream = Wires(self, cluster)
        self._serial = 0

    def listener(self, after: str | None = None) -> Listener:
        return Listener(self.feed, self.upstream, self.directory, after)

    async def add(self, ref: RunRef, *events: Event, copies: int = 0) -> None:
        """Record facts of a run; of the first `copies` another host had the pen."""
        history = await self.store.history(ref)
        run: Run | None = None
        for stored in history:
            run = evolve(run, stored.record.event, ref=ref)
        steps = []
        for event in events:
            before, run = run, evolve(run, event, ref=ref)
            body = to_text(encode_event(event))
            record = Record(run=ref, epoch=run.epoch, seq=run.seq, event=event, body=body)
            steps.append(Recorded(record, before, run, is_row_changed=True))
        assert run is not None
        append = Append(
            run=ref,
            epoch=run.epoch,
            after=len(history),
            records=tuple(step.record for step in steps),
            summary=summary_of(run),
        )
        last = await self.store.append(Batch(appends=(append,)))
        self.feed.publish(last, steps)

    async def adopt(self) -> RunRef:
        """A new run that waits for a host."""
        self._serial += 1
        ref = RunRef(self.id, self.store.store_id, self._serial)
        await self.add(ref, PENDED)
        return ref

    async def grant(self, ref: RunRef, to: "Host") -> None:
        await self.add(ref, granted(to))

    async def accept(self, ref: RunRef, adopter: "Host") -> None:
        """Take the run over, with its log so far, and begin it."""
        facts = [stored.record.event for stored in await adopter.store.history(ref)]
        await self.add(ref, *facts, activated(self))

    async def work(self, ref: RunRef, count: int = 1) -> None:
        """Some facts of a run that is active here."""
        await self.add(ref, *[CancelAsked(at=NOW, by="ann", why="") for _ in range(count)])

    async def hand_over(self, to: "Host", facts: int = 1) -> RunRef:
        """A run that is adopted here and works there, to the last letter of the protocol."""
        ref = await self.adopt()
        await self.grant(ref, to)
        await to.accept(ref, self)
        await self.add(ref, activated(to))
        await to.work(ref, facts)
        return ref


PENDED = RunPended(
    at=NOW,
    flow=FlowId("build"),
    ver=1,
    trigger=NodeId("start"),
    values={},
    by="ann",
    digest="sha256:0",
)


def granted(to: Host) -> Event:
    return RunGranted(at=NOW, host=to.id, store=to.store.store_id, epoch=1, fences={})


def activated(at: Host) -> Event:
    return RunActivated(at=NOW, host=at.id, epoch=1, workspace="/w")


@dataclass
class Cluster:
    """Hosts that hear one another, as far as a test lets them."""

    hosts: dict[HostId, Host] = field(default_factory=dict)
    away: dict[HostId, asyncio.Event] = field(default_factory=dict)
    """Set for hosts that are away."""
    voices: dict[HostId, asyncio.Event] = field(default_factory=dict)
    """Not set for hosts that are connected and say nothing."""
    opened: list[tuple[HostId, int]] = field(default_factory=list)
    """Each feed that was opened, and after which position."""

    async def add(self, *names: str) -> list[Host]:
        for name in names:
            host = Host(name, self)
            await host.store.open()
            self.hosts[host.id] = host
            self.away[host.id] = asyncio.Event()
            self.voices[host.id] = asyncio.Event()
            self.voices[host.id].set()
        return [self.hosts[HostId(name)] for name in names]

    def acquaint(self) -> None:
        """Everybody's lists know everything so far."""
        for host in self.hosts.values():
            for other in self.hosts.values():
                if other is not host:
                    source = DirectorySource(other.id, other.store.store_id)
                    host.directory.load({str(source): other.feed.head})
                    host.directory.saw(source, NOW)


@dataclass
class Wires:
    """The other hosts' feeds, through the lines that are sent between hosts."""

    me: Host
    cluster: Cluster

    def hosts(self) -> Collection[HostId]:
        return [id for id in self.cluster.hosts if id != self.me.id]

    async def follow(
        self, host: HostId, store: StoreId | None, after: int
    ) -> AsyncGenerator[Sequence[FeedItem], None]:
        self._check(host)
        self.cluster.opened.append((host, after))
        feed = own_feed(self.cluster.hosts[host].feed, store or "", after)
        async with aclosing(feed):
            while True:
                said = await self._next(feed, host)
                self._check(host)
                await self.cluster.voices[host].wait()
                yield [read_line(line_of(one).rstrip(b"\n")) for one in said]

    async def position_of(self, host: HostId, run: RunRef, seq: int) -> int:
        self._check(host)
        return await self.cluster.hosts[host].feed.position_of(run, seq)

    async def _next(
        self, feed: AsyncGenerator[Sequence[FeedItem], None], host: HostId
    ) -> Sequence[FeedItem]:
        """What comes next, or nothing where the host is lost before that."""
        async with asyncio.TaskGroup() as tasks:
            lost = tasks.create_task(self.cluster.away[host].wait())
            received = tasks.create_task(_one(feed))
            await asyncio.wait({lost, received}, return_when=asyncio.FIRST_COMPLETED)
            lost.cancel()
            if not received.done():
                received.cancel()
        if received.cancelled():
            raise ConnectionAbortedError(f"{host} is lost")
        return received.result()

    def _check(self, host: HostId) -> None:
        if self.cluster.away[host].is_set():
            raise HostAway(f"{host} is away", host=host)


async def _one(feed: AsyncGenerator[Sequence[FeedItem], None]) -> Sequence[FeedItem]:
    return await anext(feed)


async def taken(listener: Listener, count: int) -> list[Frame]:
    """So many facts, with what else came before the last of them."""
    frames: list[Frame] = []
    async with asyncio.timeout(60):
        while sum(frame.kind == "event" for frame in frames) < count:
            frames += await listener.take()
    return frames


def shapes(frames: Sequence[Frame]) -> list[dict[str, Any]]:
    return [json.loads(frame.text) for frame in frames]


def sent(frames: Sequence[Frame]) -> list[tuple[str, int]]:
    """Run and seq of each fact."""
    return [(str(frame.run), frame.seq) for frame in frames if frame.run]
