"""Timers: once for each key, at its instant, and no more room than is needed."""

import asyncio
from collections.abc import Hashable

import pytest

from floe.hub.clock import STALE_MAX, Timers, WallClock
from floe.model.refs import Instant
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
