"""One open connection to another host, in either direction: its frames and pings."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Final

import aiohttp

from floe.peers.base import Hello, Socket
from floe.peers.settings import PeerSettings

CLOSE_S: Final = 1.0
"""Seconds that the other end has for its close frame."""


class ClientSocket:
    """A websocket that this host opened."""

    def __init__(self, opened: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = opened
        self._asked: bytes | None = None

    async def send(self, frame: bytes) -> None:
        await self._socket.send_bytes(frame)

    async def ping(self) -> None:
        if (asked := self._asked) is not None:
            self._asked = None
            await self._socket.pong(asked)
        await self._socket.ping()

    async def receive(self) -> bytes | None:
        message = await self._socket.receive()
        match message.type:
            case aiohttp.WSMsgType.BINARY:
                return bytes(message.data)
            case aiohttp.WSMsgType.PING:
                self._asked = bytes(message.data)
                return b""
            case aiohttp.WSMsgType.PONG:
                return b""
            case _:
                return None

    async def close(self, why: str = "") -> None:
        with suppress(OSError, TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(message=why.encode()[:120])
        # A transport whose bytes are never read by the other end would stay open forever.
        if (raw := self._socket.get_extra_info("socket")) is not None:
            with suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)


class PeerSocket:
    """A connection whose other end is known."""

    def __init__(
        self, opened: Socket, other: Hello, settings: PeerSettings, lives: Callable[[], None]
    ) -> None:
        """`lives` is called at the first sign of life."""
        self.other = other
        self.received_s = asyncio.get_running_loop().time()
        """When the last sign of life came, by the loop's clock."""
        self._socket = opened
        self._settings = settings
        self._lives: Callable[[], None] | None = lives
        self._over = asyncio.Event()
        self._why = ""

    @property
    def is_open(self) -> bool:
        """Whether frames may be sent."""
        return not self._over.is_set()

    async def frames(self) -> AsyncIterator[bytes]:
        """Receive frames until either end closes, with pings in between."""
        while self.is_open:
            try:
                async with asyncio.timeout(self._settings.silence_s):
                    frame = await self._socket.receive()
            except TimeoutError:
                self.end(f"silent for {self._settings.silence_s:g} s")
                return
            except (OSError, aiohttp.ClientError):
                frame = None
            if frame is None:
                self.end("")
                return
            self.received_s = asyncio.get_running_loop().time()
            if (lives := self._lives) is not None:
                self._lives = None
                lives()
            if frame:
                yield frame

    async def live(self) -> None:
        """Send pings until the connection is over."""
        while self.is_open:
            await self._write(self._socket.ping())
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.ping_s):
                    await self._over.wait()

    async def send(self, frame: bytes) -> bool:
        """Write a frame; False if the connection ended instead."""
        return self.is_open and await self._write(self._socket.send(frame))

    async def over(self) -> str:
        """Wait for the end; returns its reason."""
        await self._over.wait()
        return self._why

    def end(self, why: str) -> None:
        """End the connection; the first reason counts."""
        self._why = self._why or why
        self._over.set()

    async def close(self) -> None:
        """Release the connection."""
        self.end("")
        await self._socket.close(self._why)

    async def _write(self, writing: Coroutine[object, object, None]) -> bool:
        try:
            async with asyncio.timeout(self._settings.silence_s):
                await writing
        except TimeoutError:
            self.end(f"reads nothing for {self._settings.silence_s:g} s")
        except (OSError, aiohttp.ClientError):
            self.end("")
        return self.is_open
