"""The feed of one host: what it announces to all listeners."""

from floe.feed.feed import Feed
from floe.model.codec import from_text
from floe.model.ids import RunRef
from floe.model.run import Run
from floe.store.memory import MemoryStore


async def nothing(run: RunRef, until: int) -> Run | None:
    return None


async def test_announcement_reaches_all_and_moves_nobody() -> None:
    feed = Feed(MemoryStore(), nothing)
    with feed.subscribe() as one, feed.subscribe() as other:
        feed.announce({"type": "flows"})

        frames = await one.take() + await other.take()

        assert [from_text(frame.text) for frame in frames] == [{"type": "flows"}] * 2
        assert (one.pos, other.pos) == ("0", "0")


async def test_closed_listener_is_forgotten() -> None:
    feed = Feed(MemoryStore(), nothing)
    listener = feed.subscribe()

    listener.close()
    listener.close()
    feed.announce({"type": "flows"})

    assert len(feed) == 0
