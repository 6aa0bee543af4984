"""The port of the other hosts: what every implementation promises, and the nouns it speaks in.

Best effort is all there is: a word may be lost, doubled, late or out of order. What must arrive is
said again by the hub until it is answered.

Source: docs/cluster-protocol.md, "Between hosts".
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from floe.model.message import Envelope
from floe.model.refs import HostId, Instant, StoreId

FRAME_MAX: Final = 16 * 1024 * 1024
"""Bytes of one frame: the largest word is an Offer, with values (1 MiB) and a compiled flow."""

TOKEN: Final = "X-Floe-Cluster"  # noqa: S105  # the name of the header, not what is in it
BY: Final = "X-Floe-By"
"""Percent-encoded: for whom a host passes a request on. Counts with the cluster's token alone."""
RELAYED: Final = "X-Floe-Relayed"
"""Which host passed it on."""


class Protocols(NamedTuple):
    """The numbers of the protocols that a floe speaks, from the lowest to the highest."""

    lowest: int
    highest: int

    def __str__(self) -> str:
        return str(self.lowest) if self.lowest == self.highest else f"{self.lowest}-{self.highest}"

    def common(self, other: "Protocols") -> int | None:
        """The highest that both speak; None where there is none."""
        highest = min(self.highest, other.highest)
        return highest if highest >= max(self.lowest, other.lowest) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Who one end of a connection is."""

    host: HostId
    store: StoreId
    process: str
    """Random, made with the process: tells a host that calls itself from a copy of it."""
    version: str
    """Of floe, for people."""
    protocols: Protocols


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of one configured URL, or of a host that called and is at none."""

    url: str
    """As configured; empty for who called."""
    caller: str = ""
    """Of who called and is not spoken with: `h2 at 10.0.0.7` where it was turned away, its address
    alone where it did not say who it is, or the `host@store` that it named."""
    host: HostId | None = None
    """Who answered there last; None where nobody ever did."""
    store: StoreId | None = None
    version: str = ""
    protocol: int = 0
    """That both speak; 0 where none was agreed on."""
    is_self: bool = False
    """The URL leads to this host. Nothing is sent there, and nothing is wrong."""
    is_open: bool = False
    """Words go there now."""
    since: Instant | None = None
    """Since when it is open, or is not."""
    heard_at: Instant | None = None
    """When the last word came from there."""
    problem: str = ""
    """What is wrong, as a sentence; empty for nothing."""


def doubled(seen: Iterable[Seen]) -> Mapping[HostId, frozenset[StoreId]]:
    """Hosts that are there twice now, with their stores: nothing may be placed on them."""
    stores: dict[HostId, set[StoreId]] = {}
    for one in seen:
        if one.is_open and one.host and one.store:
            stores.setdefault(one.host, set()).add(one.store)
    return {host: frozenset(found) for host, found in stores.items() if len(found) > 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to this host's API that another host is to answer."""

    method: str
    path: str
    """Below the base-url, percent-encoded, with its query."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    by: str
    """Who asks, as runs record it."""


class Answer(Protocol):
    """The other host's answer, as it comes."""

    status: int
    headers: Mapping[str, str]
    """Of the content alone: those between two hosts are left out."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, piece by piece; at least one a second, empty where nothing came.

        Raises ConnectionError where it breaks off: what came is not the whole.
        """
        ...


class Socket(Protocol):
    """A websocket that the server has opened, with the frames that a connection is made of."""

    async def send(self, frame: bytes) -> None:
        """Write a frame; waits while the other end is slow. Raises ConnectionError."""
        ...

    async def ping(self) -> None:
        """Ask for a sign of life, and give the one that was asked for. Raises ConnectionError."""
        ...

    async def receive(self) -> bytes | None:
        """The next frame; empty for a mere sign of life, None at the end.

        It writes nothing: two ends that both wait to write would read no more.
        """
        ...

    async def close(self, why: str = "") -> None:
        """End it, and say why. Idempotent, and never raises."""
        ...


Hear = Callable[[Envelope], None]
Offered = Collection[tuple[str, int]]
"""Runs by key, with the epoch under which they were offered."""


class Peers(Protocol):
    """The other hosts. Every method but `relay` and `carry` returns at once."""

    def open(self, me: Hello, hear: Hear, unsent: Hear, sent: Offered = ()) -> None:
        """Begin to connect and listen, from inside a running loop.

        `hear` gets each word that arrives, in the loop's thread; it must not raise. `unsent` gets
        an Offer that was not sent and never will be under its epoch: no connection came about,
        and no byte of it was ever written by this process. `sent`: offers that an earlier process
        may have written; they are never said to be unsent.
        """
        ...

    async def close(self) -> None:
        """Let go of everything. Idempotent; may be called before `open`."""
        ...

    def send(self, envelope: Envelope) -> None:
        """Say something to one host, or to all that are known (`to_host` None). Never blocks.

        Where a host is away or slow, the oldest words are dropped, and a Ping takes the place of
        one that still waits.
        """
        ...

    def seen(self) -> tuple[Seen, ...]:
        """Each configured URL in order, then hosts that called and are at none of them."""
        ...

    def relay(self, host: HostId, request: Request) -> AbstractAsyncContextManager[Answer]:
        """Have another host answer a request. Raises HostAway, Theirs."""
        ...

    def greet(self, headers: Mapping[str, str]) -> Hello:
        """Who calls, as the headers of its handshake say. Raises Yours."""
        ...

    async def carry(self, caller: Hello, socket: Socket, address: str) -> None:
        """Say who this host is, and speak with a caller until either end is done with it.

        A caller that is not to be spoken with is told why.
        """
        ...

    def turned_away(self, headers: Mapping[str, str], address: str, why: str) -> None:
        """Who calls from an address was refused; said once for each name, not per try.

        `headers` as for `greet`: hosts may share an address, and only one of them be wrong.
        """
        ...
