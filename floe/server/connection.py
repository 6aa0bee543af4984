"""One connection of a client: the limits before a request is complete, and on the number of
connections without credentials."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.web_request import BaseRequest

from floe.server.problems import problem

log = structlog.get_logger()

CROWD_MAX: Final = 1024
"""Connections without credentials."""

HEAD_MAX: Final = 64 * 1024
"""Bytes of a request head; a longer head is refused."""

SILENCE_S: Final = 60.0
"""Seconds between two such lines in the log."""

HEADERS: Final = {
    "Server": "floe",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every reply."""

DEFAULTS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every reply without its own policy."""

HEAD_END: Final = b"\r\n\r\n"

GARBLED: Final = "this is not a valid HTTP/1.1 request"


def protect(response: web.StreamResponse) -> None:
    """Add the headers of every reply of a connection."""
    response.headers.update(HEADERS)
    for name, value in DEFAULTS.items():
        response.headers.setdefault(name, value)


class UnknownConnections:
    """The connections that have not shown credentials yet. Beyond the limit, or without a free file
    descriptor, the oldest is closed.

    A well-meaning client gets its reply within moments, so the oldest is a connection that is only
    held open: strangers displace only each other.
    """

    def __init__(self, at_once: int = CROWD_MAX) -> None:
        self._at_once = at_once
        self._in: dict[Connection, None] = {}
        self._silent_until = 0.0

    def add(self, connection: "Connection") -> None:
        """Add a connection."""
        self._in[connection] = None
        if len(self._in) > self._at_once:
            self.make_room()

    def remove(self, connection: "Connection") -> None:
        """Remove a connection. Ignores unknown ones."""
        self._in.pop(connection, None)

    def make_room(self) -> bool:
        """Close the oldest; False if there is none."""
        oldest = next(iter(self._in), None)
        if oldest is None:
            return False
        self.remove(oldest)
        if oldest.transport is not None:
            oldest.transport.abort()
        now = asyncio.get_running_loop().time()
        if now >= self._silent_until:
            self._silent_until = now + SILENCE_S
            hint = "if these are your own clients, raise the limit on open files (ulimit -n)"
            log.warning("server.crowded", hint=hint)
        return True


class Connection(web.RequestHandler):
    """Gives floe's kind of error reply also to malformed HTTP and to requests without a route."""

    __slots__ = ("_crowd", "_end", "_head_s", "_left", "_timer")

    def __init__(
        self, server: web.Server, crowd: UnknownConnections, head_s: float, **options: Any
    ) -> None:
        """`head_s`: seconds from the connection to the end of the first request's head."""
        super().__init__(server, **options)
        self._crowd = crowd
        self._head_s = head_s
        self._timer: asyncio.TimerHandle | None = None
        self._left: int | None = HEAD_MAX
        """Bytes that may still come before a head ends; None while the application reads."""
        self._end = b""
        """The last bytes: the end of a head may arrive in two parts."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start as an unknown client, with a time limit."""
        super().connection_made(transport)
        self._crowd.add(self)
        self._timer = asyncio.get_running_loop().call_later(self._head_s, self.force_close)

    def data_received(self, data: bytes) -> None:
        """Receive data, and of a head at most its limit."""
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
        """The connection is over."""
        self.asked()
        self._crowd.remove(self)
        super().connection_lost(exc)

    def asked(self) -> None:
        """A complete head has arrived."""
        self._left = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def let_in(self) -> None:
        """The sender has shown valid credentials."""
        self._crowd.remove(self)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Reply to malformed HTTP without repeating it, and end the connection."""
        super().handle_error(request, status, exc, message)  # it has its own line in the log
        response = problem(status, GARBLED if status == 400 else "internal error")
        protect(response)
        response.force_close()
        return response

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send a reply, also for errors before the application got the request."""
        if isinstance(resp, web.HTTPException):
            resp = problem(resp.status, resp.text or resp.reason)
            protect(resp)
        if request.content.is_eof():
            self._left, self._end = HEAD_MAX, b""  # the next data is a new request
        else:
            # The reply came before the body. A client may send all of the body before it reads
            # anything: aiohttp reads and drops the rest, for at most 10 s.
            resp.force_close()
        return await super().finish_response(request, resp, start_time)
