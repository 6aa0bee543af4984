"""One configured URL: floe connects to it again and again, with growing delays."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import aiohttp
import structlog

from floe.model.errors import FloeError
from floe.model.ids import Instant
from floe.peers.base import FRAME_MAX, TOKEN, Hello
from floe.peers.peer_frames import headers_of, unpack_hello
from floe.peers.peer_problems import NotFloe, PeerProblems, is_refused, mismatch, problem_sentence
from floe.peers.settings import PeerSettings
from floe.peers.sockets import ClientSocket

log = structlog.get_logger()

PATH: Final = "peer/ws"
"""Path of the websocket, below the base-url."""

JITTER: Final = 0.25

Carry = Callable[[Hello, ClientSocket, Callable[[], None]], Awaitable[str]]
"""Exchanges messages until the connection ends, reports its first sign of life, and returns the
problem."""


class Link:
    """Keeps one connection to the host at a URL."""

    def __init__(
        self,
        url: str,
        me: Hello,
        settings: PeerSettings,
        problems: PeerProblems,
        now: Callable[[], Instant],
    ) -> None:
        self.url = url
        self.other: Hello | None = None
        """The host that replied last."""
        self.is_self = False
        self.is_open = False
        self.since = now()
        self._me = me
        self._settings = settings
        self._problems = problems
        self._now = now
        self._wanted = asyncio.Event()
        self._tries = 0
        self._is_doubtful = False
        self._proof: asyncio.TimerHandle | None = None

    def want(self) -> None:
        """A message is queued: shorten the delay."""
        if not self.is_self:
            self._wanted.set()

    def renew(self) -> None:
        """A host may be starting there: begin again with the shortest delay."""
        self._tries = 0
        self.want()

    async def keep(
        self,
        session: aiohttp.ClientSession,
        carry: Carry,
        failed: Callable[["Link"], None],
    ) -> None:
        """Connect and let the connection be carried to its end, forever.

        `failed` is called if no connection was established.
        """
        while True:
            error: BaseException | None = None
            try:
                await self._visit(session, carry)
            except (aiohttp.ClientError, OSError, FloeError) as caught:
                error = caught
            except Exception as caught:  # the border of connections: a link always continues
                log.exception("peer.call_failed", url=self.url)
                error = caught
            self._is(open=False)
            if error is not None:
                if self._tries or not is_refused(error):  # at first the host may be starting
                    self._problems.begin(self.url, problem_sentence(error))
                failed(self)
            await self._rest()

    async def _visit(
        self,
        session: aiohttp.ClientSession,
        carry: Carry,
    ) -> None:
        self._wanted.clear()
        async with asyncio.timeout(self._settings.connect_s):
            socket, other = await self._call(session)
        try:
            if self._meets(other):
                self._is(open=True)
                if why := await carry(other, socket, self._lives):
                    self._is_doubtful = True
                    self._problems.begin(self.url, why)
        finally:
            if self._proof is not None:
                self._proof.cancel()
            await socket.close()

    async def _call(self, session: aiohttp.ClientSession) -> tuple[ClientSocket, Hello]:
        api = self._settings.api(self.url)
        opened = await session.ws_connect(
            f"{api}/{PATH}",
            headers={TOKEN: self._settings.token.reveal(), **headers_of(self._me)},
            max_msg_size=FRAME_MAX,
            autoping=False,
            autoclose=False,
        )
        socket = ClientSocket(opened)
        try:
            return socket, _hello(await socket.receive())
        except BaseException:
            await socket.close()
            raise

    def _meets(self, other: Hello) -> bool:
        """Record the host that replied; return whether to exchange messages with it."""
        self.other = other
        self.is_self = is_self(other, self._me)
        why = link_objection(other, self._me)
        if why:
            self._problems.begin(self.url, why)
        if self.is_self:
            self._lives()
        return not why and not self.is_self

    def _lives(self) -> None:
        """The peer sent its first frame.

        After an earlier failure, require the connection to survive `silence_s` before clearing the
        problem.
        """
        if self._is_doubtful:
            loop = asyncio.get_running_loop()
            self._proof = loop.call_later(self._settings.silence_s, self._is_well)
        else:
            self._is_well()

    def _is_well(self) -> None:
        self._tries, self._is_doubtful = 0, False
        self._problems.end(self.url)

    def _is(self, *, open: bool) -> None:
        if self.is_open != open:
            self.is_open, self.since = open, self._now()

    async def _rest(self) -> None:
        settings = self._settings
        if self.is_self:
            await asyncio.sleep(settings.self_s)
            return
        patience = min(settings.backoff_max_s, settings.backoff_first_s * 2.0**self._tries)
        self._tries = min(self._tries + 1, 16)
        first = settings.backoff_first_s
        await asyncio.sleep(_jittered(first))
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, _jittered(patience) - first)):
                await self._wanted.wait()


def _hello(frame: bytes | None) -> Hello:
    if not frame:
        raise NotFloe("it opens a websocket and does not identify itself")
    try:
        return unpack_hello(frame)
    except FloeError as error:
        raise NotFloe(str(error)) from None


def is_self(other: Hello, me: Hello) -> bool:
    """Whether the other end of a link is this host itself."""
    return (other.host, other.process) == (me.host, me.process)


def link_objection(other: Hello, me: Hello) -> str:
    """Why there must be no link to a host; empty if there is no reason."""
    if is_self(other, me):
        return ""
    if other.host == me.host and other.store == me.store:
        return f"is {other.host} with a copy of this host's store: stop one of the two"
    if other.host == me.host:
        return f"is named {other.host}, like this host: give one a different -host_name"
    if me.protocols.common(other.protocols) is None:
        return mismatch(other.protocols, me.protocols)
    return ""


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # not a secret
