"""One connection of a client: what comes before a request is known to be one, and how many there
may be over which nobody has shown credentials."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.web_request import BaseRequest

from floe.server.problems import problem

log = structlog.get_logger()

CROWD_MAX: Final = 1024
"""Connections of unknown clients."""

HEAD_MAX: Final = 64 * 1024
"""Bytes of the head of a request: more are not kept of one that is not whole."""

SILENCE_S: Final = 60.0
"""Seconds between two lines in the log about it."""

HEADERS: Final = {
    "Server": "floe",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer."""

DEFAULTS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every answer that does not say otherwise."""

HEAD_END: Final = b"\r\n\r\n"

GARBLED: Final = "this is no request that a server of HTTP/1.1 understands"


def protect(response: web.StreamResponse) -> None:
    """Add the headers that every answer has."""
    response.headers.update(HEADERS)
    for name, value in DEFAULTS.items():
        response.headers.setdefault(name, value)


class Crowd:
    """The connections over which nobody has shown credentials yet: so many. One more, or no file
    left for one, and the oldest is closed.

    The oldest, since whoever means well has an answer within moments: strangers who only hold
    connections open push out one another.
    """

    def __init__(self, at_once: int = CROWD_MAX) -> None:
        self._at_once = at_once
        self._in: dict[Connection, None] = {}
        self._silent_until = 0.0

    def add(self, connection: "Connection") -> None:
        """Take one more in."""
        self._in[connection] = None
        if len(self._in) > self._at_once:
            self.make_room()

    def remove(self, connection: "Connection") -> None:
        """Count one no more. Unknown ones are none."""
        self._in.pop(connection, None)

    def make_room(self) -> bool:
        """Close the oldest; whether there was one."""
        oldest = next(iter(self._in), None)
        if oldest is None:
            return False
        self.remove(oldest)
        if oldest.transport is not None:
            oldest.transport.abort()
        now = asyncio.get_running_loop().time()
        if now >= self._silent_until:
            self._silent_until = now + SILENCE_S
            hint = "if these are no strangers, raise the limit on open files (ulimit -n)"
            log.warning("server.crowded", hint=hint)
        return True


class Connection(web.RequestHandler):
    """Answers what is no request, or none for the application, as floe answers everything."""

    __slots__ = ("_crowd", "_end", "_head_s", "_left", "_timer")

    def __init__(self, server: web.Server, crowd: Crowd, head_s: float, **options: Any) -> None:
        """`head_s`: seconds from the connection to the end of the first request's head."""
        super().__init__(server, **options)
        self._crowd = crowd
        self._head_s = head_s
        self._timer: asyncio.TimerHandle | None = None
        self._left: int | None = HEAD_MAX
        """Bytes that may still come before a head ends; None while the application reads."""
        self._end = b""
        """The last ones: the end of a head may come in two parts."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin among the unknown, and with a limit of time."""
        super().connection_made(transport)
        self._crowd.add(self)
        self._timer = asyncio.get_running_loop().call_later(self._head_s, self.force_close)

    def data_received(self, data: bytes) -> None:
        """Take what comes, and of a head no more than it may have."""
        super().data_received(data)
        if self._left is None:
            return
        last = self._end + data
        self._left, self._end = self._left - len(data), last[1 - len(HEAD_END) :]
        if HEAD_END in last:
            self._left = None
        elif self._left < 0 and self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        self.asked()
        self._crowd.remove(self)
        super().connection_lost(exc)

    def asked(self) -> None:
        """A whole head has come."""
        self._left = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def let_in(self) -> None:
        """Whoever sent it has shown good credentials."""
        self._crowd.remove(self)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer garbage, which is not repeated to whom sent it, and end the connection."""
        super().handle_error(request, status, exc, message)  # has its line in the log
        response = problem(status, GARBLED if status == 400 else "floe made a mistake")
        protect(response)
        response.force_close()
        return response

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; what was raised before the application saw the request, too."""
        if isinstance(resp, web.HTTPException):
            resp = problem(resp.status, resp.text or resp.reason)
            protect(resp)
        if request.content.is_eof():
            self._left, self._end = HEAD_MAX, b""  # what comes next is another request
        else:
            # Answered before the body came. A client may send all of it before it reads anything:
            # aiohttp takes the rest and drops it, for 10 s at most.
            resp.force_close()
        return await super().finish_response(request, resp, start_time)
