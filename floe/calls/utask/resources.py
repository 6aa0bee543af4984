"""Counted resources of one host: an execution waits until each of its labels has a free place.

A label without a limit is always free. Labels are taken in their alphabetical order, so that two
executions never wait for each other.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from floe.calls.utask.action import ToRetry


class Resources:
    """The free places of each label, on one host."""

    def __init__(self, limits: Mapping[str, int], timeout_s: float | None) -> None:
        """`timeout_s`: seconds to wait for one label; None for no limit."""
        self._timeout_s = timeout_s
        self._limits = limits
        self._places = {label: asyncio.Semaphore(limit) for label, limit in limits.items()}

    @asynccontextmanager
    async def taken(self, labels: Iterable[str]) -> AsyncIterator[None]:
        """Hold one place of each label meanwhile. Raises ToRetry if one is not free in time."""
        async with AsyncExitStack() as held:
            for label in sorted(set(labels) & self._places.keys()):
                await self._take(label)
                held.callback(self._places[label].release)
            yield

    async def _take(self, label: str) -> None:
        limit = self._limits[label]
        try:
            async with asyncio.timeout(self._timeout_s if limit > 0 else 0):
                await self._places[label].acquire()
        except TimeoutError:
            why = f"failed to acquire resources not provisioned: {label} has {limit} places"
            raise ToRetry(why) from None
