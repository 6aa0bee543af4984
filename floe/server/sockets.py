"""Websockets: opening one, and the frames sent over it."""

import functools
from typing import Final

from aiohttp import web

from floe.model.errors import Yours

KEPT_CHARS: Final = 8 * 1024
"""Longer frames are not kept: most are output, which one client gets."""


async def shake_hands(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Turn a request into a websocket. Raises Yours if it is not a valid handshake."""
    try:
        is_ready = bool(socket.can_prepare(request))
    except ValueError:  # a key that is not ASCII
        is_ready = False
    if not is_ready:
        raise Yours("this address is a websocket", "connect with ws:// or wss://")
    await socket.prepare(request)


def framed(text: str) -> bytes:
    """A text as a websocket frame, made once for all clients if it is short."""
    return _kept(text) if len(text) <= KEPT_CHARS else _frame(text)


def framed_all(texts: tuple[str, ...]) -> bytes:
    """Texts as websocket frames in a row, made once for all clients: most get the same."""
    return framed(texts[0]) if len(texts) == 1 else _joined(texts)


@functools.lru_cache(maxsize=8)
def _joined(texts: tuple[str, ...]) -> bytes:
    return b"".join(map(framed, texts))


def _frame(text: str) -> bytes:
    """Source: RFC 6455, 5.2: final, text; a server does not mask."""
    data = text.encode(errors="backslashreplace")
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + data
    return b"\x81\x7f" + size.to_bytes(8, "big") + data


_kept = functools.lru_cache(maxsize=1024)(_frame)
