"""The other hosts' own feeds, requested over the port of the peers."""

import json
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from urllib.parse import quote

from floe.feed.stream import FeedItem, read_line
from floe.model.errors import NotFound, Theirs
from floe.model.ids import HostId, RunRef, StoreId
from floe.peers.base import Answer, Peers, Request


class PeerFeeds:
    """Other hosts' feeds, from the `GET feed` of each."""

    def __init__(self, peers: Peers, hosts: Callable[[], Collection[HostId]], by: str) -> None:
        """`hosts` are the hosts known by name; `by` is the caller that those hosts see."""
        self._peers = peers
        self._by = by
        self.hosts = hosts

    async def follow(
        self, host: HostId, store: StoreId | None, after: int
    ) -> AsyncGenerator[Sequence[FeedItem], None]:
        """As in the port."""
        rest = b""
        path = f"feed?after={after}&store={store or ''}"
        async with self._peers.relay(host, self._request(path)) as answer:
            _check_reply(host, answer)
            async for data in answer.chunks():
                *lines, rest = (rest + data).split(b"\n")
                if lines:
                    yield [read_line(line) for line in lines]

    async def position_of(self, host: HostId, run: RunRef, seq: int) -> int:
        """As in the port."""
        path = f"feed/place?run={quote(run.key)}&seq={seq}"
        async with self._peers.relay(host, self._request(path)) as answer:
            _check_reply(host, answer)
            body = b"".join([data async for data in answer.chunks()])
        try:
            return int(json.loads(body)["pos"])
        except (ValueError, TypeError, KeyError):
            raise Theirs(f"{host} sent no position in its reply: {body[:80]!r}") from None

    def _request(self, path: str) -> Request:
        return Request(method="GET", path=path, by=self._by)


def _check_reply(host: HostId, answer: Answer) -> None:
    if answer.status == 404:
        raise NotFound(f"{host} does not have this event, or serves no feed")
    if answer.status != 200:
        raise Theirs(f"{host} answered {answer.status} when asked for its feed")
