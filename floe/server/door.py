"""Listening without being flooded: the host keeps open files for itself, whoever comes.

Without this, strangers who only open connections use up the process's open files: then no
output can be read, and asyncio's accept loop writes gigabytes of complaints.
"""

import asyncio
import os
import resource
import sys
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger()

FILES_SHARE: Final = 0.5
"""Part of the files this process may open that connections, with all else, may use up."""

SILENCE_S: Final = 60.0
"""Seconds between two lines in the log about it."""


class Turned(asyncio.Protocol):
    """A connection that is turned away."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


class Door:
    """Makes the protocol of each connection. Where too many are in, a stranger's has to go; where
    there is none, connections are turned away."""

    def __init__(
        self, protocol: Callable[[], asyncio.Protocol], make_room: Callable[[], bool]
    ) -> None:
        self._protocol = protocol
        self._make_room = make_room
        self._limit = int(resource.getrlimit(resource.RLIMIT_NOFILE)[0] * FILES_SHARE)
        self._silent_until = 0.0

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a connection that has just been accepted."""
        if _next_file() < self._limit or self._make_room():
            return self._protocol()
        now = asyncio.get_running_loop().time()
        if now >= self._silent_until:
            self._silent_until = now + SILENCE_S
            hint = "raise the limit on open files (ulimit -n)"
            log.warning("server.full", files_max=self._limit, hint=hint)
        return Turned()


def _next_file() -> int:
    """The number of the next file: the lowest that is free, so it says how many are open."""
    try:
        number = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return sys.maxsize
    os.close(number)
    return number
