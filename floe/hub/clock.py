"""Time: instants that do not jump when the wall clock is set, and timers that fire at them.

A wall clock may be set, by seconds or by years, for a moment or permanently. The clock of a host
advances evenly with the boot clock, which cannot be set and which counts while the machine sleeps.
Only when the wall clock stays at its new time does the host accept it. All timers then move as
well: a timer that had a minute left still has a minute left.
"""

import asyncio
import heapq
import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Final, Protocol

from floe.model.codec import decode
from floe.model.ids import Instant, Json
from floe.model.nouns import dataclass

LOOK_S: Final = 30.0
"""The longest sleep of a timer: a timer notices within this that the machine was asleep."""

CHECK_S: Final = 1.0
"""Seconds between two checks whether the wall clock was set."""

STEP_MS: Final = 1000
"""A smaller difference of the wall clock between two checks is an adjustment, which the clock
follows. A larger one is a jump."""

HOLD_S: Final = 15.0
"""Seconds that a wall clock must keep its new time before the host accepts it."""

REPORTED_S: Final = 600.0
"""Seconds for which a clock that was set is reported as a problem."""

STALE_MAX: Final = 1000
"""Dropped timers that may stay in memory, in addition to as many as are set. Otherwise the timers
of runs that end long before their time limit would stay until then."""


MOVES_MAX: Final = 16

Move = tuple[Instant, Instant]
"""The instants from which and to which the clock was set forward."""


class Clock(Protocol):
    """The source of instants, and of calls at instants."""

    def now(self) -> Instant:
        """The present."""
        ...

    def wake(self, due: Instant, call: Callable[[], None]) -> Callable[[], None]:
        """Call at an instant, in the loop's thread, and possibly before it too.

        Returns a function that cancels the call.
        """
        ...

    def stamp(self, at: Instant) -> Instant:
        """The instant, by this clock, that a process just read from the wall clock."""
        ...

    def accept(self) -> int:
        """Accept a wall clock that has kept its new time; return the ms by which `now` has moved.

        Mostly 0. The caller moves all timers by as much before anything else reads the clock.
        """
        ...

    def problem(self) -> str:
        """The present problem of the wall clock as a sentence; empty while it advances evenly."""
        ...

    def due(self, due: Instant, longest_ms: int) -> Instant:
        """When a wait that an earlier process recorded is over; `longest_ms` as it began."""
        ...

    def row(self) -> Json:
        """The state that the next process needs to recognize jumps between the two processes."""
        ...

    def go_on(self, row: Json) -> None:
        """Continue from the state that an earlier process kept."""
        ...


