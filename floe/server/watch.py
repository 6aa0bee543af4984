"""The output of one node that a client of the feed follows, here or at another host."""

import asyncio
from typing import Protocol

from floe.model.ids import NO_ITEM
from floe.server.fields import Fields, item_in
from floe.server.remote_tail import RemoteTail
from floe.server.tail import Tail, TailPiece

WatchKey = tuple[str, str, int]
"""Run, node and item."""


def key_in(fields: Fields) -> WatchKey:
    """The output that a request names to watch."""
    return fields.text("run", None), fields.text("node", None), item_in(fields)


class MakeTail(Protocol):
    """Creates the tail of an output to watch, at this host or another."""

    def __call__(
        self,
        *,
        visit: int = 0,
        attempt: int = 0,
        least: int = 1,
        offset: int = 0,
        item: int = NO_ITEM,
    ) -> Tail | RemoteTail:
        """For an attempt; with 0 for the latest, as soon as there is one not below `least`."""
        ...


class OutputWatch:
    """One node whose output a client requested."""

    def __init__(self, run: str, node: str, tail: MakeTail, wanted: dict[str, int]) -> None:
        self.run = run
        self.node = node
        self.item = wanted.get("item", NO_ITEM)
        self.key = (run, node, self.item)
        self._make = tail
        self._wanted = wanted
        self.tail = tail(**wanted)
        self._latest = not wanted["attempt"]
        self._following: asyncio.Task[None] | None = None

    def named(self, piece: TailPiece) -> dict[str, int]:
        """Visit and item of a piece, as far as its frame names them."""
        visit = {"visit": piece.visit} if piece.visit > 1 else {}
        return visit if self.item == NO_ITEM else {**visit, "item": self.item}

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Follow an output at another host."""
        self.end()
        if isinstance(self.tail, RemoteTail):
            self._following = tasks.create_task(self.tail.follow())

    def end(self) -> None:
        """Stop following."""
        if self._following:
            self._following.cancel()

    def next_attempt(self, tasks: asyncio.TaskGroup, done: int) -> bool:
        """Continue with the attempt after the one that is over.

        False if no further attempt was requested, or if `done` is 0: the node is over.
        """
        if not self._latest or not done:
            return False
        self._wanted = {"visit": self._wanted["visit"], "least": done + 1, "item": self.item}
        self.move(tasks, self._make)
        return True

    def move(self, tasks: asyncio.TaskGroup, make: MakeTail) -> None:
        """Follow the same output as a different tail does."""
        self._make, self.tail = make, make(**self._wanted)
        self.begin(tasks)
