"""The warden's child processes: which attempt each belongs to, and how they are stopped.

Rule of this file: the warden is a child subreaper, so the root of every process tree that an
attempt leaves is a child of the warden. Only `reap` waits for children. So a child's pid cannot be
reused before `reap` has seen it, and the list of children cannot shrink while it is read.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection, Mapping
from math import inf
from typing import Final

from floe.warden.attempts import RunningAttempt
from floe.warden.log import log_line
from floe.warden.proc import OwnChildren, Proc, look, marked, send, tree
from floe.warden.stamp import stamped

KILL_AGAIN_S: Final = 0.05


class Family:
    """The processes of all running attempts."""

    def __init__(
        self,
        running: Mapping[str, RunningAttempt],
        env_mark: bytes,
        finish: Callable[[RunningAttempt], None],
    ) -> None:
        """`finish` is called with an attempt whose last process is gone."""
        self._running = running
        self._env_mark = env_mark
        self._finish = finish
        self._leaders: dict[int, RunningAttempt] = {}
        self._orphans: dict[int, RunningAttempt | None] = {}
        """All other children, with their attempts; None if unknown."""
        self._immune: set[int] = set()
        """Children that the warden must not signal, such as those of sudo."""
        self._own = OwnChildren()

    def add(self, attempt: RunningAttempt) -> None:
        """Add an attempt whose leader was started."""
        self._leaders[attempt.pid] = attempt

    def reap(self) -> None:
        """Reap every exited child, and continue to stop the attempts whose leader has exited."""
        has_children = True
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                has_children = False
                break
            if not pid:
                break
            if attempt := self._leaders.pop(pid, None):
                code = os.waitstatus_to_exitcode(status)
                attempt.status = code if code >= 0 else 128 - code
                attempt.due = inf if attempt.kill_at is None else attempt.kill_at
            self._orphans.pop(pid, None)
            self._immune.discard(pid)
        gone = [a for a in self._running.values() if a.status is not None]
        if gone and has_children:
            self.adopt()
        for attempt in gone:
            self.press(attempt)

    def adopt(self) -> None:
        """Assign the children that the warden did not start itself to attempts."""
        for pid in self._own.pids():
            if pid not in self._leaders and pid not in self._orphans and pid not in self._immune:
                self._orphans[pid] = self._owner(pid)

    def _owner(self, pid: int) -> RunningAttempt | None:
        if stamp := stamped(pid):
            for attempt in self._running.values():
                if attempt.stamp == stamp:
                    return attempt
        if marked_as := self._running.get(marked(pid, self._env_mark)):
            return marked_as
        proc = look(pid)
        for attempt in self._running.values():
            if proc and (proc.sid == attempt.pid or attempt.seen.get(pid) == proc.ticks):
                return attempt
        for attempt in self._running.values():
            if proc and proc.sid in attempt.sids:
                return attempt
        return None

    def look(self) -> None:
        """Remember the processes of each attempt, to recognise them if they lose their parents."""
        self.adopt()
        for attempt in self._running.values():
            remember(attempt, tree(self._roots(attempt)))

    def pids(self) -> Collection[int]:
        """All current processes of all attempts."""
        self.look()
        return {pid for attempt in self._running.values() for pid in attempt.seen}

    def _roots(self, attempt: RunningAttempt) -> list[int]:
        orphans = [pid for pid, owner in self._orphans.items() if owner is attempt]
        return orphans if attempt.status is not None else [attempt.pid, *orphans]

    def press(self, attempt: RunningAttempt) -> None:
        """Finish an attempt if it has no process left; otherwise continue to stop it.

        Each process gets TERM once; after grace all get KILL, repeatedly.
        """
        if attempt.status is not None and len(self._running) == 1:
            # With one attempt, unassigned processes can belong to no other.
            self._orphans = {pid: owner or attempt for pid, owner in self._orphans.items()}
        roots = self._roots(attempt)
        if not roots:
            self._finish(attempt)
            return
        found = tree(roots)
        remember(attempt, found)
        now = time.monotonic()
        if attempt.kill_at is None:
            attempt.kill_at = now + attempt.grace_s
        if now < attempt.kill_at:
            attempt.due = attempt.kill_at
            term(attempt, found)
        else:
            attempt.due = now + max(
                KILL_AGAIN_S, now - attempt.kill_at
            )  # after that, once per tick is enough
            self._kill(attempt, roots, found)

    def _kill(self, attempt: RunningAttempt, roots: list[int], found: dict[int, Proc]) -> None:
        for pid in roots:
            # Kill whole groups, since a fork bomb outruns single kills. The id cannot name a
            # different group, because a child of the warden is in it.
            if proc := found.get(pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    assert proc.pgrp > 1
                    os.killpg(proc.pgrp, signal.SIGKILL)
        for pid, proc in found.items():
            if not send(pid, proc, signal.SIGKILL) and pid in {*roots} - self._immune:
                # Stop waiting for an orphan, but not for a leader, whose end was requested.
                log_line("attempt.cannot_signal", key=attempt.key, pid=pid)
                self._orphans.pop(pid, None)
                self._immune.add(pid)


def remember(attempt: RunningAttempt, found: dict[int, Proc]) -> None:
    """Remember the family of an attempt: its processes."""
    attempt.seen = {pid: proc.ticks for pid, proc in found.items()}
    attempt.sids = {proc.sid for proc in found.values()}


def term(attempt: RunningAttempt, found: dict[int, Proc]) -> None:
    """Send TERM to each process of the family once; also continue stopped ones."""
    for pid, proc in found.items():
        if (pid, proc.ticks) not in attempt.termed:
            attempt.termed.add((pid, proc.ticks))
            send(pid, proc, signal.SIGTERM, signal.SIGCONT)
