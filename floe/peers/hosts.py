"""One other host: its open connections, and the queue of messages to it."""

import asyncio
from collections.abc import Callable

import structlog

from floe.model.ids import HostId, Instant, StoreId
from floe.model.nouns import dataclass
from floe.model.peer_message import Offer
from floe.peers.base import Hello
from floe.peers.offers import Offers
from floe.peers.send_queue import QueuedItem, SendQueue
from floe.peers.sockets import PeerSocket

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HostAddress:
    """A host and its store: a host with a new store is a different one."""

    host: HostId
    store: StoreId


def address_in(hello: Hello) -> HostAddress:
    """The host in a hello, by its id and store."""
    return HostAddress(hello.host, hello.store)


class OtherHost:
    """A known host. Messages use the connection that received data last."""

    def __init__(self, hello: Hello, offers: Offers, now: Callable[[], Instant]) -> None:
        self.name = address_in(hello)
        self.hello = hello
        """The latest hello."""
        self.since = now()
        """Since when it is connected, or not."""
        self.wires: list[PeerSocket] = []
        self._now = now
        self._received_at = now()
        self._offers = offers
        self._outbox = SendQueue()
        self._stirred = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether it is connected."""
        return any(wire.is_open for wire in self.wires)

    def put(self, item: QueuedItem) -> None:
        """Wake the sender: there is a message."""
        self._outbox.put(item)
        self._stirred.set()

    @property
    def received_at(self) -> Instant:
        """The time of the last sign of life."""
        if not self.wires:
            return self._received_at
        silent_s = asyncio.get_running_loop().time() - max(w.received_s for w in self.wires)
        return Instant(self._now() - round(silent_s * 1000))

    def join(self, wire: PeerSocket) -> None:
        """A connection was opened."""
        if not self.is_open:
            self.since = self._now()
        self.hello = wire.other
        self.wires.append(wire)
        self._stirred.set()

    def leave(self, wire: PeerSocket) -> None:
        """A connection is over."""
        self._received_at = self.received_at
        self.wires.remove(wire)
        if not self.is_open:
            self.since = self._now()

    def give_up(self) -> list[QueuedItem]:
        """Drop the queue except the Ping; return the dropped messages."""
        return self._outbox.empty()

    async def write(self) -> None:
        """Send queued messages, forever."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            while len(self._outbox) and (wire := self._most_alive()):
                await self._send(wire, self._outbox.take())

    async def _send(self, wire: PeerSocket, item: QueuedItem) -> None:
        message = item.envelope.message
        if isinstance(message, Offer):
            if not self._offers.may_write(message):
                return
            self._offers.write(message)
        try:
            await wire.send(item.frame)
        except Exception as error:  # the border of peer calls: the writer always continues
            log.exception("peer.message_not_sent", host=self.name.host)
            wire.end(f"cannot be written to: {type(error).__name__}")

    def _most_alive(self) -> PeerSocket | None:
        wires = [wire for wire in self.wires if wire.is_open]
        return max(wires, key=lambda wire: wire.received_s, default=None)
