"""Frames about the items of a node, as few as possible: 1,000 items have 3,000 events.

Frames that follow one another and change nothing but items of one node become one: the last of
them, with the newest state of each item. Frames are merged as texts, without parsing them.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from floe.feed.frames import Frame
from floe.model.ids import RunRef
from floe.model.nouns import replace

PAUSE_S: Final = 0.05
"""Seconds between two frames about items that a client gets."""

_STATES: Final = '"item_states":['
_ABOUT_ITEMS: Final = re.compile(
    r'(?P<head>.*"node":\{(?P<node>"id":"[^"]*","ref":"[^"]*"),"state":"[^"]*",'
    r'"item_states":\[)(?P<state>.*)\]\}\}',
    re.DOTALL,
)


class _Part(NamedTuple):
    """A frame that changes nothing but an item."""

    of: tuple[RunRef | None, int, str]
    """Run, epoch and node."""
    head: str
    """Its text up to the state of the item."""
    state: str


def merged(frames: Sequence[Frame]) -> list[Frame]:
    """The frames in order, with those about items of one node that are neighbours as one."""
    if not any(_STATES in frame.text for frame in frames):
        return [*frames]
    found: list[Frame] = []
    run: list[tuple[Frame, _Part]] = []
    for frame in frames:
        part = _part_of(frame)
        if run and (part is None or part.of != run[-1][1].of):
            found.append(_one(run))
            run = []
        if part is None:
            found.append(frame)
        else:
            run.append((frame, part))
    return [*found, _one(run)] if run else found


def is_about_items(frame: Frame) -> bool:
    """Whether a frame changes nothing but items of a node."""
    return _part_of(frame) is not None


def pause_s(sent: Sequence[Frame]) -> float:
    """Seconds until a client gets the next frames: after frames of items more will follow."""
    return PAUSE_S if sent and is_about_items(sent[-1]) else 0.0


def _part_of(frame: Frame) -> _Part | None:
    if _STATES not in frame.text or not (match := _ABOUT_ITEMS.fullmatch(frame.text)):
        return None
    return _Part((frame.run, frame.epoch, match["node"]), match["head"], match["state"])


def _one(run: list[tuple[Frame, _Part]]) -> Frame:
    frame, last = run[-1]
    if len(run) == 1:
        return frame
    newest: dict[str, str] = {}
    for _, part in run:
        item = part.state.partition(",")[0]
        newest.pop(item, None)
        newest[item] = part.state
    return replace(frame, text=f"{last.head}{','.join(newest.values())}]}}}}")
