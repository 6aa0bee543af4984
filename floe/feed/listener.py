"""One listener of the whole cluster: the feed of this host merged with those of the others.

The other hosts' feeds are open as long as the listener is. A feed that breaks off is opened again
at its last position. Meanwhile the listener is told that the host is away, which is no failure.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from typing import Final, Protocol, Self

import structlog

from floe.feed.directory import Directory, DirectorySource
from floe.feed.feed import Feed
from floe.feed.frames import Frame, reset_frame
from floe.feed.merge import Merge, position_of, read_position
from floe.feed.stream import Began, FeedItem, Reached
from floe.feed.subscription import SubscriptionLagging
from floe.feed.upstream import Upstream
from floe.model.codec import iso, to_text
from floe.model.errors import FloeError
from floe.model.ids import HostId, RunRef, StoreId

log = structlog.get_logger()

HOLD_S: Final = 2.0
"""Seconds that the activation of a run waits for its adopter's earlier events. After that it is
delivered, and later arrivals of earlier events are dropped."""

CHECK_S: Final = 1.0
"""Seconds between two checks for new hosts."""

BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before a lost feed is opened again; the last one stays."""

WAITING_MAX: Final = 1_000
"""Frames of one host that wait for the listener; with more, reading from that host pauses."""


class Listening(Protocol):
    """A client's listener to the feed of one host, or of the cluster."""

    @property
    def pos(self) -> str:
        """The position of the last frame that was taken."""
        ...

    async def follow(self) -> None:
        """Work that must run while `take` is used; returns at once if there is none."""
        ...

    async def take(self) -> list[Frame]:
        """The next frames, at least one, in order. Raises Lagging when dropped."""
        ...

    def close(self) -> None:
        """Stop listening. Idempotent."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Listener:
    """One listener of the cluster's feed. `follow` must run while frames are taken."""

    def __init__(
        self, feed: Feed, upstream: Upstream, directory: Directory, after: str | None = None
    ) -> None:
        """`after`: a position that any host gave; None for the position of the lists here.

        An unreadable position gets a `reset` frame first, and so does a position with a store that
        no host has now.
        """
        self._feed = feed
        self._upstream = upstream
        self._directory = directory
        self._own = feed.store_id
        self._extra: list[Frame] = []
        self._is_lagging = False
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._held: set[tuple[StoreId, str]] = set()
        marks = ((host, directory.mark(host)) for host in upstream.hosts())
        self._hosts = {mark[0]: host for host, mark in marks if mark}
        vector = self._vector(after)
        self._merge = Merge(vector)
        self._asked = dict(vector)
        """The position up to which the merge has each store's frames."""
        self._local = feed.subscribe(str(vector[self._own]))

    @property
    def pos(self) -> str:
        """The position of the last frame that was taken."""
        return self._merge.pos

    async def take(self) -> list[Frame]:
        """The next frames, at least one, in order of each run. Raises Lagging when dropped."""
        while True:
            frames, self._extra = self._extra, []
            frames += self._merge.take()
            self._room.set()
            self._attend()
            if frames:
                return frames
            if self._is_lagging:
                raise SubscriptionLagging(self.pos)
            self._wake.clear()
            await self._wake.wait()

    async def follow(self) -> None:
        """Follow the feeds of all hosts, until cancelled."""
        known: set[HostId] = set()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._follow_own())
            while True:
                for host in set(self._upstream.hosts()) - known:
                    known.add(host)
                    tasks.create_task(self._follow(host))
                await asyncio.sleep(CHECK_S)

    def close(self) -> None:
        """Stop listening. Idempotent."""
        self._local.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- where it starts ---

    def _vector(self, after: str | None) -> dict[StoreId, int]:
        here = self.position(self._feed, self._directory, self._upstream.hosts())
        if after is None:
            return here
        given = read_position(after)
        if given is None or any(store not in here for store in given):
            self._extra.append(reset_frame(position_of(here)))
            return here
        return {store: given.get(store, 0) for store in here}

    @staticmethod
    def position(feed: Feed, directory: Directory, hosts: Iterable[HostId]) -> dict[StoreId, int]:
        """The position of a listener that knows the lists of this host."""
        marks = dict(filter(None, map(directory.mark, hosts)))
        return marks | {feed.store_id: feed.head}

    # --- the feeds ---

    async def _follow_own(self) -> None:
        try:
            while True:
                await self._put(self._own, await self._local.take())
                self._merge.reached(self._own, self._local.reached)
        except SubscriptionLagging:
            self._is_lagging = True
            self._wake.set()

    async def _follow(self, host: HostId) -> None:
        """Follow a host's feed over as many connections as that takes."""
        tries = 0
        store: StoreId | None = None
        while True:
            why = "it hung up"
            try:
                known = self._directory.mark(host)
                store = store or (known and known[0])
                after = self._asked.get(store, 0) if store else 0
                async with aclosing(self._upstream.follow(host, store, after)) as stream:
                    async for items in stream:
                        store = await self._take(host, store, items, is_back=tries > 0)
                        tries = 0
            except (FloeError, ConnectionError) as error:
                why = str(error)
            if tries == 0:
                log.info("feed.host_away", host=host, why=why)
                self._lost(host, store)
            await asyncio.sleep(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])
            tries += 1

    async def _take(
        self, host: HostId, store: StoreId | None, items: Sequence[FeedItem], *, is_back: bool
    ) -> StoreId | None:
        """Take items of a host's feed; return the store of that feed."""
        for one in items:
            if isinstance(one, Began):
                known, store = store, one.store
                self._hosts[store] = host
                self._merge.begin(store, one.pos)
                if known is not None and known != store:
                    self._replaced(known, DirectorySource(host, store))
                if is_back:
                    self._announce(host, "here")
            elif store is not None and isinstance(one, Reached):
                self._merge.reached(store, one.pos)
                self._asked[store] = max(self._asked.get(store, 0), one.pos)
                self._wake.set()
            elif store is not None and isinstance(one, Frame):
                named = one.renamed(self._feed.named(one.run)) if one.run else one
                await self._put(store, [named])
        return store

    async def _put(self, store: StoreId, frames: Sequence[Frame]) -> None:
        for frame in frames:
            self._merge.put(store, frame)
            self._asked[store] = int(frame.pos)
        self._attend()
        self._wake.set()
        while self._merge.waiting(store) > WAITING_MAX:
            self._room.clear()
            await self._room.wait()

    def _attend(self) -> None:
        """Limit the time that each frame waits."""
        if self._tasks is None:
            return
        self._merge.reached(self._own, self._local.reached)
        for store, adopter, frame in self._merge.waits():
            if (store, frame.pos) not in self._held:
                self._held.add((store, frame.pos))
                self._tasks.create_task(self._hold(store, adopter, frame))

    async def _hold(self, store: StoreId, adopter: StoreId, frame: Frame) -> None:
        assert frame.run is not None, "only a run's frame waits"
        try:
            if not self._merge.is_known(frame.run):
                async with asyncio.timeout(HOLD_S):
                    position = await self._position_of(adopter, frame.run, frame.seq - 1)
                self._merge.hold_until(store, frame, position)
                self._wake.set()
            await asyncio.sleep(HOLD_S)
        except (FloeError, ConnectionError, TimeoutError):
            pass  # a host that does not answer is not waited for
        self._merge.free(store, frame)
        self._held.discard((store, frame.pos))
        self._wake.set()

    async def _position_of(self, store: StoreId, run: RunRef, seq: int) -> int:
        if store == self._own:
            return await self._feed.position_of(run, seq)
        return await self._upstream.position_of(self._hosts[store], run, seq)

    def _replaced(self, lost: StoreId, by: DirectorySource) -> None:
        """A host has a different store, so names of runs changed: the listener reloads."""
        self._merge.drop(lost)
        self._directory.met(by)  # first: the reload then uses the new names
        self._extra.append(reset_frame(self.pos))
        self._wake.set()

    def _lost(self, host: HostId, store: StoreId | None) -> None:
        if store is not None:
            self._merge.lose(store)
        self._announce(host, "away")

    def _announce(self, host: HostId, state: str) -> None:
        seen = iso(self._directory.seen(host))
        shape = {"type": "host", "id": host, "state": state, "seen": seen}
        self._extra.append(Frame(self.pos, None, to_text(shape), "notice"))
        self._wake.set()
