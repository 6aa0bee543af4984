"""The feed over a websocket: every event as it is recorded, and the requested output.

Three tasks serve a client: one sends events, one sends output, one receives. Frames that a client
does not read wait in its own bounded queue at the hub. A client that stays too slow is closed with
the position from which it can resume; other clients are not affected.
"""

import asyncio
import codecs
import functools
from typing import Final, NoReturn

import structlog
from aiohttp import web
from aiohttp.http import WSCloseCode, WSMsgType

import floe
from floe.feed.item_frames import merged, pause_s
from floe.feed.listener import Listening
from floe.feed.subscription import SubscriptionLagging
from floe.hub.hub import Hub
from floe.model.codec import to_text
from floe.model.errors import Denied, FloeError, HostAway, Yours
from floe.model.ids import RunRef
from floe.server.app_keys import AUTH, CALLER, FEEDS, HUB, PEERS, STOPPING
from floe.server.auth import header_token
from floe.server.bodies import parse
from floe.server.fields import Fields, query
from floe.server.logs import ATTEMPT_MAX, OFFSET_MAX
from floe.server.origin import check_origin
from floe.server.problems import status_of
from floe.server.remote_tail import RemoteTail
from floe.server.sockets import framed_all, shake_hands
from floe.server.tail import POLL_S, Tail, TailPiece
from floe.server.watch import MakeTail, OutputWatch, WatchKey, key_in

log = structlog.get_logger()

HEARTBEAT_S: Final = 30.0
"""Seconds between pings; a client that does not reply within half of that is gone."""

CHECK_S: Final = 30.0
"""Seconds between checks of the client's credentials; a revocation takes effect at once."""

SEND_S: Final = 10.0
"""Seconds a client may take for one frame."""

FRAMES_MAX: Final = 100
"""Frames of one write."""

CLOSE_S: Final = 1.0
"""Seconds that a client has for its close frame."""

REASON_MAX: Final = 120
"""Bytes of a close reason (RFC 6455, 5.5: 125 with its code)."""

MESSAGE_BYTES_MAX: Final = 64 * 1024
"""Bytes of a frame from a client."""

WATCHES_MAX: Final = 32
"""Nodes whose output one client may watch."""


