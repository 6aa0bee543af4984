"""Finds and stops the processes that a dead warden left, and only then reports them lost."""

import os
import signal
from collections.abc import Callable
from typing import Any

from floe.warden.attempts import RunningAttempt
from floe.warden.family import remember, term
from floe.warden.message_lines import read_message_line
from floe.warden.proc import Proc, census, marked, send
from floe.warden.stamp import stamped


def unfinished(
    key: str, head: dict[str, Any], messages: list[bytes], boot: str, mark: str
) -> RunningAttempt | None:
    """A leftover: an attempt without a last message; None if it ended. `head` is its start."""
    last = read_message_line(messages[-1]) if messages else {}
    if last.get("word") in ("exited", "not-started", "lost"):
        return None
    attempt = RunningAttempt(key, why="lost", grace_s=head.get("grace_s", 10.0))
    # From a different boot or folder (a copy): none of its processes can exist.
    if (head.get("boot"), head.get("mark")) == (boot, mark):
        attempt.pid, attempt.ticks = last.get("pid", 0), last.get("ticks", 0)
        attempt.stamp = head.get("stamp", 0)
    return attempt


def press_left(
    left: dict[str, RunningAttempt],
    env_mark: bytes,
    now: float,
    finish: Callable[[RunningAttempt], None],
) -> None:
    """Continue to stop the processes of a dead warden, which are not this warden's children.

    `finish` is called with each attempt that has no process left.
    """
    everyone = census()
    everyone.pop(os.getpid(), None)
    stamps = {attempt.stamp: attempt.key for attempt in left.values() if attempt.stamp}
    keys = {
        pid: marked(pid, env_mark) or (stamps.get(stamped(pid), "") if stamps else "")
        for pid in everyone
    }
    for attempt in list(left.values()):
        found = leftovers(attempt, everyone, keys)
        remember(attempt, found)
        if attempt.kill_at is None:
            attempt.kill_at = now + attempt.grace_s
        if now < attempt.kill_at:
            term(attempt, found)
        else:
            for pid, proc in found.items():
                send(pid, proc, signal.SIGKILL)
        if not found:
            finish(attempt)


def leftovers(
    attempt: RunningAttempt, everyone: dict[int, Proc], keys: dict[int, str]
) -> dict[int, Proc]:
    """The processes of an attempt of a dead warden.

    A session counts only while it has a process that certainly belongs to the attempt, because the
    id of an empty session may have been reused.
    """
    found = {
        pid: proc
        for pid, proc in everyone.items()
        if keys[pid] == attempt.key
        or (pid == attempt.pid and proc.ticks == attempt.ticks)
        or attempt.seen.get(pid) == proc.ticks
    }
    size = -1
    while size < len(found):
        size = len(found)
        sids = {proc.sid for proc in found.values()}
        for pid, proc in everyone.items():
            if proc.ppid in found or proc.sid in sids:
                found[pid] = proc
    return found
