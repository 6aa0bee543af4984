"""Several hosts' feeds as one: the frames that a listener may receive now, and its position.

No I/O. The events of a run come from one host at a time, and each host sends its own in order. Only
when the pen passes from the adopter to a different host, two feeds must be ordered: RunActivated
waits until the event before it was delivered. A wait for a cause always ends, unlike a wait for the
newest events of all feeds. The caller limits the wait for a host that sends nothing.

A position is a vector, `k3f9:120,ab12:55`: the position up to which each store's events were
delivered. It means the same on every host of the cluster.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final

from floe.feed.frames import Frame, reset_frame
from floe.model.ids import STORE, RunRef, StoreId
from floe.model.nouns import dataclass

RUNS_MAX: Final = 10_000
"""Runs whose last delivered event is remembered."""

_POSITION: Final = re.compile(rf"{STORE.pattern}:[0-9]{{1,18}}(?:,{STORE.pattern}:[0-9]{{1,18}})*")


def read_position(text: str) -> dict[StoreId, int] | None:
    """The position in merged feeds, a vector, in a text; None for a text without one."""
    if len(text) > 64 * 1024 or not _POSITION.fullmatch(text):
        return None
    parts = (part.split(":") for part in text.split(","))
    return {StoreId(store): int(pos) for store, pos in parts}


def position_of(vector: Mapping[StoreId, int]) -> str:
    """The text of a position in merged feeds; the same for equal vectors."""
    return ",".join(f"{store}:{vector[store]}" for store in sorted(vector))


@dataclass(slots=True)
class _Feed:
    """The frames of one store that were not delivered yet."""

    frames: deque[Frame] = field(default_factory=deque)
    is_away: bool = False
    awaited: int | None = None
    """The position, in the adopter's feed, of the event before the first frame; None: unknown."""
    is_free: bool = False
    """The first frame waits no longer."""


class Merge:
    """The feeds of some stores, merged for one listener."""

    def __init__(self, vector: Mapping[StoreId, int]) -> None:
        self._vector = dict(vector)
        self._feeds = {store: _Feed() for store in vector}
        self._last: dict[RunRef, tuple[int, int]] = {}
        """Epoch and seq of each run's last delivered event, in order of use."""

    def waiting(self, store: StoreId) -> int:
        """Frames of a store that were not delivered yet."""
        return len(self._feeds[store].frames)

    @property
    def pos(self) -> str:
        """The position after all delivered frames."""
        return position_of(self._vector)

    def begin(self, store: StoreId, pos: int) -> None:
        """A store's feed is open (again). A feed that was never open begins at a position."""
        self._vector.setdefault(store, pos)
        self._feeds.setdefault(store, _Feed()).is_away = False

    def lose(self, store: StoreId) -> None:
        """A store's feed broke off: no frame waits for it."""
        if store in self._feeds:
            self._feeds[store].is_away = True

    def drop(self, store: StoreId) -> None:
        """Drop a store permanently."""
        self._feeds.pop(store, None)
        self._vector.pop(store, None)

    def put(self, store: StoreId, frame: Frame) -> None:
        """A frame of a store's feed; they come in order."""
        self._feeds[store].frames.append(frame)

    def reached(self, store: StoreId, pos: int) -> None:
        """All of a store's frames before a position have arrived."""
        if not self._feeds[store].frames:
            self._vector[store] = max(self._vector[store], pos)

    def waits(self) -> Iterator[tuple[StoreId, StoreId, Frame]]:
        """Each store whose next frame must wait, for which adopter, and the frame."""
        for store, feed in self._feeds.items():
            if feed.frames and self._is_early(store, feed):
                yield store, feed.frames[0].run.store, feed.frames[0]  # type: ignore[union-attr]  # only a run's frame is early

    def is_known(self, run: RunRef) -> bool:
        """Whether events of a run were delivered: then the missing ones arrive by themselves."""
        return run in self._last

    def hold_until(self, store: StoreId, frame: Frame, pos: int) -> None:
        """A waiting frame may go once its adopter's feed has reached the event before it."""
        if self._is_first(store, frame):
            self._feeds[store].awaited = pos

    def free(self, store: StoreId, frame: Frame) -> None:
        """A waiting frame waits no longer."""
        if self._is_first(store, frame):
            self._feeds[store].is_free = True

    def take(self) -> list[Frame]:
        """All frames that may be delivered now, each with the position after it."""
        given: list[Frame] = []
        has_more = True
        while has_more:
            has_more = False
            for store, feed in self._feeds.items():
                while feed.frames and not self._is_early(store, feed):
                    has_more = True
                    feed.awaited, feed.is_free = None, False
                    self._give(store, feed.frames.popleft(), given)
        return given

    def _give(self, store: StoreId, frame: Frame, given: list[Frame]) -> None:
        self._vector[store] = max(self._vector[store], int(frame.pos))
        if frame.kind == "reset":
            self._vector[store] = int(frame.pos)
            self._last.clear()
            given.append(reset_frame(self.pos))
        elif frame.run is None:
            given.append(frame)
        elif self._is_new(frame.run, frame):
            given.append(frame.at(self.pos))

    def _is_new(self, run: RunRef, frame: Frame) -> bool:
        last = self._last.pop(run, (-1, 0))
        this = (frame.epoch, frame.seq)
        self._last[run] = max(this, last)
        if len(self._last) > RUNS_MAX:
            del self._last[next(iter(self._last))]
        return this > last

    def _is_early(self, store: StoreId, feed: _Feed) -> bool:
        """Whether a store's first frame would overtake its run's events from the adopter."""
        frame = feed.frames[0]
        if not frame.begins or frame.run is None or frame.run.store == store or feed.is_free:
            return False
        adopter = self._feeds.get(frame.run.store)
        if adopter is None or adopter.is_away:
            return False
        if last := self._last.get(frame.run):
            return last < (frame.epoch, frame.seq - 1)
        return feed.awaited is None or self._vector[frame.run.store] < feed.awaited

    def _is_first(self, store: StoreId, frame: Frame) -> bool:
        feed = self._feeds.get(store)
        return feed is not None and bool(feed.frames) and feed.frames[0] is frame
