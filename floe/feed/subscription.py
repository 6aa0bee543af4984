"""One listener of a host's feed: first the events that it missed, then each new one."""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, Self

from floe.dialects.base import RowReaders
from floe.feed.frames import Frame, frame_of, is_published, reset_frame
from floe.host.rows import has_new_row, reader_of
from floe.host.step_result import Recorded
from floe.kernel.evolve import evolve
from floe.model.ids import RunRef, StoreId
from floe.model.run import Run
from floe.shapes.runs import Named
from floe.store.base import Record, RunStore

QUEUE_MAX: Final = 5_000
"""Frames that wait for one listener. With one more the listener is dropped."""

CATCH_UP_MAX: Final = 20_000
"""Events read so that a listener catches up, including earlier ones from which a run is folded.
A listener that needs more is told to reload."""

PAGE: Final = 500
FOLDED_MAX: Final = 200
"""Runs kept folded while a listener catches up."""


_POSITION: Final = re.compile(r"[0-9]{1,18}")


class SubscriptionLagging(Exception):
    """The listener was too slow and has been dropped; `pos` is where it may resume."""

    def __init__(self, pos: str) -> None:
        super().__init__(f"too slow; resume after {pos}")
        self.pos = pos


class SubscribedFeed(Protocol):
    """The feed that a subscription is part of."""

    named: Named
    row_readers: RowReaders
    head: int
    """Position of the newest event."""

    @property
    def store_id(self) -> StoreId:
        """The store whose events a subscription gets."""
        ...

    def leave(self, subscription: "Subscription") -> None:
        """Send it nothing more. Idempotent."""
        ...


class Subscription:
    """One listener: first the frames that it missed, then new ones, without a gap."""

    def __init__(
        self,
        feed: SubscribedFeed,
        store: RunStore,
        fold: Callable[[RunRef, int], Awaitable[Run | None]],
        after: str | None,
        head: int,
    ) -> None:
        self._feed = feed
        self._store = store
        self._fold = fold
        self._head = head
        self._frames: deque[Frame] = deque()
        self._wake = asyncio.Event()
        self._lagging = False
        self._old: deque[Frame] = deque()
        self._pos = head
        self._replayed_count = 0
        if after is not None:
            place = int(after) if _POSITION.fullmatch(after) else head + 1
            if place <= head and place not in store.skipped:
                self._pos = place
            else:
                self._reset()
        self._runs: dict[RunRef, Run] = {}

    @property
    def pos(self) -> str:
        """The position of the last frame that was taken."""
        return str(self._pos)

    @property
    def reached(self) -> int:
        """The position up to which all frames were taken."""
        is_behind = self._old or self._frames or self._lagging or self._pos < self._head
        return self._pos if is_behind else max(self._pos, self._feed.head)

    def offer(self, frames: Sequence[Frame]) -> None:
        """Put frames in the queue. If they do not fit, the subscription ends as lagging."""
        room = QUEUE_MAX - len(self._frames)
        self._frames.extend(frames[:room])
        if len(frames) > room:
            self._lagging = True
            self._feed.leave(self)
        self._wake.set()

    async def take(self, within_s: float | None = None) -> list[Frame]:
        """The next frames in order: at least one, or none after `within_s` seconds without any.

        Reading missed frames may take longer. Raises Lagging when dropped.
        """
        if self._old:
            return self._taken(self._old)
        while self._pos < self._head:
            await self._catch_up()
            if self._old:
                return self._taken(self._old)
        while not self._frames:
            if self._lagging:
                raise SubscriptionLagging(self.pos)
            self._wake.clear()
            if within_s is None:
                await self._wake.wait()
            elif not await self._is_woken(within_s):
                return []
        return self._taken(self._frames)

    async def follow(self) -> None:
        """As in the port: no other work is needed."""

    def close(self) -> None:
        """Stop listening. Idempotent."""
        self._feed.leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _is_woken(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    def _taken(self, frames: deque[Frame]) -> list[Frame]:
        taken = list(frames)
        frames.clear()
        self._pos = max(self._pos, int(taken[-1].pos))
        return taken

    def _reset(self) -> None:
        self._pos = self._head
        self._old.append(reset_frame(str(self._head)))

    async def _catch_up(self) -> None:
        if self._replayed_count > CATCH_UP_MAX:
            self._reset()
            return
        page = await self._store.tail(self._pos, PAGE)
        self._replayed_count += len(page)
        for stored in page:
            if stored.pos > self._head:
                break
            step = await self._replayed(stored.record)
            if is_published(step, self._feed.store_id):
                self._old.append(frame_of(stored.pos, step, self._feed.named))
        if not self._old:
            is_last = not page or page[-1].pos >= self._head
            self._pos = self._head if is_last else page[-1].pos

    async def _replayed(self, record: Record) -> Recorded:
        before = self._runs.get(record.run)
        if record.seq == 1:
            before = None
        elif before is None or before.seq != record.seq - 1:
            before = await self._folded(record.run, record.seq - 1)
        after = evolve(before, record.event, ref=record.run)
        if before is None or before.digest != after.digest:
            after = await self._folded(record.run, record.seq) or after  # for its flow
        self._runs[record.run] = after
        if len(self._runs) > FOLDED_MAX:
            del self._runs[next(iter(self._runs))]
        reader = reader_of(after, self._feed.row_readers)
        is_changed = has_new_row(before, after, record.event, reader)
        return Recorded(record, before, after, is_changed, reader)

    async def _folded(self, run: RunRef, until: int) -> Run | None:
        self._replayed_count += until
        return await self._fold(run, until)
