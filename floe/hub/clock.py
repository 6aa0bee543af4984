"""Time: the wall clock as an instant, and timers that fire at instants."""

import asyncio
import heapq
import time
from collections.abc import Callable, Hashable
from typing import Final, Protocol

from floe.model.refs import Instant

LOOK_S: Final = 30.0
"""The longest sleep of a timer: a wall clock that was set forward is noticed within this."""

STALE_MAX: Final = 1000
"""Timers that were dropped and still take room, beside as many as are set: runs that end long
before their time limit would otherwise keep it until then."""


class Clock(Protocol):
    """Where instants come from, and who calls when one has come."""

    def now(self) -> Instant:
        """The present."""
        ...

    def wake(self, due: Instant, call: Callable[[], None]) -> Callable[[], None]:
        """Call at an instant, in the loop's thread, or now and then before it.

        Returns what takes the call back.
        """
        ...


class WallClock:
    """The machine's clock."""

    def now(self) -> Instant:
        """The present, by `time.time`."""
        return Instant(time.time_ns() // 1_000_000)

    def wake(self, due: Instant, call: Callable[[], None]) -> Callable[[], None]:
        """As the port says; at the latest after `LOOK_S`."""
        wait_s = max(0.0, (due - self.now()) / 1000)
        return asyncio.get_running_loop().call_later(min(wait_s, LOOK_S), call).cancel


class Timers:
    """Calls back once for each key when its instant has come, in the loop's thread.

    Setting a key again moves it. Nothing is durable here: what is owed is set again at start.
    """

    def __init__(self, clock: Clock, fire: Callable[[Hashable], None]) -> None:
        self._clock = clock
        self._fire = fire
        self._due: dict[Hashable, Instant] = {}
        self._heap: list[tuple[Instant, int, Hashable]] = []
        """Soonest first; entries that `_due` does not agree with were moved or dropped."""
        self._count = 0
        self._unwake: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._heap)

    def set(self, key: Hashable, due: Instant) -> None:
        """Fire `key` at `due`, or in the next loop turn where that is past."""
        self._due[key] = due
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, key))
        if self._heap[0][2] == key:
            self._arm()

    def drop(self, key: Hashable) -> None:
        """Forget a key. Unknown keys are ignored."""
        self._due.pop(key, None)
        if len(self._heap) > STALE_MAX + 2 * len(self._due):
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)

    def look(self) -> None:
        """Fire what is due now."""
        now = self._clock.now()
        try:
            while self._heap and self._heap[0][0] <= now:
                due, _, key = heapq.heappop(self._heap)
                if self._due.get(key) == due:
                    del self._due[key]
                    self._fire(key)
        finally:
            self._arm()

    def close(self) -> None:
        """Fire nothing any more. Idempotent."""
        self._due.clear()
        self._heap.clear()
        self._arm()

    def _arm(self) -> None:
        if self._unwake:
            self._unwake()
        self._unwake = self._clock.wake(self._heap[0][0], self.look) if self._heap else None
