"""One other host as it is spoken with: its open connections, and what waits to be said to it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from floe.model.message import Offer
from floe.model.refs import HostId, Instant, StoreId
from floe.peers.base import Hello
from floe.peers.send_queue import Item, Offers, SendQueue
from floe.peers.sockets import PeerSocket


@dataclass(frozen=True, slots=True)
class Name:
    """A host and its store: a host that lost its store is another one."""

    host: HostId
    store: StoreId


def name_of(hello: Hello) -> Name:
    """Whom a hello is from."""
    return Name(hello.host, hello.store)


class Other:
    """A host that was met. What is said to it goes over whichever connection is most alive."""

    def __init__(self, hello: Hello, offers: Offers, now: Callable[[], Instant]) -> None:
        self.name = name_of(hello)
        self.hello = hello
        """As it was said last."""
        self.since = now()
        """Since when there is a connection, or none."""
        self.wires: list[PeerSocket] = []
        self._now = now
        self._heard_at = now()
        self._offers = offers
        self._outbox = SendQueue()
        self._stirred = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """There is a connection."""
        return any(wire.is_open for wire in self.wires)

    def put(self, item: Item) -> None:
        """Have something said as soon as it can be."""
        self._outbox.put(item)
        self._stirred.set()

    @property
    def heard_at(self) -> Instant:
        """When the last sign of life came."""
        if not self.wires:
            return self._heard_at
        silent_s = asyncio.get_running_loop().time() - max(w.heard_s for w in self.wires)
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
        self._heard_at = self.heard_at
        self.wires.remove(wire)
        if not self.is_open:
            self.since = self._now()

    def give_up(self) -> list[Item]:
        """Drop what waits, but for the Ping; returns it."""
        return self._outbox.empty()

    async def write(self) -> None:
        """Say what there is to say, for ever."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            while len(self._outbox) and (wire := self._most_alive()):
                await self._say(wire, self._outbox.take())

    async def _say(self, wire: PeerSocket, item: Item) -> None:
        message = item.envelope.message
        if isinstance(message, Offer):
            if not self._offers.may_write(message):
                return
            self._offers.write(message)
        await wire.send(item.frame)

    def _most_alive(self) -> PeerSocket | None:
        wires = [wire for wire in self.wires if wire.is_open]
        return max(wires, key=lambda wire: wire.heard_s, default=None)
