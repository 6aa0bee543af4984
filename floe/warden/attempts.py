"""Running attempts, and messages about attempts."""

import json
import re
import time
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from floe.warden.outputs import Output

KEY: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._@-]{1,200}")
"""The key of an attempt."""


@dataclass(slots=True, eq=False)
class RunningAttempt:
    """A command that was started and whose end is not reported yet."""

    key: str
    pid: int = 0
    """The pid of its session leader; 0 if unknown."""
    ticks: int = 0
    stamp: int = 0
    """The stamp on its processes; 0 for none."""
    grace_s: float = 10.0
    status: int | None = None
    """The exit status of the leader; None until it exits."""
    why: str = "exited"
    """The reason of its end; `lost` for an attempt of an earlier warden."""
    due: float = inf
    """When the next action is due: the timeout, then KILL."""
    kill_at: float | None = None
    """When grace ends; None until the first TERM."""
    output: Output | None = None
    """None for an attempt of an earlier warden."""
    is_given_up: bool = False
    """It was stopped after its command ended: it no longer waits for disk space."""
    seen: dict[int, int] = field(default_factory=dict)
    """The start ticks of its processes by pid, at the latest check."""
    sids: set[int] = field(default_factory=set)
    """The sessions of its processes."""
    termed: set[tuple[int, int]] = field(default_factory=set)
    """The processes that got TERM; a second TERM has a different effect on some programs."""


def message_line(kind: str, key: str = "", **fields: object) -> bytes:
    """One line of the protocol, and of the journal."""
    named = {"word": kind, "key": key} if key else {"word": kind}
    return json.dumps(named | {"at": time.time_ns() // 1_000_000} | fields).encode() + b"\n"


def read(line: bytes) -> dict[str, Any]:
    """Parse a line of the journal; empty if it is not valid."""
    try:
        known = json.loads(line)
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
