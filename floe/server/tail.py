"""The output of an attempt, read from its file as it grows, and only while a client follows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from floe import files
from floe.expr.masking import Masks
from floe.files import NotPlain
from floe.hub.hub import Hub
from floe.hub.reads import Reads
from floe.masked_files import AtEnd, masked_piece
from floe.model.errors import HostAway, NotFound, World
from floe.model.flow import Node
from floe.model.ids import NO_ITEM, Key
from floe.model.nouns import dataclass
from floe.model.run import NodeState, Run
from floe.places import Places
from floe.server.runs import node_of
from floe.shapes.nodes import no_item, no_visit

POLL_S: Final = 0.05
"""Seconds between two reads of a followed file."""

CHUNK: Final = 64 * 1024
"""Bytes read at once by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TailSpot:
    """The output to tail: the file of an attempt, and whether more may come."""

    visit: int
    """0 in the same case."""
    attempt: int
    """0: the node has not begun."""
    path: Path | None
    """None in the same case. It may be a copy that is deleted some time after its last use."""
    over: bool


async def spot_of(
    hub: Hub,
    run: Run,
    node: Node,
    attempt: int = 0,
    least: int = 1,
    visit: int = 0,
    item: int = NO_ITEM,
) -> TailSpot:
    """Find the output of an attempt to tail, or of the latest one not below `least`.

    `visit` of the node; 0 for the latest. `item` of a node with items. The path comes from the
    hub; no part of it comes from the request. Raises NotFound, World.
    """
    visits = run.visits(node.id)
    if visit > len(visits) > 0:
        raise no_visit(run, node, visit)
    state = _attempted(run, node, visits[visit - 1], item) if visits else None
    latest = state.attempt if state else 0
    if attempt > latest > 0:
        raise NotFound(f"{node.ref} of {run.ref} has no attempt {attempt}", f"the last is {latest}")
    done = run.state == "archive" or (state is not None and state.phase in ("settled", "again"))
    wanted = attempt or latest
    if state is None or wanted < least:
        return TailSpot(visit=0, attempt=0, path=None, over=done)
    over = (
        done or wanted < latest or (bool(state.attempts) and state.attempts[-1].attempt == wanted)
    )
    key = Key(run.ref, run.epoch, node.id, state.visit, wanted, item)
    with readable():
        path = await hub.reads.output(run, key)
    return TailSpot(visit=state.visit, attempt=wanted, path=path, over=over)


def _attempted(run: Run, node: Node, visit: NodeState, item: int) -> NodeState | None:
    """The visit of a node, or an item of it; None if that has not begun. Raises NotFound."""
    items = visit.items
    if item == NO_ITEM and items is None:
        return visit
    if item == NO_ITEM and items is not None:
        what = f"{node.ref} of {run.ref} has {len(items.values)} items, each with its own output"
        raise NotFound(what, f"name one: {node.id}[0]")
    if items is None or item >= len(items.values):
        raise no_item(run, node, item, visit)
    return items.states.get(item)


async def size_of(places: Places, path: Path | None) -> int:
    """Bytes in an output to tail; 0 if there is none.

    Raises NotFound if a command replaced the file, World.
    """
    with readable():
        return await places.quick(path, files.size_of, path) if path else 0


async def read(reads: Reads, path: Path, offset: int, size: int, at_end: AtEnd) -> bytes:
    """Some bytes of an output for its tail, without secrets, read in a thread.

    Raises NotFound, World.
    """
    with readable():
        masks = reads.masks()
        return await reads.places.read(path, _output_piece, path, offset, size, masks, at_end)


@contextmanager
def readable() -> Iterator[None]:
    """Raise the reason why an output has no tail: commands can reach the file and its folder."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("the output is gone: its file was removed") from None
    except NotPlain as error:
        what = f"the output is gone: its path {files.reason_of(error)}"
        raise NotFound(what, "a command put it there") from None
    except OSError as error:
        raise World(f"the output cannot be read: {files.reason_of(error)}") from error


def _output_piece(path: Path, offset: int, size: int, masks: Masks, at_end: AtEnd) -> bytes:
    """Bytes of an output, from an offset."""
    with files.opened(path) as fd:
        return masked_piece(fd, size, offset, masks, at_end)


@dataclass(frozen=True, slots=True, kw_only=True)
class TailPiece:
    """A piece of a tail: the new data of an output."""

    visit: int
    attempt: int
    offset: int
    data: bytes
    over: bool
    """This is the last piece."""


class Tail:
    """Follows one attempt from an offset; the caller reports consumed bytes by `advance`."""

    def __init__(
        self,
        hub: Hub,
        run: str,
        node: str,
        *,
        attempt: int = 0,
        least: int = 1,
        offset: int = 0,
        visit: int = 0,
        item: int = NO_ITEM,
        chunk: int = CHUNK,
    ) -> None:
        """`attempt` 0: the latest, as soon as there is one not below `least`. `visit` 0: the
        latest, once the node has entered.

        `chunk`: bytes read at once, the maximum held in memory.
        """
        self._hub = hub
        self._chunk = chunk
        self.run = run
        self.node = node
        self._visit = visit
        self._item = item
        self._attempt = attempt
        self._least = least
        self._offset = offset
        self._spot: TailSpot | None = None

    async def read(self) -> TailPiece:
        """The data since the last call; empty if there is none.

        Raises NotFound, and HostAway if the run has moved to another host.
        """
        spot = await self._look()
        places = self._hub.reads.places
        # After the check: the output of an ended attempt is complete.
        size = await size_of(places, spot.path)
        data = b""
        if spot.path and size > self._offset:
            at_end: AtEnd = "as-is" if spot.over else "left-out"
            data = await read(self._hub.reads, spot.path, self._offset, self._chunk, at_end)
        over = spot.over and self._offset + len(data) >= size
        return TailPiece(
            visit=spot.visit, attempt=spot.attempt, offset=self._offset, data=data, over=over
        )

    def advance(self, size: int) -> None:
        """Mark this many bytes of the last piece as used."""
        self._offset += size

    async def _look(self) -> TailSpot:
        if self._spot is None or not self._spot.over or self._hub.reads.archiving:
            run = await self._hub.reads.run(self.run)
            if run.state == "active" and run.host not in (None, self._hub.reads.host):
                raise HostAway(f"{self.run} runs at {run.host} now", host=str(run.host))
            node = node_of(run, self.node)
            self._spot = await spot_of(
                self._hub,
                run,
                node,
                self._attempt,
                self._least,
                visit=self._visit,
                item=self._item,
            )
            self._attempt = self._spot.attempt or self._attempt
            self._visit = self._spot.visit or self._visit
        return self._spot
