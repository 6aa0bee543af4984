"""The port of the other hosts, and its types.

Delivery is best effort: a message may be lost, duplicated, delayed or reordered. The sender's host
repeats an important message until it gets a reply.

Source: docs/cluster-protocol.md, "Between hosts".
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import field
from typing import Final, NamedTuple, Protocol

from floe.model.ids import HostId, Instant, StoreId
from floe.model.nouns import dataclass
from floe.model.peer_message import Envelope

FRAME_MAX: Final = 16 * 1024 * 1024
"""Bytes of one frame: the largest message is an Offer, with values (1 MiB) and a compiled flow."""

TOKEN: Final = "X-Floe-Cluster"  # noqa: S105  # the name of the header, not what is in it
BY: Final = "X-Floe-By"
"""Header with the user for whom a host relays a request, percent-encoded. Counts only with the
cluster's token."""
RELAYED: Final = "X-Floe-Relayed"
"""Header with the name of the relaying host."""


class Protocols(NamedTuple):
    """The protocol versions that a floe supports."""

    lowest: int
    highest: int

    def __str__(self) -> str:
        return str(self.lowest) if self.lowest == self.highest else f"{self.lowest}-{self.highest}"

    def common(self, other: "Protocols") -> int | None:
        """The highest common version; None if there is none."""
        highest = min(self.highest, other.highest)
        return highest if highest >= max(self.lowest, other.lowest) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The identity of one end of a connection between peers."""

    host: HostId
    store: StoreId
    process: str
    """Random, created with the process: distinguishes a host's own URL from a copy of the host."""
    version: str
    """Of floe, for people."""
    protocols: Protocols


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a peer: of one configured URL, or of a peer that called and is at none."""

    url: str
    """As configured; empty for a caller."""
    caller: str = ""
    """A refused caller: `h2 at 10.0.0.7`, its address alone if it did not identify itself, or the
    `host@store` that it gave."""
    host: HostId | None = None
    """The host that replied there last; None if there never was one."""
    store: StoreId | None = None
    version: str = ""
    protocol: int = 0
    """The common version; 0 if none was agreed on."""
    is_self: bool = False
    """The URL leads to this host. Nothing is sent there, and this is no problem."""
    is_open: bool = False
    """The connection is open."""
    since: Instant | None = None
    """Since when it is open, or closed."""
    received_at: Instant | None = None
    """The time of the last message from there."""
    problem: str = ""
    """The problem, as a sentence; empty if there is none."""


def doubled(seen: Iterable[Seen]) -> Mapping[HostId, frozenset[StoreId]]:
    """The names that two peers use, with their stores: these peers get no runs."""
    stores: dict[HostId, set[StoreId]] = {}
    for one in seen:
        if one.is_open and one.host and one.store:
            stores.setdefault(one.host, set()).add(one.store)
    return {host: frozenset(found) for host, found in stores.items() if len(found) > 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to this host's API that is relayed to another host."""

    method: str
    path: str
    """Below the base-url, percent-encoded, with its query."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    by: str
    """The requesting user, as runs record it."""


class Answer(Protocol):
    """The reply of another host to a relayed request, as it arrives."""

    status: int
    headers: Mapping[str, str]
    """Headers about the content, without those between the two hosts."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, piece by piece; at least one per second, empty if no data came.

        Raises ConnectionError if it breaks off: the body is then incomplete.
        """
        ...


class Socket(Protocol):
    """A websocket between peers that the server has opened, reduced to its frames."""

    async def send(self, frame: bytes) -> None:
        """Write a frame; waits while the other end is slow. Raises ConnectionError."""
        ...

    async def ping(self) -> None:
        """Send a ping, and answer the last one received. Raises ConnectionError."""
        ...

    async def receive(self) -> bytes | None:
        """The next frame; empty for a ping or pong, None at the end.

        It writes nothing: two ends that both wait to write would stop reading.
        """
        ...

    async def close(self, why: str = "") -> None:
        """Close the connection with a reason. Idempotent, and never raises."""
        ...


OnEnvelope = Callable[[Envelope], None]
Offered = Collection[tuple[str, int]]
"""Keys of runs, with the epoch of their offer."""


class Peers(Protocol):
    """The port for peers. Every method but `relay` and `carry` returns at once."""

    def open(
        self, me: Hello, on_envelope: OnEnvelope, unsent: OnEnvelope, sent: Offered = ()
    ) -> None:
        """Start to connect and to accept connections, in a running loop.

        `on_envelope` gets each message that arrives, in the loop's thread; it must not raise.
        `unsent` gets an Offer that was not sent and never will be under its epoch: the connection
        failed, and this process never wrote a byte of it. `sent`: offers that an earlier process
        may have written; they are never reported as unsent.
        """
        ...

    async def close(self) -> None:
        """Close all connections. Idempotent; may be called before `open`."""
        ...

    def send(self, envelope: Envelope) -> None:
        """Send a message to one host, or to all known hosts (`to_host` None). Never blocks.

        If a host is away or slow, its oldest messages are dropped, and a Ping replaces a queued
        one.
        """
        ...

    def seen(self) -> tuple[Seen, ...]:
        """Each configured URL in order, then callers that are at none of them."""
        ...

    def relay(self, host: HostId, request: Request) -> AbstractAsyncContextManager[Answer]:
        """Let another host answer a request. Raises HostAway, Theirs."""
        ...

    def greet(self, headers: Mapping[str, str]) -> Hello:
        """The identity of a caller, from the headers of its handshake. Raises Yours."""
        ...

    async def carry(self, caller: Hello, socket: Socket, address: str) -> None:
        """Identify this host, and exchange messages with a caller until either end closes.

        A refused caller gets the reason.
        """
        ...

    def turned_away(self, headers: Mapping[str, str], address: str, why: str) -> None:
        """Report that a caller was refused; logged once per name and address, not per attempt.

        `headers` as for `greet`: hosts may share an address, and only one of them be wrong.
        """
        ...