@dataclass(frozen=True, slots=True)
class _Jump:
    offset: int
    """Of the wall clock to the boot clock since then."""
    seen_at: int
    """By the boot clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    boot: str
    offset: int
    moves: tuple[Move, ...] = ()


def moves_after(moves: tuple[Move, ...], move: Move) -> tuple[Move, ...]:
    """The moves that a restart needs; none after the clock was set back."""
    old, new = move
    return (*moves, move)[-MOVES_MAX:] if new > old else ()


def due_after_moves(
    due: Instant, longest_ms: int, moves: tuple[Move, ...], now: Instant
) -> Instant:
    """When a wait is over that was recorded before some moves of the clock.

    A wait that began before the clock was set forward ends as much later. After the clock was set
    back the start of a wait is unknown: the wait then lasts for its full length at most.
    """
    for old, new in moves:
        if due - longest_ms <= old:
            due = Instant(due + new - old)
    return min(due, Instant(now + longest_ms))


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _boot_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class WallClock:
    """The machine's clock, which may be set."""

    def __init__(
        self, wall: Callable[[], int] = _wall_ms, boot: Callable[[], int] = _boot_ms
    ) -> None:
        """Both in milliseconds; tests pass their own."""
        self._wall = wall
        self._boot = boot
        self._offset = wall() - boot()
        """The accepted difference between the two."""
        self._jump: _Jump | None = None
        self._moved: tuple[int, int] | None = None
        """By how many ms, and when by the boot clock."""
        self._moves: tuple[Move, ...] = ()

    def now(self) -> Instant:
        """The present: the wall clock, without jumps that are not accepted yet."""
        boot = self._look()
        return Instant(boot + self._offset)

    def wake(self, due: Instant, call: Callable[[], None]) -> Callable[[], None]:
        """As in the port; at the latest after `LOOK_S`."""
        wait_s = max(0.0, (due - self.now()) / 1000)
        return asyncio.get_running_loop().call_later(min(wait_s, LOOK_S), call).cancel

    def stamp(self, at: Instant) -> Instant:
        """As in the port; an instant from before a jump stays as it is."""
        now = self.now()
        if self._jump is None:
            return at
        return min(at, Instant(at - self._jump.offset + self._offset), key=lambda t: abs(t - now))

    def accept(self) -> int:
        """As in the port, after `HOLD_S`."""
        boot = self._look()
        if self._jump is None or boot - self._jump.seen_at < HOLD_S * 1000:
            return 0
        by = self._jump.offset - self._offset
        old, new = Instant(boot + self._offset), Instant(boot + self._jump.offset)
        self._offset, self._jump, self._moved = self._jump.offset, None, (by, boot)
        self._moves = moves_after(self._moves, (old, new))
        return by

    def problem(self) -> str:
        """As in the port; for `REPORTED_S` also that the clock was set."""
        boot = self._look()
        if self._jump is not None:
            by, ago_s = self._jump.offset - self._offset, (boot - self._jump.seen_at) // 1000
            return (
                f"its clock jumped {_way(by)} {ago_s} s ago: "
                f"that counts when it has stayed so for {HOLD_S:g} s"
            )
        if self._moved is not None and boot - self._moved[1] < REPORTED_S * 1000:
            return (
                f"its clock was set {_way(self._moved[0])} {(boot - self._moved[1]) // 1000} s ago"
            )
        return ""

    def due(self, due: Instant, longest_ms: int) -> Instant:
        """As in the port, by `due_after_moves`."""
        return due_after_moves(due, longest_ms, self._moves, self.now())

    def row(self) -> Json:
        """As in the port: the boot, the accepted difference between the clocks, the moves."""
        moves: list[Json] = [list(move) for move in self._moves]
        return {"boot": _boot_id(), "offset": self._offset, "moves": moves}

    def go_on(self, row: Json) -> None:
        """As in the port.

        After a restart of the machine the boot clock begins at zero: then the wall clock counts.
        """
        if not isinstance(row, Mapping):
            return
        kept = decode(_Kept, row)
        self._moves = kept.moves
        if kept.boot == _boot_id():
            self._offset = kept.offset

    def _look(self) -> int:
        """Check whether the wall clock was set; return the boot clock."""
        boot = self._boot()
        offset = self._wall() - boot
        if abs(offset - self._offset) < STEP_MS:
            self._offset, self._jump = offset, None
        elif self._jump is None or abs(offset - self._jump.offset) >= STEP_MS:
            self._jump = _Jump(offset, boot)
        else:
            self._jump = _Jump(offset, self._jump.seen_at)
        return boot


def _boot_id() -> str:
    """The id of the machine's present boot; empty where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _way(by_ms: int) -> str:
    return f"{abs(by_ms) / 1000:.0f} s {'ahead' if by_ms > 0 else 'back'}"


class Timers:
    """Timers by a clock: they call back once for each key at its instant, in the loop's thread.

    Setting a key again moves it. Nothing is durable here: a start sets all owed timers again.
    """

    def __init__(self, clock: Clock, fire: Callable[[Hashable], None]) -> None:
        self._clock = clock
        self._fire = fire
        self._due: dict[Hashable, Instant] = {}
        self._heap: list[tuple[Instant, int, Hashable]] = []
        """Soonest first. An entry that differs from `_due` was moved or dropped."""
        self._count = 0
        self._unwake: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._heap)

    def set(self, key: Hashable, due: Instant) -> None:
        """Fire `key` when the clock reaches `due`, or at once if that is past."""
        self._due[key] = due
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, key))
        if self._heap[0][2] == key:
            self._arm()

    def drop(self, key: Hashable) -> None:
        """Forget a key of a timer of the clock. Unknown keys are ignored."""
        self._due.pop(key, None)
        if len(self._heap) > STALE_MAX + 2 * len(self._due):
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)

    def move(self, by_ms: int) -> None:
        """The clock was set: everything stays due after the same time."""
        self._due = {key: Instant(due + by_ms) for key, due in self._due.items()}
        self._heap = [(Instant(due + by_ms), count, key) for due, count, key in self._heap]
        self._arm()

    def look(self) -> None:
        """Fire what is due now by the clock."""
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
        """Drop all timers of the clock. Idempotent."""
        self._due.clear()
        self._heap.clear()
        self._arm()

    def _arm(self) -> None:
        if self._unwake:
            self._unwake()
        self._unwake = self._clock.wake(self._heap[0][0], self.look) if self._heap else None
