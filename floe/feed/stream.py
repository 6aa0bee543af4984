"""A host's own feed as other hosts receive it, one item per line.

store k3f9 120                              the store, and the position that the feed starts from
event 121 h1-12@k3f9 1 4 . {"type":"event"…  an event; `+` for `.` if the pen came with it
reset 500                                   earlier events are not sent: reload
reached 510                                 all events before this position were sent
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Final, assert_never

from floe.feed.feed import Feed
from floe.feed.frames import Frame, reset_frame
from floe.model.errors import IdInvalid, Theirs
from floe.model.ids import RunRef, StoreId
from floe.model.nouns import dataclass

TICK_S: Final = 0.25
"""Seconds between two checks whether the position moved without a frame."""


@dataclass(frozen=True, slots=True)
class Began:
    """In a stream: the store of this feed, and the position that it starts from."""

    store: StoreId
    pos: int


@dataclass(frozen=True, slots=True)
class Reached:
    """In a stream: all events before this position were sent."""

    pos: int


FeedItem = Began | Reached | Frame


async def own_feed(feed: Feed, store: str, after: int) -> AsyncGenerator[Sequence[FeedItem], None]:
    """The stream of a host's own feed after a position of its store, without end.

    A position of a different store is ignored: the feed then starts at the beginning, as far back
    as a listener can catch up. Some of the yielded items are empty. Raises Lagging.
    """
    start = after if store == feed.store_id else 0
    with feed.subscribe(str(start)) as subscription:
        yield [Began(feed.store_id, int(subscription.pos))]
        reached = start
        while True:
            frames = await subscription.take(TICK_S)
            items: list[FeedItem] = [frame for frame in frames if frame.kind != "notice"]
            if subscription.reached > reached:
                reached = subscription.reached
                items.append(Reached(reached))
            yield items


def line_of(item: FeedItem) -> bytes:
    """One line of the stream, with its end."""
    match item:
        case Began():
            text = f"store {item.store} {item.pos}"
        case Reached():
            text = f"reached {item.pos}"
        case Frame():
            text = _frame(item)
        case _:
            assert_never(item)
    return text.encode(errors="backslashreplace") + b"\n"


def _frame(frame: Frame) -> str:
    if frame.run is None:
        return f"reset {frame.pos}"
    flag = "+" if frame.begins else "."
    key = frame.run.key
    return f"event {frame.pos} {key} {frame.epoch} {frame.seq} {flag} {frame.text}"


def read_line(line: bytes) -> FeedItem:
    """The item of a line of the stream. Raises Theirs."""
    try:
        match line.decode().split(" ", 6):
            case ["store", store, pos]:
                return Began(StoreId(store), int(pos))
            case ["reached", pos]:
                return Reached(int(pos))
            case ["reset", pos]:
                return reset_frame(str(int(pos)))
            case ["event", pos, run, epoch, seq, flag, text]:
                ref = RunRef.parse(run)
                return Frame(pos, ref, text, "event", int(epoch), int(seq), flag == "+")
            case _:
                pass
    except (ValueError, IdInvalid):
        pass
    raise Theirs(f"this is not a line of a feed: {line[:80]!r}", "is the other host a newer floe?")
