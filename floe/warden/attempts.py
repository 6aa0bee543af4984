"""Running attempts, and messages about attempts."""

import re
from math import inf
from typing import Final

from floe.warden.outputs import Output

KEY: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._@-]{1,200}")
"""The key of an attempt."""


class RunningAttempt:
    """A command that was started and whose end is not reported yet.

    Not a dataclass: that import takes a sixth of the memory of a warden.
    """

    __slots__ = (
        "due",
        "grace_s",
        "is_given_up",
        "key",
        "kill_at",
        "output",
        "pid",
        "seen",
        "sids",
        "stamp",
        "status",
        "termed",
        "ticks",
        "why",
    )

    def __init__(
        self,
        key: str,
        *,
        pid: int = 0,
        ticks: int = 0,
        stamp: int = 0,
        grace_s: float = 10.0,
        why: str = "exited",
        due: float = inf,
        output: Output | None = None,
        seen: dict[int, int] | None = None,
    ) -> None:
        self.key = key
        self.pid = pid
        """The pid of its session leader; 0 if unknown."""
        self.ticks = ticks
        self.stamp = stamp
        """The stamp on its processes; 0 for none."""
        self.grace_s = grace_s
        self.status: int | None = None
        """The exit status of the leader; None until it exits."""
        self.why = why
        """The reason of its end; `lost` for an attempt of an earlier warden."""
        self.due = due
        """When the next action is due: the timeout, then KILL."""
        self.kill_at: float | None = None
        """When grace ends; None until the first TERM."""
        self.output = output
        """None for an attempt of an earlier warden."""
        self.is_given_up = False
        """It was stopped after its command ended: it no longer waits for disk space."""
        self.seen = seen or {}
        """The start ticks of its processes by pid, at the latest check."""
        self.sids: set[int] = set()
        """The sessions of its processes."""
        self.termed: set[tuple[int, int]] = set()
        """The processes that got TERM; a second TERM has a different effect on some programs."""
