"""Reads processes from /proc, finds their children, and signals exactly the process it read."""

# Single system calls: Path is slower.
# ruff: noqa: PTH110, PTH208

import os
import signal
import time
from collections.abc import Iterable
from typing import Final, NamedTuple

TICKS_S: Final = os.sysconf("SC_CLK_TCK")
HAS_CHILDREN: Final = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
"""False for kernels without CONFIG_PROC_CHILDREN: all of /proc is read instead."""

CHILDREN_BYTES: Final = 2048
"""A read of a list of children ends at half a page at the earliest, unless the list does."""


class Proc(NamedTuple):
    """A process; pid and ticks together identify it until the machine restarts."""

    ppid: int
    pgrp: int
    sid: int
    ticks: int
    """When it started, in clock ticks since boot."""
    is_alive: bool
    """False if it only waits to be reaped. True if just its first thread is dead."""


def slurp(path: str, *, is_one_record: bool = False) -> bytes:
    """Read a file of /proc; empty if the process is gone or must not be read.

    The first read returns one record completely, and producing it is expensive, so read once.
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
    """Read a process from /proc; None if it does not exist."""
    stat = slurp(f"/proc/{pid}/stat", is_one_record=True)
    if not stat:
        return None
    # The name before the last ")" may contain anything, including blanks and ")".
    fields = stat[stat.rindex(b")") + 2 :].split()
    is_alive = fields[0] not in b"ZX" or int(fields[17]) > 1
    return Proc(int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), is_alive)


def ticks_now() -> int:
    """The current instant in clock ticks since boot, as /proc counts."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) * TICKS_S // 10**9


def ticks_of(pid: int, since: int) -> int:
    """The start tick in /proc of a process that started since then; 0 if it cannot be read.

    Most start within one tick, and then nothing has to be read.
    """
    if since == ticks_now():
        return since
    try:
        proc = look(pid)
    except OSError:
        return 0
    return proc.ticks if proc else 0


def census() -> dict[int, Proc]:
    """Read every process in /proc, except those that wait to be reaped."""
    found = ((int(name), look(int(name))) for name in os.listdir("/proc") if name.isdigit())
    return {pid: proc for pid, proc in found if proc and proc.is_alive}


def families() -> dict[int, list[int]]:
    """Children by parent, of the whole machine, from /proc."""
    by_parent: dict[int, list[int]] = {}
    for pid, proc in census().items():
        by_parent.setdefault(proc.ppid, []).append(pid)
    return by_parent


def children(pid: int) -> list[int]:
    """Children of a process, of all its threads, from /proc."""
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


class OwnChildren:
    """The children of this process in /proc, read by one call. Only its main thread may have any:
    the kernel gives orphans to the first thread, and no other one starts processes."""

    def __init__(self) -> None:
        path = f"/proc/self/task/{os.getpid()}/children"
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if HAS_CHILDREN else -1

    def pids(self) -> list[int]:
        """The pids of the children of this process, from /proc."""
        if self._file < 0:
            return children(os.getpid())
        data = os.pread(self._file, 65536, 0)
        while len(data) >= CHILDREN_BYTES and (rest := os.pread(self._file, 65536, len(data))):
            data += rest
        return [int(pid) for pid in data.split()]


def tree(roots: Iterable[int]) -> dict[int, Proc]:
    """Read processes and all their descendants from /proc; parents come before their children."""
    by_parent = None if HAS_CHILDREN else families()
    found: dict[int, Proc] = {}
    todo = list(roots)
    for pid in todo:
        if pid not in found and (proc := look(pid)):
            found[pid] = proc
            todo += children(pid) if by_parent is None else by_parent.get(pid, ())
    return found


def marked(pid: int, mark: bytes) -> str:
    """The key after `mark` in a process's environment in /proc; empty if there is none."""
    for entry in slurp(f"/proc/{pid}/environ").split(b"\0"):
        if entry.startswith(mark):
            return entry[len(mark) :].decode("ascii", "replace")
    return ""


def send(pid: int, proc: Proc, *signals: signal.Signals) -> bool:
    """Signal a process if it is still the one read from /proc; False if that is forbidden.

    Only microseconds pass between the check and the kill. In these the process would have to end,
    be reaped, and its pid be reused after all other pids.
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
