"""A warden that stands still is noticed by its state, or by an answer that does not come."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from floe.nodes.pulse import WARDEN_SILENCE_S, Pulse, described, state_of
from tests.make_warden import until


class Clock:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sleeper() -> Iterator[int]:
    """The pid of a process that does nothing."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        asyncio.run(until(lambda: state_of(process.pid) == "S"))
        yield process.pid
        process.kill()


def test_idle_warden_is_not_asked(clock: Clock, sleeper: int) -> None:
    assert not Pulse(sleeper, clock).look(is_busy=False)


def test_busy_warden_is_asked_once_until_it_answers(clock: Clock, sleeper: int) -> None:
    pulse = Pulse(sleeper, clock)

    asked = [pulse.look(is_busy=True), pulse.look(is_busy=True)]
    pulse.answered()

    assert [*asked, pulse.look(is_busy=True)] == [True, False, True]


def test_warden_that_does_not_answer_stands_still(clock: Clock, sleeper: int) -> None:
    pulse = Pulse(sleeper, clock)
    pulse.look(is_busy=True)

    clock.now += WARDEN_SILENCE_S

    state = f"pid {sleeper}, state S: sleeping"
    says = f"the warden has not answered for {WARDEN_SILENCE_S:.0f} s ({state})"
    assert pulse.problem() == says


def test_warden_that_answers_late_works_again(clock: Clock, sleeper: int) -> None:
    pulse = Pulse(sleeper, clock)
    pulse.look(is_busy=True)
    clock.now += WARDEN_SILENCE_S

    pulse.answered()

    assert pulse.problem() == ""


def test_idle_warden_that_is_stopped_stands_still(clock: Clock, sleeper: int) -> None:
    os.kill(sleeper, signal.SIGSTOP)
    asyncio.run(until(lambda: state_of(sleeper) == "T"))
    pulse = Pulse(sleeper, clock)
    pulse.look(is_busy=False)

    clock.now += WARDEN_SILENCE_S

    assert "state T: stopped" in pulse.problem()


def test_idle_warden_that_goes_on_works_again(clock: Clock, sleeper: int) -> None:
    os.kill(sleeper, signal.SIGSTOP)
    asyncio.run(until(lambda: state_of(sleeper) == "T"))
    pulse = Pulse(sleeper, clock)
    pulse.look(is_busy=False)
    clock.now += WARDEN_SILENCE_S
    os.kill(sleeper, signal.SIGCONT)
    asyncio.run(until(lambda: state_of(sleeper) == "S"))

    pulse.look(is_busy=False)

    assert pulse.problem() == ""


def test_idle_warden_that_sleeps_is_no_problem_for_ever(clock: Clock, sleeper: int) -> None:
    pulse = Pulse(sleeper, clock)
    pulse.look(is_busy=False)

    clock.now += 1000 * WARDEN_SILENCE_S
    pulse.look(is_busy=False)

    assert pulse.problem() == ""


def test_process_that_is_gone_has_no_state() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()

    assert state_of(process.pid) == " "


def test_warden_without_address_space_is_described_with_its_limit(sleeper: int) -> None:
    resource.prlimit(sleeper, resource.RLIMIT_AS, (1024 * 1024, resource.RLIM_INFINITY))

    assert described(sleeper).endswith(
        "; it has used up its address space, and `ulimit -v` allows 1024 KiB"
    )
