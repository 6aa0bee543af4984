"""The feed of one host: every event that was recorded here, in order, for all listeners.

The feeds of all hosts together are the feed of the cluster, with each event once (see `frames`).
A listener that is too slow loses its subscription, but no frame before that, and can resume from
its last position.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from floe.dialects.base import NO_READERS, RowReaders
from floe.feed.frames import Frame, frame_of, is_published, reset_frame
from floe.feed.subscription import Subscription
from floe.host.step_result import Recorded
from floe.model.codec import to_text
from floe.model.errors import NotFound
from floe.model.ids import RunRef, StoreId
from floe.model.run import Run
from floe.shapes.runs import Named
from floe.store.base import RunStore


class Feed:
    """Publishes steps to subscriptions."""

    def __init__(
        self,
        store: RunStore,
        fold: Callable[[RunRef, int], Awaitable[Run | None]],
        named: Named = str,
        row_readers: RowReaders = NO_READERS,
    ) -> None:
        """`fold` returns a run after a sequence number, with its flow; None for no run."""
        self._store = store
        self._fold = fold
        self.named = named
        self.row_readers = row_readers
        self._subscriptions: set[Subscription] = set()
        self.head = 0
        """Position of the newest event."""

    @property
    def store_id(self) -> StoreId:
        """The store with these events."""
        return self._store.store_id

    def __len__(self) -> int:
        return len(self._subscriptions)

    def publish(self, last: int, steps: Sequence[Recorded]) -> None:
        """Send events that were just stored; the last one is at position `last`."""
        self.head = last
        if not self._subscriptions:
            return
        self._offer(
            [
                frame_of(pos, step, self.named)
                for pos, step in enumerate(steps, last - len(steps) + 1)
                if is_published(step, self.store_id)
            ]
        )

    def announce(self, shape: Mapping[str, Any]) -> None:
        """Send a notice that is no event of a run; it has no position of its own."""
        self._offer([Frame(str(self.head), None, to_text(shape), "notice")])

    def _offer(self, frames: Sequence[Frame]) -> None:
        for subscription in tuple(self._subscriptions):
            subscription.offer(frames)

    def reset(self, head: int) -> None:
        """Tell every listener to reload: some stored events were never published."""
        self.head = head
        self._offer([reset_frame(str(head))])

    def subscribe(self, after: str | None = None) -> Subscription:
        """Listen from now, or from a position. Unknown positions get a `reset` frame first."""
        subscription = Subscription(self, self._store, self._fold, after, self.head)
        self._subscriptions.add(subscription)
        return subscription

    async def position_of(self, run: RunRef, seq: int) -> int:
        """The position of an event. Raises NotFound."""
        for stored in await self._store.history(run, seq - 1, 1):
            return stored.pos
        raise NotFound(f"{run} has no event {seq}")

    def leave(self, subscription: Subscription) -> None:
        """Stop listening. Idempotent."""
        self._subscriptions.discard(subscription)
