"""Timers fire once for each key, at its instant; a clock that is set moves none of them."""

import asyncio
from collections.abc import Hashable

import pytest

from floe.hub.clock import HOLD_S, REPORTED_S, STALE_MAX, Timers, WallClock, due_after_moves
from floe.model.ids import Instant
from tests.hands import HandClock


class Rung:
    """Timers over a hand clock, and what has fired when."""

    def __init__(self) -> None:
        self.clock = HandClock(Instant(0))
        self.fired: list[tuple[Hashable, Instant]] = []
        self.timers = Timers(self.clock, lambda key: self.fired.append((key, self.clock.now())))


def test_each_key_fires_once_at_its_instant_soonest_first() -> None:
    rung = Rung()
    rung.timers.set("b", Instant(2000))
    rung.timers.set("a", Instant(1000))

    rung.clock.advance(10)

    assert rung.fired == [("a", 1000), ("b", 2000)]


def test_key_that_was_moved_fires_at_its_new_instant_alone() -> None:
    rung = Rung()
    for due in (1000, 3000, 2000):
        rung.timers.set("a", Instant(due))

    rung.clock.advance(10)

    assert rung.fired == [("a", 2000)]


def test_dropped_key_does_not_fire_and_unknown_ones_are_ignored() -> None:
    rung = Rung()
    rung.timers.set("a", Instant(1000))

    rung.timers.drop("a")
    rung.timers.drop("never set")
    rung.clock.advance(10)

    assert rung.fired == []


def test_closed_timers_fire_nothing_and_close_again() -> None:
    rung = Rung()
    rung.timers.set("a", Instant(1000))

    rung.timers.close()
    rung.timers.close()
    rung.clock.advance(10)

    assert rung.fired == []


def test_key_set_while_firing_fires_too() -> None:
    clock = HandClock(Instant(0))
    fired: list[Instant] = []

    def again(key: Hashable) -> None:
        fired.append(clock.now())
        timers.set(key, Instant(clock.now() + 1000))

    timers = Timers(clock, again)
    timers.set("a", Instant(1000))

    clock.advance(3.5)

    assert fired == [1000, 2000, 3000]


def test_failing_callback_does_not_stop_the_other_timers() -> None:
    clock = HandClock(Instant(0))
    fired: list[Hashable] = []

    def one_fails(key: Hashable) -> None:
        if key == "bad":
            raise RuntimeError("a bug")
        fired.append(key)

    timers = Timers(clock, one_fails)
    timers.set("bad", Instant(1000))
    timers.set("good", Instant(2000))

    with pytest.raises(RuntimeError):
        clock.advance(1)
    clock.advance(1)

    assert fired == ["good"]


def test_timers_dropped_long_before_they_are_due_leave_no_trace() -> None:
    rung = Rung()

    for number in range(5 * STALE_MAX):
        rung.timers.set(number, Instant(10**9 + number))
        rung.timers.drop(number)

    assert len(rung.timers) <= STALE_MAX + 1


def test_dropping_keeps_those_that_are_still_set() -> None:
    rung = Rung()
    for number in range(3 * STALE_MAX):
        rung.timers.set(number, Instant(1000 + number))

    for number in range(1, 3 * STALE_MAX):
        rung.timers.drop(number)
    rung.clock.advance(100)

    assert rung.fired == [(0, 1000)]


async def test_wall_clock_calls_when_the_instant_has_come() -> None:
    clock = WallClock()
    called = asyncio.Event()
    due = Instant(clock.now() + 20)

    clock.wake(due, called.set)
    async with asyncio.timeout(30):
        await called.wait()

    assert clock.now() >= due - 1


async def test_wall_clock_takes_a_call_back() -> None:
    clock = WallClock()
    first, second = asyncio.Event(), asyncio.Event()

    clock.wake(clock.now(), first.set)()
    clock.wake(Instant(clock.now() + 5), second.set)
    async with asyncio.timeout(30):
        await second.wait()

    assert not first.is_set()


# --- a clock that is set ---

YEAR_S = 365 * 24 * 3600.0
JUMPS = [2.0, -2.0, 3600.0, -3600.0, YEAR_S, -YEAR_S, 50 * YEAR_S]


class Machine:
    """A machine whose wall clock may be set, and the clock of a host there."""

    def __init__(self) -> None:
        self.boot_ms = 5_000
        self.wall_ms = 1_800_000_000_000
        self.clock = WallClock(lambda: self.wall_ms, lambda: self.boot_ms)

    def wait(self, seconds: float, *, rate: float = 1.0) -> None:
        """Let time pass; the wall clock goes faster or slower by a rate."""
        for _ in range(10):
            self.boot_ms += round(seconds * 100)
            self.wall_ms += round(seconds * 100 * rate)
            self.clock.now()

    def set(self, seconds: float) -> None:
        """Set the wall clock ahead, or back."""
        self.wall_ms += round(seconds * 1000)
        self.clock.now()


@pytest.mark.parametrize("by_s", JUMPS)
def test_jump_that_does_not_last_moves_nothing(by_s: float) -> None:
    machine = Machine()
    before = machine.clock.now()

    machine.set(by_s)
    machine.wait(HOLD_S - 1)
    during = (machine.clock.now(), machine.clock.accept())
    machine.set(-by_s)
    machine.wait(60)

    assert during == (before + (HOLD_S - 1) * 1000, 0)
    assert (machine.clock.now(), machine.clock.accept()) == (machine.wall_ms, 0)


