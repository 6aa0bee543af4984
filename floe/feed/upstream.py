"""The port to the feeds of the other hosts."""

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Protocol

from floe.feed.stream import FeedItem
from floe.model.ids import HostId, RunRef, StoreId


class Upstream(Protocol):
    """The other hosts' own feeds."""

    def hosts(self) -> Collection[HostId]:
        """The other hosts that are known by name now."""
        ...

    def follow(
        self, host: HostId, store: StoreId | None, after: int
    ) -> AsyncGenerator[Sequence[FeedItem], None]:
        """The items of `stream.own_feed` there, `Began` first.

        Raises HostAway, Theirs where it cannot be opened or breaks off.
        """
        ...

    async def position_of(self, host: HostId, run: RunRef, seq: int) -> int:
        """The position of an event in that host's store. Raises HostAway, Theirs, NotFound."""
        ...
