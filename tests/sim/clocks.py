"""A simulated host whose clock is set, sleeps and dies: what its triggers start, from one seed.

The real clock, timers and triggers run on two virtual clocks of a machine: the boot clock, which
goes on evenly, and the wall clock, which anybody may set.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Coroutine, Hashable, Mapping
from itertools import count
from random import Random
from typing import Any, Final

from floe.host.inputs import Incoming, Mark, Start
from floe.host.repositories import KINDS
from floe.host.ticks import done_ticks_of, tick_after
from floe.hub.clock import CHECK_S, HOLD_S, LOOK_S, STEP_MS, Timers, WallClock
from floe.hub.flows import FlowBook
from floe.hub.triggers import Triggers
from floe.model.flow import Trigger
from floe.model.ids import Instant, Json, NodeId
from floe.model.work import Git
from floe.store.base import LedgerWrite
from tests.make import NOW, a_flow
from tests.make_triggers import a_poll, a_tick

HOUR_MS: Final = 3_600_000
YEAR_MS: Final = 365 * 24 * HOUR_MS
STORM_MS: Final = 2 * HOUR_MS
QUIET_MS: Final = HOUR_MS
FAULTS: Final = 12
JUMPS_MS: Final = (2_000, 45_000, 20 * 60_000, HOUR_MS, 24 * HOUR_MS, YEAR_MS)

TICKS: Final = (
    a_tick(period_s=60.0),
    a_tick(id=NodeId("cron"), cron="*/7 * * * *", timezone="Europe/Berlin"),
)
POLLS: Final = (a_poll(period_s=30.0), a_poll("other", period_s=240.0))


class Broken(Exception):
    """An invariant was broken."""


class MachineClock(WallClock):
    """The real clock on the virtual ones."""

    def __init__(self, room: "Room") -> None:
        super().__init__(lambda: room.wall_ms, lambda: room.boot_ms)
        self._room = room

    def wake(self, due: Instant, call: Callable[[], None]) -> Callable[[], None]:
        delay_ms = min(max(0, due - self.now()), int(LOOK_S * 1000))
        return self._room.at(delay_ms, call)


class Room:
    """One machine, one host, one repository."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.boot_ms = 1_000_000
        self.wall_ms = self.random.choice((int(NOW), int(NOW), 30_000))
        """Some machines start in 1970."""
        self.counts: Counter[str] = Counter()
        self.ledger: dict[tuple[str, str], Json] = {}
        self.starts: list[Start] = []
        self.remote = {"refs/heads/main": "0"}
        self.pushes: list[tuple[str, str]] = []
        """Ref and commit; each commit is pushed once."""
        self.waits: dict[Hashable, tuple[int, int]] = {}
        """By the boot clock: when a timer has to fire at the earliest and at the latest."""
        self.life = 0
        """Counts the host's processes."""
        self.is_up = False
        self.ver = 1
        self.held_back = ""
        self.refusals = 0
        self.slept_ms = 0
        self._inbox: list[Incoming] = []
        self._looks: set[Coroutine[object, object, None]] = set()
        self._heap: list[tuple[int, int, int, Callable[[], None]]] = []
        self._count = count()
        self._boot()

    # --- time ---

    def at(self, delay_ms: int, call: Callable[[], None]) -> Callable[[], None]:
        """Call something later, if the host's process still lives then."""
        number = next(self._count)
        heapq.heappush(self._heap, (self.boot_ms + delay_ms, number, self.life, call))
        return lambda: self._taken_back.add(number)

    def run(self, for_ms: int) -> None:
        """Let things happen for a while."""
        until = self.boot_ms + for_ms
        while self._heap and self._heap[0][0] <= until:
            due, number, life, call = heapq.heappop(self._heap)
            self._pass(max(0, due - self.boot_ms))
            if number not in self._taken_back and life in (self.life, -1):
                call()
        self._pass(max(0, until - self.boot_ms))

    def later(self, delay_ms: int, call: Callable[[], None]) -> None:
        """Call something that happens to the machine, whoever lives then."""
        heapq.heappush(self._heap, (self.boot_ms + delay_ms, next(self._count), -1, call))

    def _pass(self, ms: int) -> None:
        self.boot_ms += ms
        self.wall_ms += ms

    # --- the host ---

    def _boot(self) -> None:
        self.is_up = True
        self._taken_back: set[int] = set()
        self.clock = MachineClock(self)
        before = self.ledger.get(("clock", "boot"))
        self.clock.go_on(before)
        self.ledger["clock", "boot"] = self.clock.row()
        self.timers = Timers(self.clock, self._fired)
        rows = {k: {key: v for (kind, key), v in self.ledger.items() if kind == k} for k in KINDS}
        self.triggers = Triggers(
            self.clock, self, self._spawn, self._say, rows, lambda: self.held_back
        )
        self.reload()
        self._check_clock()

    def end(self) -> None:
        """Leave nothing that was begun."""
        for look in self._looks:
            look.close()
        self._looks.clear()

    def reload(self) -> None:
        """Read the config, if somebody is there to read it."""
        if not self.is_up:
            return
        flow = a_flow(triggers=(*TICKS, *POLLS), ver=self.ver)
        self.triggers.watch(FlowBook(flows=(flow,)))

    def die(self) -> None:
        """Kill the process, and start another one after a while."""
        self.life += 1
        self.is_up = False
        self.end()
        self._inbox.clear()
        self.waits.clear()
        self.later(self.random.choice((10, 3_000, 60_000, HOUR_MS)), self._boot_again(self.life))

    def _boot_again(self, life: int) -> Callable[[], None]:
        def boot() -> None:
            if life == self.life:
                self._boot()

        return boot

    def _check_clock(self) -> None:
        if by_ms := self.clock.accept():
            self.counts["believed"] += 1
            self.timers.move(by_ms)
            self.triggers.move(by_ms)
            row = LedgerWrite(kind="clock", key="boot", value=self.clock.row())
            self._say(Incoming(input=Mark(rows=(row,))))
        self.at(int(CHECK_S * 1000), self._check_clock)

    def _say(self, word: Incoming) -> None:
        if not self._inbox:
            self.at(self.random.randrange(1, 200), self._store)
        self._inbox.append(word)

    def _store(self) -> None:
        if self.refusals:
            self.refusals -= 1
            self.at(1000, self._store)
            return
        words, self._inbox = self._inbox, []
        for word in words:
            assert isinstance(word.input, Start | Mark)
            is_start = isinstance(word.input, Start)
            for row in word.input.marks if isinstance(word.input, Start) else word.input.rows:
                self.ledger[row.kind, row.key] = row.value
                if row.value is None:
                    del self.ledger[row.kind, row.key]
            if isinstance(word.input, Start):
                self.starts.append(word.input)
            self.counts["starts" if is_start else "marks"] += 1

    def _spawn(self, look: Coroutine[object, object, None]) -> None:
        self._looks.add(look)

        def run() -> None:
            self._looks.discard(look)
            try:
                look.send(None)
            except StopIteration:
                return
            raise Broken("a look waits for another one")

        self.at(self.random.randrange(1, 500), run)

    async def refs(self, git: Git, pattern: str) -> Mapping[str, str]:
        """What the repository has."""
        return dict(self.remote)

    # --- what happens ---

    def push(self) -> None:
        """Somebody pushes."""
        ref = f"refs/heads/{self.random.choice(('main', 'main', 'a', 'b'))}"
        self.remote[ref] = f"c{len(self.pushes)}"
        self.pushes.append((ref, self.remote[ref]))

    def wait(self) -> None:
        """A run waits for a time: a retry, a form, a time limit."""
        if not self.is_up:
            return
        key, ms = object(), self.random.randrange(1_000, 1_200_000)
        self.waits[key] = (self.boot_ms + ms, self.slept_ms)
        self.timers.set(key, Instant(self.clock.now() + ms))

    def _fired(self, key: object) -> None:
        due, slept_ms = self.waits.pop(key)
        late = self.boot_ms - due
        if late < -STEP_MS:
            raise Broken(f"nothing_is_early: by {-late} ms")
        if late > LOOK_S * 1000 + STEP_MS + self.slept_ms - slept_ms:
            raise Broken(f"nothing_is_late: by {late} ms")
        self.counts["waits"] += 1

    def strike(self) -> None:
        """Let one thing go wrong."""
        fault = self.random.choice(
            (self._jump, self._jump, self._blink, self._sleep, self.die, self._hold, self._refuse)
        )
        self.counts[fault.__name__.lstrip("_")] += 1
        fault()

    def _jump(self) -> None:
        """The clock is set, for good or until somebody sets it right."""
        by_ms = self.random.choice(JUMPS_MS) * self.random.choice((1, -1))
        self.wall_ms += by_ms
        if self.random.random() < 0.6:
            self.later(self.random.randrange(20_000, HOUR_MS), lambda: self._set(-by_ms))

    def _blink(self) -> None:
        """The clock is wrong for a moment."""
        by_ms = self.random.choice(JUMPS_MS) * self.random.choice((1, -1))
        self.wall_ms += by_ms
        self.later(self.random.randrange(1, int(HOLD_S * 1000)), lambda: self._set(-by_ms))

    def _set(self, by_ms: int) -> None:
        self.wall_ms += by_ms

    def _sleep(self) -> None:
        """The machine is suspended."""
        ms = self.random.randrange(1_000, HOUR_MS)
        self.slept_ms += ms
        self._pass(ms)

    def _hold(self) -> None:
        """Nothing may fire for a while."""
        self.held_back = "the hosts disagree"
        self.later(self.random.randrange(1_000, 600_000), self._let_go)

    def _let_go(self) -> None:
        self.held_back = ""

    def _refuse(self) -> None:
        """The disk takes nothing for a while."""
        self.refusals = self.random.randrange(1, 60)


