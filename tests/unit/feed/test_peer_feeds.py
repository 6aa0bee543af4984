"""Feeds of other hosts, over a relay that gives what the test says."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from floe.feed.peer_feeds import PeerFeeds
from floe.feed.stream import Began, Reached
from floe.model.errors import NotFound, Theirs
from floe.model.ids import HostId, RunRef, StoreId
from floe.peers.base import Peers, Request

H2 = HostId("h2")
RUN = RunRef.parse("h1-12@k3f9")


class Relay:
    """Answers each request with one status and some pieces of a body."""

    def __init__(self, status: int, pieces: Iterable[bytes] = ()) -> None:
        self.status = status
        self.pieces = tuple(pieces)
        self.paths: list[str] = []

    @asynccontextmanager
    async def relay(self, host: HostId, request: Request) -> AsyncIterator[Any]:
        self.paths.append(request.path)
        yield SimpleNamespace(status=self.status, chunks=self._chunks)

    async def _chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


def feeds(relay: Relay) -> PeerFeeds:
    """The feeds of h2, by this relay."""
    return PeerFeeds(cast("Peers", relay), lambda: [H2], "h1")


async def test_line_that_arrives_in_pieces_is_read_once_it_is_whole() -> None:
    relay = Relay(200, [b"store k3f9 1", b"20\nreached ", b"510\n"])

    got = [items async for items in feeds(relay).follow(H2, StoreId("k3f9"), 100)]

    assert got == [[Began(StoreId("k3f9"), 120)], [Reached(510)]]
    assert relay.paths == ["feed?after=100&store=k3f9"]


async def test_position_of_an_event_is_read_from_the_reply() -> None:
    assert await feeds(Relay(200, [b'{"pos"', b": 7}"])).position_of(H2, RUN, 3) == 7


async def test_event_that_a_host_does_not_know_is_not_found() -> None:
    with pytest.raises(NotFound):
        await feeds(Relay(404)).position_of(H2, RUN, 3)


async def test_reply_without_a_position_is_theirs() -> None:
    with pytest.raises(Theirs, match="no position"):
        await feeds(Relay(200, [b"{}"])).position_of(H2, RUN, 3)


async def test_feed_that_is_refused_is_theirs() -> None:
    with pytest.raises(Theirs, match="502"):
        _ = [items async for items in feeds(Relay(502)).follow(H2, None, 0)]
