"""Opening a websocket."""

from aiohttp import web

from floe.model.errors import Yours


async def shake_hands(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Make a request a websocket. Raises Yours where it is none that can be."""
    try:
        is_ready = bool(socket.can_prepare(request))
    except ValueError:  # a key that is no ASCII
        is_ready = False
    if not is_ready:
        raise Yours("this address is a websocket", "connect with ws:// or wss://")
    await socket.prepare(request)
