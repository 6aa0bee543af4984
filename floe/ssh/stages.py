"""How long each stage may take, and what the output names while one is slow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from floe.ssh.far_command import SshFailed, print_line

SLOW_S: Final = 5.0
"""After this time without progress the output names the stage."""


class Stage:
    """One stage, and its deadline."""

    def __init__(self, name: str, limit_s: float) -> None:
        """`name`: what the far side has to do, as in "the login on h2"."""
        self.name = name
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._slow = self._loop.call_later(SLOW_S, self._print)
        self.timeout = asyncio.timeout(limit_s)

    def _print(self) -> None:
        print_line(f"waiting for {self.name}, for {self._limit_s:g} s at most")

    def progressed(self, *_: object) -> None:
        """The far side did a part of it: the time starts again."""
        self.timeout.reschedule(self._loop.time() + self._limit_s)
        self._slow.cancel()
        self._slow = self._loop.call_later(SLOW_S, self._print)

    def over(self) -> None:
        """Print nothing more."""
        self._slow.cancel()

    def fault(self) -> str:
        """The stage and its limit."""
        return f"{self.name} was not complete within {self._limit_s:g} s"


@asynccontextmanager
async def stage(name: str, limit_s: float) -> AsyncIterator[Stage]:
    """Wait for the far side. Raises SshFailed at the deadline."""
    waiting = Stage(name, limit_s)
    try:
        async with waiting.timeout:
            yield waiting
    except TimeoutError:
        if waiting.timeout.expired():
            raise SshFailed(waiting.fault()) from None
        raise
    finally:
        waiting.over()
