"""Waits with time limits."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

STRANGERS_MAX: Final = 16
"""Bodies of unknown callers that are read at once."""


async def wait_set(event: asyncio.Event, timeout_s: float) -> bool:
    """Whether an event is set now or within some seconds."""
    try:
        async with asyncio.timeout(timeout_s):
            return await event.wait()
    except TimeoutError:
        return False


class OpenWaits:
    """Waits until nothing is open any more: counts what is."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one more thing to wait for while this context lasts."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def wait_none(self, timeout_s: float) -> bool:
        """Wait up to some seconds until nothing is open; return whether nothing is."""
        return await wait_set(self._none, timeout_s)


class Strangers:
    """The bodies without credentials that the server waits for, limited in number.

    Beyond the limit the oldest is dropped: a proper body arrives within moments, and an endless one
    makes room.
    """

    def __init__(self, at_once: int = STRANGERS_MAX) -> None:
        self._at_once = at_once
        self._reading: dict[asyncio.Timeout, None] = {}

    @contextmanager
    def one(self, timeout: asyncio.Timeout) -> Iterator[None]:
        """Wait for one more body without credentials; its timeout may be brought forward."""
        while len(self._reading) >= self._at_once:
            first = next(iter(self._reading))
            del self._reading[first]
            if not first.expired():  # else it is being dropped already
                first.reschedule(0)
        self._reading[timeout] = None
        try:
            yield
        finally:
            self._reading.pop(timeout, None)
