"""The feed: every recorded fact of this host's store, in order, to whoever listens.

Each fact is encoded once and the same text goes to all. A listener that is too slow loses its
subscription, never a frame in the middle, and can resume from its last position.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from floe.hub.core import Step
from floe.hub.table import is_row_changed
from floe.hub.views import node_change, summary_shape
from floe.kernel.evolve import evolve
from floe.model.codec import iso, to_text
from floe.model.event import RunActivated
from floe.model.refs import RunRef
from floe.model.run import Run, summary_of
from floe.model.tags import TRIGGER_GOOD
from floe.store.base import Record, RunStore

QUEUE_MAX: Final = 5_000
"""Frames that wait for one listener; one more and it is dropped."""

CATCH_UP_MAX: Final = 20_000
"""Events read to catch a listener up, those before its position included that a run is folded
from; beyond, it is told to reload."""

PAGE: Final = 500
FOLDED_MAX: Final = 200
"""Runs kept folded while a listener catches up."""


_POSITION: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One fact as sent; `text` is JSON, encoded once."""

    pos: str
    run: RunRef | None
    text: str


class Lagging(Exception):
    """The listener was too slow and has been dropped; `pos` is where it may resume."""

    def __init__(self, pos: str) -> None:
        super().__init__(f"too slow; resume after {pos}")
        self.pos = pos


class Feed:
    """Publishes steps to subscriptions."""

    def __init__(
        self, store: RunStore, fold: Callable[[RunRef, int], Awaitable[Run | None]]
    ) -> None:
        """`fold` gives a run as it was after a sequence number, with its flow; None for none."""
        self._store = store
        self._fold = fold
        self._subscriptions: set[Subscription] = set()
        self.head = 0
        """Position of the newest fact."""

    def __len__(self) -> int:
        return len(self._subscriptions)

    def publish(self, last: int, steps: Sequence[Step]) -> None:
        """Send facts that were just stored, of which the last is at position `last`."""
        self.head = last
        if not self._subscriptions:
            return
        for pos, step in enumerate(steps, last - len(steps) + 1):
            frame = frame_of(pos, step)
            for subscription in tuple(self._subscriptions):
                subscription.offer(frame)

    def announce(self, shape: Mapping[str, Any]) -> None:
        """Send something that is not a fact of a run: it has no position of its own."""
        frame = Frame(str(self.head), None, to_text(shape))
        for subscription in tuple(self._subscriptions):
            subscription.offer(frame)

    def reset(self, head: int) -> None:
        """Tell every listener to reload: facts were found that were never published."""
        self.head = head
        self.announce({"type": "reset", "pos": str(head)})

    def subscribe(self, after: str | None = None) -> "Subscription":
        """Listen from now, or from a position. Unknown positions get a `reset` frame first."""
        subscription = Subscription(self, self._store, self._fold, after, self.head)
        self._subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: "Subscription") -> None:
        """Stop listening. Idempotent."""
        self._subscriptions.discard(subscription)


class Subscription:
    """One listener: first what it missed, then what comes, without a gap."""

    def __init__(
        self,
        feed: Feed,
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
            if _POSITION.fullmatch(after) and int(after) <= head:
                self._pos = int(after)
            else:
                self._reset()
        self._runs: dict[RunRef, Run] = {}

    @property
    def pos(self) -> str:
        """The position of the last frame that was taken."""
        return str(self._pos)

    def offer(self, frame: Frame) -> None:
        """Put a frame in the queue; past its bound the subscription ends as lagging."""
        if len(self._frames) >= QUEUE_MAX:
            self._lagging = True
            self._feed.leave(self)
        else:
            self._frames.append(frame)
        self._wake.set()

    async def take(self) -> list[Frame]:
        """The next frames, at least one, in order. Raises Lagging when dropped."""
        if self._old:
            return self._taken(self._old)
        while self._pos < self._head:
            await self._catch_up()
            if self._old:
                return self._taken(self._old)
        while not self._frames:
            if self._lagging:
                raise Lagging(self.pos)
            self._wake.clear()
            await self._wake.wait()
        return self._taken(self._frames)

    def close(self) -> None:
        """Stop listening. Idempotent."""
        self._feed.leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _taken(self, frames: deque[Frame]) -> list[Frame]:
        taken = list(frames)
        frames.clear()
        self._pos = max(self._pos, int(taken[-1].pos))
        return taken

    def _reset(self) -> None:
        self._pos = self._head
        text = to_text({"type": "reset", "pos": str(self._head)})
        self._old.append(Frame(str(self._head), None, text))

    async def _catch_up(self) -> None:
        if self._replayed_count > CATCH_UP_MAX:
            self._reset()
            return
        page = await self._store.tail(self._pos, PAGE)
        self._replayed_count += len(page)
        for stored in page:
            if stored.pos > self._head:
                break
            self._old.append(await self._replayed(stored.pos, stored.record))
        if not self._old:
            self._pos = self._head

    async def _replayed(self, pos: int, record: Record) -> Frame:
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
        summary = summary_of(after) if is_row_changed(before, after) else None
        return frame_of(pos, Step(record, before, after, summary))

    async def _folded(self, run: RunRef, until: int) -> Run | None:
        self._replayed_count += until
        return await self._fold(run, until)


def frame_of(pos: int, step: Step) -> Frame:
    """A fact as the feed shows it: what it changed of a node, and of the run's row."""
    record, run, event = step.record, step.run, step.record.event
    shape: dict[str, Any] = {
        "type": "event",
        "pos": str(pos),
        "run": str(record.run),
        "epoch": record.epoch,
        "seq": record.seq,
        "at": iso(event.at),
        "event": type(event).__name__,
    }
    if by := getattr(event, "by", ""):
        shape["by"] = by
    tag = TRIGGER_GOOD if isinstance(event, RunActivated) else getattr(event, "tag", None)
    if tag:
        shape["tag"] = tag
    node = getattr(event, "node", None)
    if node and run.flow:
        shape["node"] = node_change(step.before, run, run.flow.by_id[node])
    if step.summary:
        shape["summary"] = summary_shape(step.summary)
    return Frame(str(pos), record.run, to_text(shape))
