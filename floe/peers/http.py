"""The other hosts over HTTP: one websocket in each direction, and relayed requests.

Rules of this file: methods never wait, only tasks do; the name and store of a host are those it
sends itself; a URL is only an address to try.

Source: docs/cluster-protocol.md, "Between hosts".
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

import aiohttp
import structlog

from floe.model.errors import FloeError, Theirs, Yours
from floe.model.ids import HostId, Instant, address_key
from floe.model.peer_message import Envelope, Offer, Ping
from floe.peers.base import (
    Answer,
    Hello,
    Offered,
    OnEnvelope,
    Request,
    Seen,
    Socket,
    doubled,
)
from floe.peers.hosts import HostAddress, OtherHost, address_in
from floe.peers.links import Link, is_self, link_objection
from floe.peers.offers import Offers
from floe.peers.peer_frames import pack, pack_hello, read_hello, unpack
from floe.peers.peer_problems import NotFloe, PeerProblems
from floe.peers.relays import Relays
from floe.peers.send_queue import QueuedItem
from floe.peers.settings import PROTOCOLS, PeerSettings
from floe.peers.sockets import PeerSocket
from floe.peers.status import seen, twice
from floe.trust import certificates

log = structlog.get_logger()

IDLE_S: Final = 30.0
"""Seconds that an idle connection for relayed requests is kept."""


def wall_now() -> Instant:
    """For peers over http: the time of this machine."""
    return Instant(time.time_ns() // 1_000_000)


class HttpPeers:
    """The other hosts of a cluster."""

    def __init__(self, settings: PeerSettings, now: Callable[[], Instant] = wall_now) -> None:
        self._settings = settings
        self._now = now
        self._problems = PeerProblems()
        self._names = PeerProblems()
        self._doubled: frozenset[HostId] = frozenset()
        self._others: dict[HostAddress, OtherHost] = {}
        self._writers: dict[HostAddress, asyncio.Task[None]] = {}
        self._links: list[Link] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._me: Hello | None = None
        self._session: aiohttp.ClientSession | None = None
        self._ping: QueuedItem | None = None
        self._offers = Offers()
        self._relays = Relays(settings, self._contact)

    # --- life ---

    def open(
        self, me: Hello, on_envelope: OnEnvelope, unsent: OnEnvelope, sent: Offered = ()
    ) -> None:
        """Start to connect and to accept connections."""
        assert self._session is None, "it is opened once"
        self._me, self._on_envelope, self._unsent = me, on_envelope, unsent
        self._offers = Offers(sent)
        settings = self._settings
        is_secure = any(url.startswith("https:") for url in settings.urls)
        tls = settings.tls or (certificates() if is_secure else True)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls, limit=0, keepalive_timeout=IDLE_S),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_stay,),
            auto_decompress=False,
        )
        self._relays.open(self._session, me, self._links)
        for url in settings.urls:
            link = Link(url, me, settings, self._problems, self._now)
            self._links.append(link)
            self._spawn(link.keep(self._session, self._carried, self._failed))

    async def close(self) -> None:
        """Close all connections. Idempotent; may be called before `open`."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._session is not None:
            await self._session.close()
        self._me = None

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("peer.failed", exc_info=error)

    # --- messages ---

    def send(self, envelope: Envelope) -> None:
        """Send a message to one host or to all."""
        if self._me is None:
            return
        try:
            item = QueuedItem(envelope, pack(envelope))
        except (ValueError, OverflowError, TypeError):
            log.exception("peer.message_not_sent", message=type(envelope.message).__name__)
            return
        if envelope.to_host is None and isinstance(envelope.message, Ping):
            self._ping = item  # a host that is met later gets it at once
        for other in self._addressed(envelope):
            other.put(item)
            if not other.is_open:
                self._want(other)

    def _addressed(self, envelope: Envelope) -> list[OtherHost]:
        """The receivers of a message: if a host lost its store, the new one replies that it did."""
        if envelope.to_host is None:
            return list(self._others.values())
        of_host = [o for name, o in self._others.items() if name.host == envelope.to_host]
        open = [o for o in of_host if o.is_open]
        exact = [o for o in of_host if o.name.store == envelope.to_store]
        exact_open = [o for o in exact if o.is_open]
        if exact_open:
            return exact_open
        if envelope.to_store is None and open:
            return open
        return open[:1] or exact or of_host[-1:]

    def _want(self, other: OtherHost) -> None:
        for link in self._links_to(other):
            link.want()

    def _links_to(self, other: OtherHost) -> Iterator[Link]:
        return (link for link in self._links if link.other and address_in(link.other) == other.name)

    def _failed(self, link: Link) -> None:
        """No host is there: the queue is dropped, and offers in it may go elsewhere.

        It makes no difference whether the connection was refused or timed out: an offer that was
        never written is nowhere.
        """
        other = self._others.get(address_in(link.other)) if link.other else None
        if other is None or other.is_open:
            return
        dropped = [i.envelope for i in other.give_up()]
        offers = [e.message for e in dropped if isinstance(e.message, Offer)]
        unsent = self._offers.unsent(offers)
        for envelope in dropped:
            if envelope.message in unsent:
                self._unsent(envelope)

    # --- connections ---

    def greet(self, headers: Mapping[str, str]) -> Hello:
        """The identity of a caller. Raises Yours."""
        try:
            return read_hello(headers)
        except Theirs as error:
            raise Yours(error.what) from None

    def turned_away(self, headers: Mapping[str, str], address: str, why: str) -> None:
        """Report that a caller from an address was refused."""
        try:
            self._problems.begin(_at(self.greet(headers), address), why)
        except Yours:
            self._problems.begin(address, why)

    async def carry(self, caller: Hello, socket: Socket, address: str) -> None:
        """Identify this host, and exchange messages with a caller."""
        if self._me is None:
            await socket.close("this host is starting or stopping")
            return
        self._problems.end(_at(caller, address))
        key = address_key(caller.host, caller.store)
        try:
            async with asyncio.timeout(self._settings.connect_s):
                await socket.send(pack_hello(self._me))
        except (OSError, aiohttp.ClientError):  # it hung up, or does not read
            await socket.close()
            return
        why = link_objection(caller, self._me)
        if why:
            self._problems.begin(key, why)
            await socket.close(why)
        elif not is_self(caller, self._me):
            await self._carried(caller, socket, lambda: self._problems.end(key))

    async def _carried(self, hello: Hello, socket: Socket, lives: Callable[[], None]) -> str:
        """Exchange messages until the connection ends; returns the problem, empty if there was
        none."""
        wire = PeerSocket(socket, hello, self._settings, lives)
        other = self._join(wire)
        tasks = [self._spawn(wire.live()), self._spawn(self._listen(wire))]
        try:
            return await wire.over()
        finally:
            for task in tasks:
                task.cancel()
            self._leave(other, wire)
            await wire.close()

    def _join(self, wire: PeerSocket) -> OtherHost:
        name = address_in(wire.other)
        other = self._others.get(name)
        if other is None:
            other = self._others[name] = OtherHost(wire.other, self._offers, self._now)
            self._writers[name] = self._spawn(other.write())
        is_new = not other.is_open
        other.join(wire)
        if is_new:
            if self._ping:
                other.put(self._ping)
            log.info("peer.connected", host=name.host, store=name.store, version=wire.other.version)
            self._judge_names()
            for link in self._links:
                if not link.is_open:  # requests are relayed by URL only, and any may lead to the
                    link.renew()  # caller, which calls before it listens: one try is too few
        return other

    def _leave(self, other: OtherHost, wire: PeerSocket) -> None:
        other.leave(wire)
        if other.wires:
            return
        name = other.name
        log.info("peer.disconnected", host=name.host, store=name.store)
        self._judge_names()
        if not any(self._links_to(other)):  # it called, and has no URL
            del self._others[name]
            self._writers.pop(name).cancel()

    def _judge_names(self) -> None:
        now = doubled(self.seen())
        for host in {*self._doubled, *now}:
            if host in now:
                self._names.begin(host, twice(host, now[host]))
            else:
                self._names.end(host)
        self._doubled = frozenset(now)

    async def _listen(self, wire: PeerSocket) -> None:
        ignored = False
        try:
            async for frame in wire.frames():
                envelope = unpack(frame)
                if envelope is not None and _is_from(envelope, wire.other):
                    self._on_envelope(envelope)
                elif not ignored:
                    ignored = True
                    log.info("peer.message_ignored", host=wire.other.host)
        except FloeError as error:
            wire.end(f"sent {error}")
        finally:
            wire.end("")

    # --- reports ---

    def seen(self) -> tuple[Seen, ...]:
        """Each configured URL, then callers."""
        ours = self._me.protocols if self._me else PROTOCOLS
        return seen(self._links, self._others, self._problems, ours)

    def relay(self, host: HostId, request: Request) -> AbstractAsyncContextManager[Answer]:
        """Let another host answer a request."""
        return self._relays.relay(host, request)

    def _contact(self, host: HostId) -> tuple[bool, Instant | None]:
        others = [other for name, other in self._others.items() if name.host == host]
        times = [other.received_at for other in others]
        return any(other.is_open for other in others), max(times, default=None)


def _at(caller: Hello, address: str) -> str:
    return f"{caller.host} at {address}"


def _is_from(envelope: Envelope, hello: Hello) -> bool:
    return (envelope.from_host, envelope.from_store) == (hello.host, hello.store)


async def _stay(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Follow no redirect: the cluster's token is only for hosts that the config names."""
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise NotFloe(f"it redirects (HTTP {response.status})")
    return response
