"""The address that other hosts connect to: a websocket for messages between hosts."""

import asyncio
import socket
from contextlib import suppress
from typing import Final

from aiohttp import web
from aiohttp.http import WSMsgType

from floe.model.errors import Conflict
from floe.peers.base import FRAME_MAX
from floe.server.app_keys import PEERS, STOPPING
from floe.server.fields import query
from floe.server.sockets import shake_hands

CLOSE_S: Final = 1.0
"""Seconds that the other end has for its close frame."""


async def serve(request: web.Request) -> web.WebSocketResponse:
    """Serve a peer that calls: a websocket for its messages, as msgpack."""
    query(request).done()
    peers = request.app.get(PEERS)
    if peers is None:
        raise Conflict("this host is not in a cluster")
    caller = peers.greet(request.headers)
    opened = web.WebSocketResponse(
        autoping=False, autoclose=False, max_msg_size=FRAME_MAX, compress=False, timeout=CLOSE_S
    )
    await shake_hands(request, opened)
    wire = ServedPeer(opened)
    try:
        async with asyncio.TaskGroup() as tasks:
            stop = tasks.create_task(_close_at(request.app[STOPPING], wire))
            await peers.carry(caller, wire, request.remote or "")
            stop.cancel()
    finally:
        await wire.close()
    return opened


async def _close_at(stopping: asyncio.Event, wire: "ServedPeer") -> None:
    await stopping.wait()
    await wire.close("this host is stopping")


class ServedPeer:
    """A websocket that a peer opened at the server."""

    def __init__(self, opened: web.WebSocketResponse) -> None:
        self._socket = opened
        self._asked: bytes | None = None

    async def send(self, frame: bytes) -> None:
        """Write a frame to the peer."""
        await self._socket.send_bytes(frame)

    async def ping(self) -> None:
        """Send the peer a ping, and answer the last one received."""
        if (asked := self._asked) is not None:
            self._asked = None
            await self._socket.pong(asked)
        await self._socket.ping()

    async def receive(self) -> bytes | None:
        """The peer's next frame; empty for a ping or pong, None at the end."""
        message = await self._socket.receive()
        match message.type:
            case WSMsgType.BINARY:
                return bytes(message.data)
            case WSMsgType.PING:
                self._asked = bytes(message.data)
                return b""
            case WSMsgType.PONG:
                return b""
            case _:
                return None

    async def close(self, why: str = "") -> None:
        """Close the connection to the peer with a reason."""
        raw = self._socket.get_extra_info("socket")
        with suppress(OSError, RuntimeError):
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(message=why.encode()[:120])
        if raw is not None:  # it would stay open forever if its bytes are never read
            with suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)