class Over(Exception):
    """The feed of this client must end, with the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def serve(request: web.Request) -> web.WebSocketResponse:
    """The live feed; a websocket."""
    # A page always sends Origin with a websocket, and cannot send a token in a header.
    if "Origin" in request.headers or not header_token(request):
        check_origin(request)
    fields = query(request)
    after, _ = fields.text("after"), fields.text("page")  # the page's key: see check_origin
    fields.done()
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, timeout=CLOSE_S, max_msg_size=MESSAGE_BYTES_MAX, compress=False
    )
    await shake_hands(request, socket)
    hub = request.app[HUB]
    with request.app[FEEDS].one():
        with hub.reads.listen(after or None) as subscription:
            try:
                await FeedClient(request, socket, subscription).serve()
            except* Over as group:
                over = next(e for e in group.exceptions if isinstance(e, Over))
        await _close(request, socket, over)
    return socket


async def _close(request: web.Request, socket: web.WebSocketResponse, over: Over) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=over.code, message=over.reason.encode()[:REASON_MAX])
    except (TimeoutError, ConnectionError):
        pass  # it does not read even this; the connection ends anyway
    if request.transport is not None:
        request.transport.abort()


class FeedClient:
    """One listener and its requests."""

    def __init__(
        self, request: web.Request, socket: web.WebSocketResponse, subscription: Listening
    ) -> None:
        self._request = request
        self._hub: Hub = request.app[HUB]
        self._socket = socket
        self._subscription = subscription
        self._run: RunRef | None = None
        self._watches: dict[WatchKey, OutputWatch] = {}
        self._watching = asyncio.Event()

    async def serve(self) -> NoReturn:
        """Serve until the connection ends. Raises Over in a group."""
        shape = {"type": "hello", "pos": self._subscription.pos}
        shape |= {"host": self._hub.reads.host, "version": floe.__version__}
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await self._send(to_text(shape))
            tasks.create_task(self._subscription.follow())
            tasks.create_task(self._send_events())
            tasks.create_task(self._send_outputs())
            tasks.create_task(self._end_with_credentials())
            tasks.create_task(self._wait_stopping())
            await self._listen()
        raise AssertionError("receiving ends by Over")

    async def _send_events(self) -> None:
        while True:
            try:
                frames = await self._subscription.take()
            except SubscriptionLagging as error:
                raise self._too_slow() from error
            wanted = merged([f for f in frames if self._run in (None, f.run) or not f.run])
            for start in range(0, len(wanted), FRAMES_MAX):
                await self._send(*[frame.text for frame in wanted[start : start + FRAMES_MAX]])
            if pause := pause_s(wanted):
                await asyncio.sleep(pause)

    async def _send_outputs(self) -> None:
        while True:
            await self._watching.wait()
            more = False
            for key, watch in tuple(self._watches.items()):
                try:
                    piece = await watch.tail.read()
                except HostAway:
                    await self._follow_elsewhere(key, watch)
                    continue
                except FloeError as error:
                    self._unwatch(key)
                    await self._complain(error)
                    continue
                more |= await self._send_output(key, watch, piece)
            await asyncio.sleep(0 if more else POLL_S)

    async def _follow_elsewhere(self, key: WatchKey, watch: OutputWatch) -> None:
        """Follow the run to its host: it was watched before a host had it."""
        make = await self._tails(watch.run, watch.node)
        if self._watches.get(key) is watch:
            watch.move(self._tasks, make)

    async def _send_output(self, key: WatchKey, watch: OutputWatch, piece: TailPiece) -> bool:
        """Send a piece; return whether there was one. Half a character waits for its other half."""
        text, used = codecs.utf_8_decode(piece.data, "replace", piece.over)
        if self._watches.get(key) is not watch:
            return False  # requested again, or cancelled, while the file was read
        if text or (piece.over and piece.attempt):
            watch.tail.advance(used)
            shape = {
                "type": "output",
                "run": watch.run,
                "node": watch.node,
                "attempt": piece.attempt,
                "offset": piece.offset,
                "end": piece.offset + used,
                "text": text,
                "live": not piece.over,
            }
            shape |= watch.named(piece)
            await self._send(to_text(shape))
        if piece.over and not watch.next_attempt(self._tasks, piece.attempt):
            self._unwatch(key)
        return bool(text)

    async def _end_with_credentials(self) -> NoReturn:
        auth, caller = self._request.app[AUTH], self._request[CALLER]
        while True:
            await auth.tokens.wait_ended(CHECK_S)
            try:
                auth.check(caller)
            except Denied as error:
                raise Over(WSCloseCode.POLICY_VIOLATION, "log in again") from error

    async def _wait_stopping(self) -> NoReturn:
        await self._request.app[STOPPING].wait()
        pos = self._subscription.pos
        raise Over(WSCloseCode.GOING_AWAY, _resumable("this host is stopping", pos))

    async def _listen(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                raise Over(WSCloseCode.UNSUPPORTED_DATA, "JSON text is expected")
            try:
                await self._receive(message.data)
            except FloeError as error:
                await self._complain(error)
        raise Over(WSCloseCode.OK, "")

    async def _receive(self, text: str) -> None:
        shape = parse(text.encode())
        if not isinstance(shape, dict):
            raise Yours("a JSON object is expected")
        fields = Fields(shape)
        watch, unwatch = fields.sub("watch"), fields.sub("unwatch")
        new = await self._watch(watch) if "watch" in fields else None
        if "unwatch" in fields:
            self._unwatch(key_in(unwatch))
        only = fields.text("run")
        fields.done()
        if "run" in shape:
            self._run = await self._known(only) if only else None
        if new is not None:
            if len(self._watches) >= WATCHES_MAX and new.key not in self._watches:
                raise Yours(f"a client may watch {WATCHES_MAX} nodes")
            self._unwatch(new.key)
            self._watches[new.key] = new
            new.begin(self._tasks)
            self._watching.set()

    async def _watch(self, fields: Fields) -> OutputWatch:
        run, node, item = key_in(fields)
        wanted = {
            "visit": fields.integer("visit", 0, 1, ATTEMPT_MAX),
            "attempt": fields.integer("attempt", 0, 1, ATTEMPT_MAX),
            "offset": fields.integer("offset", 0, 0, OFFSET_MAX),
            "item": item,
        }
        return OutputWatch(run, node, await self._tails(run, node), wanted)

    async def _tails(self, run: str, node: str) -> MakeTail:
        """Creates tails of a node's output, at the host that has the run. Raises IdInvalid."""
        found = await self._hub.reads.find(run)
        if found.host is None:
            return functools.partial(Tail, self._hub, found.ref.key, node)
        by, peers = self._request[CALLER].by, self._request.app.get(PEERS)
        assert peers is not None, "only in a cluster can a different host have a run"
        return functools.partial(RemoteTail, peers, found.host, found.ref, node, by=by)

    async def _known(self, run: str) -> RunRef:
        """A run of any host by its name; a run of another host may still be unknown here.

        Raises IdInvalid, NotFound.
        """
        found = await self._hub.reads.find(run)
        if found.host is None:
            await self._hub.reads.summary(found.ref)
        return found.ref

    def _unwatch(self, key: WatchKey) -> None:
        if watch := self._watches.pop(key, None):
            watch.end()
        if not self._watches:
            self._watching.clear()

    async def _complain(self, error: FloeError) -> None:
        shape = {"type": "error", "status": status_of(error), "detail": str(error)}
        await self._send(to_text({**shape, "hint": error.hint}))

    async def _send(self, *texts: str) -> None:
        """Send frames in one write: one system call for many."""
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise Over(WSCloseCode.ABNORMAL_CLOSURE, "")
        transport.write(framed_all(texts))
        try:
            async with asyncio.timeout(SEND_S):
                await self._request.writer.drain()
        except TimeoutError:
            raise self._too_slow() from None
        except ConnectionError:
            raise Over(WSCloseCode.ABNORMAL_CLOSURE, "") from None

    def _too_slow(self) -> Over:
        pos = self._subscription.pos
        log.info("feed.dropped", peer=self._request.remote, pos=pos)
        return Over(WSCloseCode.TRY_AGAIN_LATER, _resumable("too slow", pos))


def _resumable(why: str, pos: str) -> str:
    """The reason for closing, with the position to resume from if it fits."""
    whole = f"{why}; resume after {pos}"
    return whole if len(whole) <= REASON_MAX else f"{why}; resume after your last position"
