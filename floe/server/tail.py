"""The output of an attempt, read from its file as it grows and only while somebody asks."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from floe import files
from floe.files import NotPlain
from floe.hub.hub import Hub
from floe.model.errors import HostAway, NotFound, World
from floe.model.flow import Node
from floe.model.refs import Key
from floe.model.run import Run
from floe.server.runs import node_of

POLL_S: Final = 0.05
"""Seconds between two looks at a file that somebody follows."""

CHUNK: Final = 64 * 1024
"""Bytes read at once where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where the output of an attempt is, and whether more may come."""

    attempt: int
    """0: the node has not got that far."""
    path: Path | None
    """None likewise."""
    over: bool


def spot_of(hub: Hub, run: Run, node: Node, attempt: int = 0, least: int = 1) -> Spot:
    """Find the output of an attempt, or of the latest that is at least `least`.

    The path is the hub's; nothing of a request is in it. Raises NotFound.
    """
    state = run.nodes.get(node.id)
    latest = state.attempt if state else 0
    if attempt > latest > 0:
        raise NotFound(f"{node.ref} of {run.ref} has no attempt {attempt}", f"the last is {latest}")
    done = run.state == "archive" or (state is not None and state.phase in ("settled", "again"))
    wanted = attempt or latest
    if state is None or wanted < least:
        return Spot(attempt=0, path=None, over=done)
    over = done or wanted < latest or any(a.attempt == wanted for a in state.attempts)
    key = Key(run.ref, run.epoch, node.id, state.visit, wanted)
    return Spot(attempt=wanted, path=hub.reads.output_path(key), over=over)


def size_of(path: Path | None) -> int:
    """Bytes in an output; 0 where there is none.

    Raises NotFound where a command put something else in its place, World.
    """
    with readable():
        return files.size_of(path) if path else 0


async def read(path: Path, offset: int, size: int) -> bytes:
    """Some bytes of an output, in a thread: the disk may be slow. Raises NotFound, World."""
    with readable():
        return await asyncio.to_thread(_read, path, offset, size)


@contextmanager
def readable() -> Iterator[None]:
    """Say of an output that cannot be read why: a command can reach the file and its folder."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("the output is gone: its file was removed") from None
    except NotPlain as error:
        what = f"the output is gone: in its place {files.said(error)}"
        raise NotFound(what, "a command put it there") from None
    except OSError as error:
        raise World(f"the output cannot be read: {files.said(error)}") from error


def _read(path: Path, offset: int, size: int) -> bytes:
    with files.opened(path) as fd:
        return os.pread(fd, size, offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What is new in an output."""

    attempt: int
    offset: int
    data: bytes
    over: bool
    """This is the last piece."""


class Tail:
    """Follows one attempt from an offset; the caller says by `advance` what it has used."""

    def __init__(
        self,
        hub: Hub,
        run: str,
        node: str,
        *,
        attempt: int = 0,
        least: int = 1,
        offset: int = 0,
        chunk: int = CHUNK,
    ) -> None:
        """`attempt` 0: the latest once there is one that is at least `least`. `chunk`: bytes read
        at once, all that is held in memory of an output."""
        self._hub = hub
        self._chunk = chunk
        self.run = run
        self.node = node
        self._attempt = attempt
        self._least = least
        self._offset = offset
        self._spot: Spot | None = None

    async def read(self) -> Piece:
        """What has come since; without data where nothing has.

        Raises NotFound, and HostAway where the run is at another host by now.
        """
        spot = await self._look()
        size = size_of(spot.path)  # after the look: what is over has grown to its end
        data = b""
        if spot.path and size > self._offset:
            data = await read(spot.path, self._offset, self._chunk)
        over = spot.over and self._offset + len(data) >= size
        return Piece(attempt=spot.attempt, offset=self._offset, data=data, over=over)

    def advance(self, size: int) -> None:
        """So many bytes of the last piece are used."""
        self._offset += size

    async def _look(self) -> Spot:
        if self._spot is None or not self._spot.over:
            run = await self._hub.reads.run(self.run)
            if run.state != "pending" and run.host not in (None, self._hub.reads.host):
                raise HostAway(f"{self.run} went to {run.host}", host=str(run.host))
            self._spot = spot_of(
                self._hub, run, node_of(run, self.node), self._attempt, self._least
            )
            self._attempt = self._spot.attempt or self._attempt
        return self._spot
