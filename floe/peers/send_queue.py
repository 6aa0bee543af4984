"""The queue of messages to one host. No I/O."""

from collections import OrderedDict
from typing import Final

from floe.model.nouns import dataclass
from floe.model.peer_message import Envelope, Ping

WORDS_MAX: Final = 5_000
"""Messages queued for one host; beyond that the oldest is dropped, and its sender repeats it."""

BYTES_MAX: Final = 32 * 1024 * 1024
"""Bytes of those."""


_PING: Final = b""


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """A message in the send queue, and its frame."""

    envelope: Envelope
    frame: bytes


class SendQueue:
    """A bounded queue: the newest messages for one host.

    A queued message is not queued again, so repetitions cost nothing while a host is slow; a Ping
    replaces an older one.
    """

    def __init__(self) -> None:
        self._items: OrderedDict[bytes, QueuedItem] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: QueuedItem) -> None:
        """Queue a message; drops the oldest if there is no room."""
        key = _PING if isinstance(item.envelope.message, Ping) else item.frame
        if old := self._items.get(key):
            self._bytes -= len(old.frame)
        self._items[key] = item
        self._bytes += len(item.frame)
        while len(self._items) > WORDS_MAX or (self._bytes > BYTES_MAX and len(self._items) > 1):
            self.take()

    def take(self) -> QueuedItem:
        """The oldest message. Raises KeyError if there is none."""
        _, item = self._items.popitem(last=False)
        self._bytes -= len(item.frame)
        return item

    def empty(self) -> list[QueuedItem]:
        """Drop all but the Ping; return the dropped messages, oldest first."""
        ping = self._items.pop(_PING, None)
        dropped = list(self._items.values())
        self._items.clear()
        self._bytes = 0
        if ping:
            self.put(ping)
        return dropped
