"""Detects a warden that is connected but makes no progress.

A signal can stop it, its cgroup can be frozen, or a file system can hang. An idle warden is not
woken for this check: its state is read from /proc. While it runs commands, which wake it anyway,
it is also asked for an answer.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

SPARE_BYTES: Final = 1024 * 1024
"""With less address space left, a warden can do little."""

CHECK_S: Final = 4.0
"""Seconds between two checks."""

WARDEN_SILENCE_S: Final = 8.0
"""Seconds without an answer after which a warden counts as stuck: two checks."""

STATE_NAMES: Final = {
    "T": "stopped",
    "t": "stopped by a debugger",
    "D": "waits for a disk",
    "R": "running",
    "S": "sleeping",
    "Z": "dead",
}
STILL: Final = "TtD"
"""States in which a process makes no progress."""


class Pulse:
    """The last signs of life of one warden."""

    def __init__(self, pid: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`pid` is the warden's; 0 if it is not known."""
        self._pid = pid
        self._clock = clock
        self._asked_at: float | None = None
        self._still_at: float | None = None

    def answered(self) -> None:
        """Record that the warden sent something."""
        self._asked_at = self._still_at = None

    def look(self, *, is_busy: bool) -> bool:
        """Check its state; return whether to ask it for an answer."""
        now = self._clock()
        if state_of(self._pid) not in STILL:
            self._still_at = None
        elif self._still_at is None:
            self._still_at = now
        if not is_busy:
            self._asked_at = None
        elif self._asked_at is None:
            self._asked_at = now
            return True
        return False

    def problem(self) -> str:
        """That the warden is stuck, with pid and state; empty while it works."""
        since = min(filter(None, (self._asked_at, self._still_at)), default=None)
        silent_s = 0.0 if since is None else self._clock() - since
        if silent_s < WARDEN_SILENCE_S:
            return ""
        return f"the warden has not answered for {silent_s:.0f} s ({described(self._pid)})"


def described(pid: int) -> str:
    """A process whose pulse is watched, and its state, for people."""
    state = state_of(pid)
    named = f"pid {pid}, state {state}: {STATE_NAMES[state]}"
    return (named if state in STATE_NAMES else f"pid {pid}") + _short_of_memory(pid)


def _short_of_memory(pid: int) -> str:
    """That a process has used up its address space, for people; empty if it has not."""
    try:
        limits = Path(f"/proc/{pid}/limits").read_text()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""
    soft = re.search(r"^Max address space +(\d+) ", limits, re.MULTILINE)
    used = re.search(r"^VmSize:\s+(\d+) kB", status, re.MULTILINE)
    if soft is None or used is None or int(soft[1]) > 1024 * int(used[1]) + SPARE_BYTES:
        return ""
    return f"; it has used up its address space, and `ulimit -v` allows {int(soft[1]) // 1024} KiB"


def state_of(pid: int) -> str:
    """The pulse of a process: its state as one letter; a blank if it does not exist."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2][:1]
    except OSError:
        return " "
