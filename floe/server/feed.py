"""The feed over a websocket: every fact as it is recorded, and the output that was asked for.

Three tasks serve a client: one sends facts, one sends output, one listens. What a client does not
take waits in its own bounded queue at the hub; a client that stays too slow is closed with the
position it may resume from, and nobody else notices.
"""

import asyncio
import codecs
from typing import Final, NoReturn

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

import floe
from floe.hub.feed import Lagging, Subscription
from floe.hub.hub import Hub
from floe.model.codec import to_text
from floe.model.errors import FloeError, Yours
from floe.model.refs import RunRef
from floe.server.auth import check_origin
from floe.server.bodies import Fields, parse, query
from floe.server.keys import AUTH, FEEDS, HUB, STOPPING
from floe.server.problems import status_of
from floe.server.tail import POLL_S, Piece, Tail
from floe.server.waits import wait_set

log = structlog.get_logger()

HEARTBEAT_S: Final = 30.0
"""Seconds between pings; a client that does not answer one within half of that is gone."""

LOOK_S: Final = 30.0
"""Seconds between looks at the credentials a client came in with."""

SEND_S: Final = 10.0
"""Seconds a client may take for one frame."""

CLOSE_S: Final = 1.0
"""Seconds a client is given to say good-bye."""

HEARD_MAX: Final = 64 * 1024
"""Bytes of a frame from a client."""

WATCHES_MAX: Final = 32
"""Nodes whose output one client may watch."""

OFFSET_MAX: Final = 2**53
ATTEMPT_MAX: Final = 2**31


