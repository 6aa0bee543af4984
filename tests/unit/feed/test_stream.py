"""The lines of a feed: each item is read as it was written."""

import pytest

from floe.feed.frames import Frame, reset_frame
from floe.feed.stream import Began, FeedItem, Reached, line_of, read_line
from floe.model.errors import Theirs
from floe.model.ids import RunRef, StoreId

RUN = RunRef.parse("h1-12@k3f9")


@pytest.mark.parametrize(
    "item",
    [
        Began(StoreId("k3f9"), 120),
        Reached(510),
        reset_frame("500"),
        Frame("121", RUN, '{"type":"event","text":"a b"}', "event", 1, 4),
        Frame("122", RUN, "{}", "event", 1, 5, begins=True),
    ],
)
def test_item_is_read_as_it_was_written(item: FeedItem) -> None:
    assert read_line(line_of(item).rstrip(b"\n")) == item


@pytest.mark.parametrize("line", [b"", b"event 1 no-run 1 1 . {}", b"reached soon", b"later 1"])
def test_line_that_is_none_of_a_feed_is_theirs(line: bytes) -> None:
    with pytest.raises(Theirs, match="not a line of a feed"):
        read_line(line)
