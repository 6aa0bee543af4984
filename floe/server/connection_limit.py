"""Listen without exhausting file descriptors: the host reserves some for its own work.

Otherwise strangers who only open connections use up the process's open files. Then no output can be
read, and asyncio's accept loop writes gigabytes of error messages.
"""

import asyncio
import errno
from collections.abc import Callable
from typing import Any, Final

import structlog

from floe.open_files import files_left, files_max

log = structlog.get_logger()

FILES_SHARE: Final = 0.5
"""Share of the process's open files that connections, together with all other files, may use."""

SILENCE_S: Final = 60.0
"""Seconds between two such lines in the log."""

SHORT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""The errors of a system that has no room for a connection."""

HINT: Final = "raise the limit on open files (ulimit -H -n)"


class ConnectionTurnedAway(asyncio.Protocol):
    """A connection that is refused."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


class ConnectionLimit:
    """Creates the protocol of each connection.

    If too many files are open, a connection without credentials is closed; if there is none, the
    new connection is refused.
    """

    def __init__(
        self, protocol: Callable[[], asyncio.Protocol], make_room: Callable[[], bool]
    ) -> None:
        self._protocol = protocol
        self._make_room = make_room
        self._silent_until = 0.0

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a newly accepted connection."""
        kept = int(files_max() * (1 - FILES_SHARE))
        if files_left() > kept or self._make_room():
            return self._protocol()
        now = asyncio.get_running_loop().time()
        if now >= self._silent_until:
            self._silent_until = now + SILENCE_S
            log.warning("server.full", files_kept=kept, hint=HINT)
        return ConnectionTurnedAway()


class RefusedConnections:
    """Logs now and then that no connection can be accepted, where asyncio logs each try.

    Such a connection waits in the system's queue. asyncio tries again each second, so the
    connection is accepted, or turned away, once there are open files again.
    """

    def __init__(self) -> None:
        self._silent_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle what nothing else has, as an exception handler of a loop."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in SHORT and "socket" in context):
            loop.default_exception_handler(context)
        elif loop.time() >= self._silent_until:
            self._silent_until = loop.time() + SILENCE_S
            log.error("server.cannot_accept", why=error.strerror, hint=HINT)