class Over(Exception):
    """This client is done with, and why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def serve(request: web.Request) -> web.WebSocketResponse:
    """The live feed; a websocket."""
    check_origin(request)
    fields = query(request)
    after = fields.text("after")
    fields.done()
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, timeout=CLOSE_S, max_msg_size=HEARD_MAX, compress=False
    )
    if not socket.can_prepare(request):
        raise Yours("this address is a websocket", "connect with ws:// or wss://")
    await socket.prepare(request)
    hub = request.app[HUB]
    with request.app[FEEDS].one():
        with hub.feed.subscribe(_position(after)) as subscription:
            try:
                await Client(request, socket, subscription).serve()
            except* Over as group:
                over = next(e for e in group.exceptions if isinstance(e, Over))
        await _close(request, socket, over)
    return socket


def _position(text: str) -> str | None:
    """A position as the feed reads it; what cannot be one is an unknown one."""
    if not text:
        return None
    return text if text.isascii() and text.isdigit() and len(text) < 19 else "?"


async def _close(request: web.Request, socket: web.WebSocketResponse, over: Over) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=over.code, message=over.reason.encode()[:120])
    except (TimeoutError, ConnectionError):
        pass  # it does not even take this; what matters is that the connection ends
    if request.transport is not None:
        request.transport.abort()


class Client:
    """One listener and what it asked for."""

    def __init__(
        self, request: web.Request, socket: web.WebSocketResponse, subscription: Subscription
    ) -> None:
        self._request = request
        self._hub: Hub = request.app[HUB]
        self._socket = socket
        self._subscription = subscription
        self._run: RunRef | None = None
        self._watches: dict[tuple[str, str], Watch] = {}
        self._watching = asyncio.Event()

    async def serve(self) -> NoReturn:
        """Serve until somebody ends it. Raises Over in a group."""
        shape = {"type": "hello", "pos": self._subscription.pos}
        shape |= {"host": self._hub.host.id, "version": floe.__version__}
        async with asyncio.TaskGroup() as tasks:
            await self._send(to_text(shape))
            tasks.create_task(self._tell_facts())
            tasks.create_task(self._tell_outputs())
            tasks.create_task(self._guard())
            await self._listen()
        raise AssertionError("listening ends by Over")

    async def _tell_facts(self) -> None:
        while True:
            try:
                frames = await self._subscription.take()
            except Lagging as error:
                raise self._too_slow() from error
            for frame in frames:
                if frame.run is None or self._run in (None, frame.run):
                    await self._send(frame.text)

    async def _tell_outputs(self) -> None:
        while True:
            await self._watching.wait()
            more = False
            for key, watch in tuple(self._watches.items()):
                try:
                    piece = await watch.tail.read()
                except FloeError as error:
                    self._unwatch(key)
                    await self._complain(error)
                    continue
                more |= await self._tell_output(key, watch, piece)
            await asyncio.sleep(0 if more else POLL_S)

    async def _tell_output(self, key: tuple[str, str], watch: "Watch", piece: Piece) -> bool:
        """Send a piece; say whether there was one. Half a character waits for its other half."""
        text, used = codecs.utf_8_decode(piece.data, "replace", piece.over)
        if self._watches.get(key) is not watch:
            return False  # asked for anew, or not any more, while the file was read
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
            await self._send(to_text(shape))
        if piece.over and not watch.next_attempt(self._hub, piece.attempt):
            self._unwatch(key)
        return bool(text)

    async def _guard(self) -> None:
        stopping, auth = self._request.app[STOPPING], self._request.app[AUTH]
        while not await wait_set(stopping, LOOK_S):
            try:
                auth.caller(self._request)
            except FloeError as error:
                raise Over(WSCloseCode.POLICY_VIOLATION, "log in again") from error
        pos = self._subscription.pos
        raise Over(WSCloseCode.GOING_AWAY, f"this host is stopping; resume after {pos}")

    async def _listen(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                raise Over(WSCloseCode.UNSUPPORTED_DATA, "JSON text is expected")
            try:
                await self._hear(message.data)
            except FloeError as error:
                await self._complain(error)
        raise Over(WSCloseCode.OK, "")

    async def _hear(self, text: str) -> None:
        shape = parse(text.encode())
        if not isinstance(shape, dict):
            raise Yours("a JSON object is expected")
        fields = Fields(shape)
        watch, unwatch = fields.sub("watch"), fields.sub("unwatch")
        new = _watch(self._hub, watch) if "watch" in fields else None
        if "unwatch" in fields:
            self._unwatch((unwatch.text("run", None), unwatch.text("node", None)))
        only = fields.text("run")
        fields.done()
        if "run" in shape:
            self._run = (await self._hub.run(only)).ref if only else None
        if new is not None:
            if len(self._watches) >= WATCHES_MAX and new.key not in self._watches:
                raise Yours(f"a client may watch {WATCHES_MAX} nodes")
            self._watches[new.key] = new
            self._watching.set()

    def _unwatch(self, key: tuple[str, str]) -> None:
        self._watches.pop(key, None)
        if not self._watches:
            self._watching.clear()

    async def _complain(self, error: FloeError) -> None:
        shape = {"type": "error", "status": status_of(error), "detail": str(error)}
        await self._send(to_text({**shape, "hint": error.hint}))

    async def _send(self, text: str) -> None:
        try:
            async with asyncio.timeout(SEND_S):
                await self._socket.send_frame(
                    text.encode(errors="backslashreplace"), WSMsgType.TEXT
                )
        except TimeoutError:
            raise self._too_slow() from None
        except ConnectionError:
            raise Over(WSCloseCode.ABNORMAL_CLOSURE, "") from None

    def _too_slow(self) -> Over:
        pos = self._subscription.pos
        log.info("feed.dropped", peer=self._request.remote, pos=pos)
        return Over(WSCloseCode.TRY_AGAIN_LATER, f"too slow; resume after {pos}")


class Watch:
    """One node whose output a client wants."""

    def __init__(self, hub: Hub, run: str, node: str, attempt: int, offset: int) -> None:
        self.run = run
        self.node = node
        self.key = (run, node)
        self._latest = not attempt
        self.tail = Tail(hub, run, node, attempt=attempt, offset=offset)

    def next_attempt(self, hub: Hub, done: int) -> bool:
        """Go on with the attempt after one that is over; False where none was asked for or done
        is 0: the node is over."""
        if not self._latest or not done:
            return False
        self.tail = Tail(hub, self.run, self.node, least=done + 1)
        return True


def _watch(hub: Hub, fields: Fields) -> Watch:
    return Watch(
        hub,
        fields.text("run", None),
        fields.text("node", None),
        fields.integer("attempt", 0, 1, ATTEMPT_MAX),
        fields.integer("offset", 0, 0, OFFSET_MAX),
    )
