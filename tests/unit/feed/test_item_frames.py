"""Frames about items of one node that follow one another are sent as one."""

import json
from typing import Any

from floe.feed.frames import Frame
from floe.feed.item_frames import is_about_items, merged
from floe.model.flow import Foreach
from floe.model.ids import FlowId
from tests.hands import HandClock, Hands, a_hub, settled
from tests.make import a_flow, a_node

ITEMS = 1000
BYTES_MAX = 250_000
WIDE = a_flow(
    a_node("test", foreach=Foreach(values=tuple(range(ITEMS)))), a_node("other"), id=FlowId("wide")
)


async def frames_of(hands: Hands) -> list[Frame]:
    """The frames of a run of 1,000 items."""
    async with a_hub(WIDE, hands=hands, clock=HandClock()) as hub:
        with hub.feed.subscribe() as feed:
            await hub.trigger(WIDE.id, values={}, by="alice")
            await settled(hub)
            frames: list[Frame] = []
            while '"RunEnded"' not in "".join(f.text for f in frames[-5:]):
                frames += await feed.take()
    return frames


def items_after(frames: list[Frame]) -> dict[int, Any]:
    """The items as a listener has them who merges these frames."""
    states: dict[int, Any] = {}
    for frame in frames:
        for one in json.loads(frame.text).get("node", {}).get("item_states", ()):
            states[one["item"]] = one
    return states


async def test_thousand_items_cost_a_client_little_and_lose_nothing() -> None:
    frames = await frames_of(Hands(at_once=0))

    few = merged(frames)

    assert sum(len(frame.text) for frame in few) <= BYTES_MAX
    assert items_after(few) == items_after(frames)
    assert len(items_after(few)) == ITEMS


async def test_merged_frame_is_the_last_and_others_keep_their_places() -> None:
    frames = await frames_of(Hands(at_once=0))

    few = merged(frames)

    others = [frame for frame in frames if not is_about_items(frame)]
    assert [frame for frame in few if not is_about_items(frame)] == others
    assert [int(frame.pos) for frame in few] == sorted(int(frame.pos) for frame in few)
    assert few[-1] == frames[-1]


async def test_single_frame_is_sent_as_it_is() -> None:
    frames = await frames_of(Hands(at_once=0))
    one = next(frame for frame in frames if is_about_items(frame))

    assert merged([one]) == [one]