def trial(seed: int) -> Room:
    """Play one seed. Raises Broken."""
    room = Room(seed)
    for _ in range(FAULTS):
        room.later(room.random.randrange(60_000, STORM_MS), room.strike)
    for _ in range(40):
        room.later(room.random.randrange(60_000, STORM_MS), room.push)
        room.later(room.random.randrange(60_000, STORM_MS), room.wait)
    for _ in range(4):
        room.later(room.random.randrange(60_000, STORM_MS), room.reload)
    room.run(STORM_MS)
    room.refusals, room.held_back = 0, ""
    room.run(QUIET_MS + HOUR_MS)
    room.end()
    each_tick_is_fired_once_or_missed(room)
    each_push_starts_one_run(room)
    if room.waits:
        raise Broken(f"nothing_is_never: {len(room.waits)} timers did not fire")
    return room


def each_tick_is_fired_once_or_missed(room: Room) -> None:
    """What a timer has seen to was fired once, or is recorded as missed, and never both."""
    rows: dict[str, dict[str, Any]] = {"mark": {}, "ticked": {}}
    for (kind, key), value in room.ledger.items():
        if kind in rows:
            rows[kind][key] = value
    for watch, done in done_ticks_of(rows).items():
        trigger = next(t for t in TICKS if t.id == watch.trigger)
        fired = [s.marks[0].value for s in room.starts if s.trigger == watch.trigger]
        if len(fired) != len(set(fired)):
            raise Broken(f"each_tick_fires_once: {watch}")
        missed = {
            int(row["from"]): int(row["to"])
            for (kind, key), row in room.ledger.items()
            if kind == "missed" and key.startswith(f"{watch}/") and isinstance(row, dict)
        }
        for first, last in missed.items():
            both = [due for due in fired if isinstance(due, int) and first <= due <= last]
            if both:
                raise Broken(f"no_tick_is_fired_and_missed: {watch} {both[0]}")
        if done.next_due(trigger) - room.clock.now() > STORM_MS + QUIET_MS + HOUR_MS:
            raise Broken(f"no_timer_waits_for_what_never_was: {watch}")
        for after, until in (*done.others, (done.since, done.last)):
            _is_seen_to(trigger, after, until, {*fired}, missed)


def _is_seen_to(
    trigger: Trigger, after: Instant, until: Instant, fired: set[Json], missed: Mapping[int, int]
) -> None:
    due = tick_after(trigger, after)
    while due <= until:
        if due in missed:
            due = tick_after(trigger, Instant(missed[due]))
        elif due in fired:
            due = tick_after(trigger, due)
        else:
            raise Broken(f"no_tick_is_lost: {trigger.id} {due}")


def each_push_starts_one_run(room: Room) -> None:
    """The tip of each ref that was pushed has one run of each trigger, and no commit has two."""
    for poll in POLLS:
        started = Counter(
            (str(s.values["ref"]), str(s.values["hash"]))
            for s in room.starts
            if s.trigger == poll.id
        )
        if twice := [push for push, number in started.items() if number > 1]:
            raise Broken(f"each_push_starts_one_run: {poll.id} {twice}")
        for ref, commit in room.remote.items():
            if (ref, commit) in room.pushes and not started[ref, commit]:
                raise Broken(f"no_push_is_lost: {poll.id} {ref} {commit}")
