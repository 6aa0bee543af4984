"""The output of one node that a client of the feed follows, here or at another host."""

import asyncio
from typing import Protocol

from floe.server.remote_tail import RemoteTail
from floe.server.tail import Tail


class MakeTail(Protocol):
    """Makes the tail of an output, from wherever it is."""

    def __call__(self, *, attempt: int = 0, least: int = 1, offset: int = 0) -> Tail | RemoteTail:
        """Of an attempt; for 0 of the latest once there is one that is at least `least`."""
        ...


class Watch:
    """One node whose output a client wants."""

    def __init__(self, run: str, node: str, tail: MakeTail, attempt: int, offset: int) -> None:
        self.run = run
        self.node = node
        self.key = (run, node)
        self._make = tail
        self._wanted = {"attempt": attempt, "offset": offset}
        self.tail = tail(**self._wanted)
        self._latest = not attempt
        self._following: asyncio.Task[None] | None = None

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Follow what another host must be asked for."""
        self.end()
        if isinstance(self.tail, RemoteTail):
            self._following = tasks.create_task(self.tail.follow())

    def end(self) -> None:
        """Ask for no more."""
        if self._following:
            self._following.cancel()

    def next_attempt(self, tasks: asyncio.TaskGroup, done: int) -> bool:
        """Go on with the attempt after one that is over; False where none was asked for or done
        is 0: the node is over."""
        if not self._latest or not done:
            return False
        self._wanted = {"least": done + 1}
        self.move(tasks, self._make)
        return True

    def move(self, tasks: asyncio.TaskGroup, make: MakeTail) -> None:
        """Follow the same as another tail does."""
        self._make, self.tail = make, make(**self._wanted)
        self.begin(tasks)