@pytest.mark.parametrize("by_s", JUMPS)
def test_clock_that_stays_where_it_was_set_is_believed_once(by_s: float) -> None:
    machine = Machine()
    machine.set(by_s)
    machine.wait(HOLD_S)

    moved = [machine.clock.accept(), machine.clock.accept()]

    assert moved == [by_s * 1000, 0]
    assert machine.clock.now() == machine.wall_ms


def test_clock_that_is_set_again_and_again_is_believed_when_it_stays() -> None:
    machine = Machine()
    start = machine.clock.now()
    for by_s in (100, -300, 700):
        machine.set(by_s)
        machine.wait(HOLD_S - 1)
        assert machine.clock.accept() == 0

    between = machine.clock.now()
    machine.wait(1)

    assert between == start + 3 * (HOLD_S - 1) * 1000
    assert machine.clock.accept() == 500_000


@pytest.mark.parametrize("rate", [1.0005, 0.9995, 1.08, 0.92])
def test_clock_that_is_adjusted_by_and_by_is_followed(rate: float) -> None:
    machine = Machine()

    for _ in range(1000):
        machine.wait(1, rate=rate)

    assert (machine.clock.now(), machine.clock.accept()) == (machine.wall_ms, 0)


def test_machine_that_was_asleep_has_not_jumped() -> None:
    machine = Machine()
    machine.boot_ms += 8 * 3600 * 1000
    machine.wall_ms += 8 * 3600 * 1000

    assert (machine.clock.now(), machine.clock.problem()) == (machine.wall_ms, "")


def test_jump_is_named_from_its_first_second_until_a_while_after() -> None:
    machine = Machine()
    machine.set(-3600)
    machine.wait(2)
    jumped = machine.clock.problem()
    machine.wait(HOLD_S)
    machine.clock.accept()
    machine.wait(5)
    was_set = machine.clock.problem()
    machine.wait(REPORTED_S)

    assert jumped.startswith("its clock jumped 3600 s back 2 s ago")
    assert was_set == "its clock was set 3600 s back 5 s ago"
    assert machine.clock.problem() == ""


@pytest.mark.parametrize("by_s", JUMPS)
def test_stamp_of_another_process_is_by_this_clock_while_a_jump_is_held(by_s: float) -> None:
    machine = Machine()
    before = machine.clock.now()
    machine.set(by_s)

    stamps = [machine.clock.stamp(Instant(at)) for at in (machine.wall_ms, before)]

    assert stamps == [before, before]


def test_process_after_a_jump_goes_on_from_the_one_before_it() -> None:
    machine = Machine()
    row = machine.clock.row()
    machine.set(YEAR_S)
    machine.wait(1)

    again = WallClock(lambda: machine.wall_ms, lambda: machine.boot_ms)
    again.go_on(row)

    assert again.now() == machine.clock.now()


def test_boot_of_the_machine_begins_with_its_wall_clock() -> None:
    machine = Machine()
    machine.clock.go_on({"boot": "another", "offset": 7})

    assert machine.clock.now() == machine.wall_ms


@pytest.mark.parametrize("by_ms", [-(10**9), 10**9])
def test_timers_of_a_clock_that_was_set_fire_after_as_long_a_time(by_ms: int) -> None:
    rung = Rung()
    rung.timers.set("a", Instant(60_000))
    rung.timers.set("b", Instant(90_000))
    rung.timers.drop("b")
    rung.clock.advance(10)

    rung.timers.move(rung.clock.set(by_ms / 1000))
    rung.clock.advance(49)
    early = list(rung.fired)
    rung.clock.advance(2)

    assert early == []
    assert rung.fired == [("a", 60_000 + by_ms)]


@pytest.mark.parametrize(
    ("due", "moves", "now", "expected"),
    [
        (60_000, [], 10_000, 60_000),  # nothing happened
        (60_000, [], 90_000, 60_000),  # it is overdue
        (60_000, [(20_000, 500_000)], 510_000, 540_000),  # it began before the move
        (530_000, [(20_000, 500_000)], 510_000, 530_000),  # and after it
        (60_000, [(20_000, 500_000), (510_000, 900_000)], 905_000, 930_000),
        (900_000, [], 10_000, 70_000),  # the clock was set back: as long as from its begin
    ],
)
def test_wait_that_an_earlier_process_recorded_is_over_in_its_time(
    due: int, moves: list[tuple[int, int]], now: int, expected: int
) -> None:
    known = tuple((Instant(old), Instant(new)) for old, new in moves)

    assert due_after_moves(Instant(due), 60_000, known, Instant(now)) == expected


@pytest.mark.parametrize("by_s", [YEAR_S, -YEAR_S, 3600.0])
def test_restart_after_the_clock_was_set_ends_waits_in_their_time(by_s: float) -> None:
    machine = Machine()
    due = Instant(machine.clock.now() + 60_000)
    machine.set(by_s)
    machine.wait(HOLD_S)
    machine.clock.accept()

    again = WallClock(lambda: machine.wall_ms, lambda: machine.boot_ms)
    again.go_on(machine.clock.row())

    left_s = (again.due(due, 60_000) - again.now()) / 1000
    assert left_s == (45 if by_s > 0 else 60)
