"""The other hosts' own feeds, asked for over the port of the peers."""

import json
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from urllib.parse import quote

from floe.feed.directory import Directory
from floe.feed.feed import Feed
from floe.feed.listener import Listener, Listening, Upstream
from floe.feed.merge import position_of, read_position
from floe.feed.stream import Said, read_line
from floe.model.errors import NotFound, Theirs
from floe.model.refs import HostId, RunRef, StoreId
from floe.peers.base import Answer, Peers, Request


class PeerFeeds:
    """Other hosts' feeds as `GET feed` of each tells them."""

    def __init__(self, peers: Peers, hosts: Callable[[], Collection[HostId]], by: str) -> None:
        """`hosts` are all that are known by name; `by` is who asks, as those hosts see it."""
        self._peers = peers
        self._by = by
        self.hosts = hosts

    async def follow(
        self, host: HostId, store: StoreId | None, after: int
    ) -> AsyncGenerator[Sequence[Said], None]:
        """What a host says; as the port."""
        rest = b""
        path = f"feed?after={after}&store={store or ''}"
        async with self._peers.relay(host, self._request(path)) as answer:
            _check(host, answer)
            async for data in answer.chunks():
                *lines, rest = (rest + data).split(b"\n")
                if lines:
                    yield [read_line(line) for line in lines]

    async def place(self, host: HostId, run: RunRef, seq: int) -> int:
        """Where a fact is; as the port."""
        path = f"feed/place?run={quote(run.key)}&seq={seq}"
        async with self._peers.relay(host, self._request(path)) as answer:
            _check(host, answer)
            body = b"".join([data async for data in answer.chunks()])
        try:
            return int(json.loads(body)["pos"])
        except (ValueError, TypeError, KeyError):
            raise Theirs(f"{host} says no position: {body[:80]!r}") from None

    def _request(self, path: str) -> Request:
        return Request(method="GET", path=path, by=self._by)


def _check(host: HostId, answer: Answer) -> None:
    if answer.status == 404:
        raise NotFound(f"{host} does not know this fact, or tells no feed")
    if answer.status != 200:
        raise Theirs(f"{host} answered {answer.status} when asked for its feed")


class Listeners:
    """Lets clients listen: to this host alone, or to the cluster that it is in."""

    def __init__(self, feed: Feed, directory: Directory, upstream: Upstream | None) -> None:
        """`upstream` None: there are no other hosts."""
        self._feed = feed
        self._directory = directory
        self._upstream = upstream

    @property
    def pos(self) -> str:
        """Where somebody is who knows what this host knows."""
        if self._upstream is None:
            return str(self._feed.head)
        hosts = self._upstream.hosts()
        return position_of(Listener.position(self._feed, self._directory, hosts))

    def listen(self, after: str | None = None) -> Listening:
        """Listen from now on, or from a position that any host gave."""
        if self._upstream is not None:
            return Listener(self._feed, self._upstream, self._directory, after)
        vector = read_position(after or "")
        if vector is not None:  # of the cluster that this host was in
            after = str(vector.get(self._feed.store_id, "?"))
        return self._feed.subscribe(after)
