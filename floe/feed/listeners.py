"""Opens listeners, for a host alone and for one with others."""

from floe.feed.directory import Directory
from floe.feed.feed import Feed
from floe.feed.listener import Listener, Listening
from floe.feed.merge import position_of, read_position
from floe.feed.upstream import Upstream


class Listeners:
    """Opens listeners: of this host alone, or of the cluster that it is in."""

    def __init__(self, feed: Feed, directory: Directory, upstream: Upstream | None) -> None:
        """`upstream` None: there are no other hosts."""
        self._feed = feed
        self._directory = directory
        self._upstream = upstream

    @property
    def pos(self) -> str:
        """The position of a listener that knows as much as this host."""
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
