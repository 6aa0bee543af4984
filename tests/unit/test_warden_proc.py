"""What the warden knows of a process from /proc, and without it."""

import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from floe.warden import proc
from floe.warden.proc import OwnChildren, look, ticks_now, ticks_of


def test_start_of_a_process_that_has_just_begun_is_the_one_that_the_system_shows() -> None:
    since = ticks_now()
    with subprocess.Popen(["sleep", "60"]) as process:
        ticks = ticks_of(process.pid, since)
        shown = look(process.pid)
        process.kill()

    assert shown is not None
    assert ticks == shown.ticks


def test_process_that_begins_within_one_tick_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proc, "ticks_now", lambda: 7)

    assert ticks_of(-1, 7) == 7


def test_process_that_is_gone_before_it_is_looked_at_has_no_start() -> None:
    assert ticks_of(2**22 + 1, ticks_now() - 1) == 0


def test_ticks_go_by_the_boot_clock() -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    ticks = ticks_now()

    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before // 10**9 <= ticks / proc.TICKS_S <= after // 10**9 + 1


@pytest.fixture
def sleepers() -> Iterator[list[int]]:
    processes = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
    yield [process.pid for process in processes]
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize("has_children", [True, False], ids=["children", "all of proc"])
def test_own_children_are_all_found(
    sleepers: list[int], monkeypatch: pytest.MonkeyPatch, has_children: bool
) -> None:
    monkeypatch.setattr(proc, "HAS_CHILDREN", has_children)

    assert {*sleepers} <= {*OwnChildren().pids()}


def test_own_children_of_more_than_one_read_are_all_found(
    sleepers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, pread = OwnChildren(), os.pread
    monkeypatch.setattr(proc, "CHILDREN_BYTES", 0)
    monkeypatch.setattr(os, "pread", lambda file, _size, start: pread(file, 4, start))

    assert {*sleepers} <= {*whole.pids()}


def test_child_that_was_started_later_is_found() -> None:
    children = OwnChildren()
    before = children.pids()

    with subprocess.Popen(["sleep", "60"]) as process:
        found = children.pids()
        process.kill()

    assert process.pid in found
    assert process.pid not in before
