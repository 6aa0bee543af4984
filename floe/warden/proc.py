"""Processes as /proc shows them: who is there, whose child, and signals to exactly that one."""

# One system call each, where Path is slower.
# ruff: noqa: PTH110, PTH208

import os
import signal
import time
from collections.abc import Iterable
from typing import Final, NamedTuple

TICKS_S: Final = os.sysconf("SC_CLK_TCK")
HAS_CHILDREN: Final = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
"""False for kernels without CONFIG_PROC_CHILDREN: all of /proc is read instead."""


class Proc(NamedTuple):
    """A process; pid and ticks together name it for as long as the machine is up."""

    ppid: int
    pgrp: int
    sid: int
    ticks: int
    """When it started, in clock ticks since boot."""
    is_alive: bool
    """False for one that only waits to be reaped; its first thread alone may be dead, too."""


def slurp(path: str, *, is_one_record: bool = False) -> bytes:
    """Read a file of /proc; empty where the process is gone or is not ours to look at.

    One record comes whole with the first read, and what makes it is dear enough to ask once.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
    try:
        parts = [os.read(fd, 65536)]
        while not is_one_record and (part := os.read(fd, 65536)):
            parts.append(part)
        return b"".join(parts)
    except (ProcessLookupError, PermissionError):
        return b""
    finally:
        os.close(fd)


def look(pid: int) -> Proc | None:
    """Look at a process; None where there is none."""
    stat = slurp(f"/proc/{pid}/stat", is_one_record=True)
    if not stat:
        return None
    # The name before the last ")" may contain anything, blanks and ")" too.
    fields = stat[stat.rindex(b")") + 2 :].split()
    is_alive = fields[0] not in b"ZX" or int(fields[17]) > 1
    return Proc(int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), is_alive)


def ticks_now() -> int:
    """The instant, in clock ticks since boot."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) * TICKS_S // 10**9


def ticks_of(pid: int, since: int) -> int:
    """When a process started that began between `since` and now; 0 where it cannot be looked at.

    Most begin within one tick, and then nothing has to be read.
    """
    if since == ticks_now():
        return since
    try:
        proc = look(pid)
    except OSError:
        return 0
    return proc.ticks if proc else 0


def census() -> dict[int, Proc]:
    """Look at every process of the machine, except those that wait to be reaped."""
    found = ((int(name), look(int(name))) for name in os.listdir("/proc") if name.isdigit())
    return {pid: proc for pid, proc in found if proc and proc.is_alive}


def families() -> dict[int, list[int]]:
    """Children by parent, of the whole machine."""
    by_parent: dict[int, list[int]] = {}
    for pid, proc in census().items():
        by_parent.setdefault(proc.ppid, []).append(pid)
    return by_parent


def children(pid: int) -> list[int]:
    """Children of a process, of all its threads."""
    if not HAS_CHILDREN:
        return families().get(pid, [])
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []
    return [
        int(child)
        for thread in threads
        for child in slurp(f"/proc/{pid}/task/{thread}/children").split()
    ]


def tree(roots: Iterable[int]) -> dict[int, Proc]:
    """Look at processes and all below them; parents come before their children."""
    by_parent = None if HAS_CHILDREN else families()
    found: dict[int, Proc] = {}
    todo = list(roots)
    for pid in todo:
        if pid not in found and (proc := look(pid)):
            found[pid] = proc
            todo += children(pid) if by_parent is None else by_parent.get(pid, ())
    return found


def marked(pid: int, mark: bytes) -> str:
    """The key in a process's environment after `mark`; empty where there is none."""
    for entry in slurp(f"/proc/{pid}/environ").split(b"\0"):
        if entry.startswith(mark):
            return entry[len(mark) :].decode("ascii", "replace")
    return ""


def send(pid: int, proc: Proc, *signals: signal.Signals) -> bool:
    """Signal a process if it still is the one that was looked at; False where that is forbidden.

    Between look and kill lie microseconds, in which the pid would have to end, be reaped, and
    come round again through all other pids.
    """
    present = look(pid)
    if present is None or present.ticks != proc.ticks:
        return True
    try:
        for number in signals:
            os.kill(pid, number)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return True
