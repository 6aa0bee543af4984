"""What a warden that died left behind: found, ended, and only then said to be lost."""

import os
import signal
from collections.abc import Callable

from floe.warden.attempts import Attempt, read
from floe.warden.family import remember, term
from floe.warden.proc import Proc, census, marked, send
from floe.warden.stamp import stamped


def unfinished(
    key: str, lines: list[bytes], words: list[bytes], boot: str, mark: str
) -> Attempt | None:
    """The attempt of a file that has no last word; None where it has one."""
    last = read(words[-1]) if words else {}
    if last.get("word") in ("exited", "not-started", "lost"):
        return None
    head = read(lines[0]) if lines else {}
    attempt = Attempt(key, why="lost", grace_s=head.get("grace_s", 10.0))
    # Of another boot or of another folder (a copy): nothing of it can be here.
    if (head.get("boot"), head.get("mark")) == (boot, mark):
        attempt.pid, attempt.ticks = last.get("pid", 0), last.get("ticks", 0)
        attempt.stamp = head.get("stamp", 0)
    return attempt


def press_left(
    left: dict[str, Attempt], env_mark: bytes, now: float, finish: Callable[[Attempt], None]
) -> None:
    """Bring what a dead warden left nearer to its end; it does not become our child.

    `finish` is called with each attempt of which nothing is left.
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


def leftovers(attempt: Attempt, everyone: dict[int, Proc], keys: dict[int, str]) -> dict[int, Proc]:
    """Which processes belong to an attempt of a dead warden.

    A session counts only while a process that is surely of the attempt is in it: the id of an
    empty session may have come to mean somebody else's.
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
