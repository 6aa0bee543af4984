"""Waiting for a fact, but not for ever."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


async def wait_set(event: asyncio.Event, timeout_s: float) -> bool:
    """Whether an event is set now or within some seconds."""
    try:
        async with asyncio.timeout(timeout_s):
            return await event.wait()
    except TimeoutError:
        return False


class Open:
    """Counts what is open, and tells when nothing is."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def one(self) -> Iterator[None]:
        """One more is open, for as long as this lasts."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def wait_none(self, timeout_s: float) -> bool:
        """Whether nothing is open now or within some seconds."""
        return await wait_set(self._none, timeout_s)
