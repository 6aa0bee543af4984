"""Problems of this machine that keep work from this host, checked every few seconds.

A full disk, a file system that hangs, a store whose file is gone, a warden that does not answer.
Meanwhile the core places no run here, executors begin nothing, new runs are refused, and people see
the reason. Work continues by itself once the problem is over.

Rule of this file: a file system that hangs may block one thread for each folder on it, and nothing
else.
"""

import asyncio
import os
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from floe.files import reason_of, write_probe
from floe.host.inputs import Incoming, Mark, Troubles
from floe.hub.clock import Clock
from floe.hub.effects import Effects
from floe.hub.loop import Loop
from floe.model.errors import FloeError, World
from floe.open_files import files_left, files_max
from floe.places import Places
from floe.store.base import LedgerWrite, RunStore

log = structlog.get_logger()

CHECK_S: Final = 4.0
"""Seconds between two checks."""

HANG_S: Final = 8.0
"""Seconds after which a file system that does not answer counts as hanging."""

FREE_BYTES: Final = 512 * 1024
"""A disk with less is full, since an attempt needs a folder and four files. A disk that was full
has room again at twice that."""

FREE_INODES: Final = 32

TIGHT_BYTES: Final = 64 * 1024 * 1024
"""With less, or fewer inodes than `TIGHT_INODES`, a check writes a file: the figures of a disk do
not show quotas."""

TIGHT_INODES: Final = 1024

FILES_LEFT: Final = 16
"""Open files that stay free for what is under way: with fewer, nothing is begun."""


class Machine:
    """The problems of the machine at the last check."""

    def __init__(
        self,
        loop: Loop,
        effects: Effects,
        store: RunStore,
        clock: Clock,
        folders: Mapping[str, Path],
        places: Places,
    ) -> None:
        """`folders` are the folders that runs need, by their names in a sentence."""
        self._loop = loop
        self._effects = effects
        self._store = store
        self._clock = clock
        self._folders = [MachineFolder(name, path) for name, path in folders.items()]
        self._places = places
        self._lost_store = ""
        self.files = ""
        """That too few open files are left to begin anything; runs wait. Empty for enough."""

    def refusal(self) -> str:
        """Why this host takes no new run; empty while it does.

        A missing warden is no reason: it comes back, and runs wait for it.
        """
        found = [*filter(None, [self._lost_store]), *self._disks(), *self._loop.core.dead_ends()]
        return f"this host {found[0]}" if found else ""

    def check(self) -> None:
        """Raise World where this host takes no new run."""
        if refusal := self.refusal():
            raise World(refusal, "floe hosts shows the problems of each host")

    def reason(self) -> str:
        """Why runs at this host do not continue, or are never taken by any host; empty for none."""
        return next(iter((*self.troubles(), *self._loop.core.dead_ends())), "")

    def troubles(self) -> tuple[str, ...]:
        """The present problems, as sentences without a subject."""
        hands = self._effects.problem()
        hands = hands.replace("commands cannot be started", "cannot start commands", 1)
        refused = self._loop.store_problem
        store = self._lost_store or (refused and f"cannot store anything: {refused}")
        return tuple(filter(None, (store, *self._disks(), self.files, hands)))

    async def watch(self) -> None:
        """Check every few seconds, until cancelled."""
        known: tuple[str, ...] = ()
        while True:
            await self.look()
            now = tuple(dict.fromkeys((*self.troubles(), *self._places.problems())))
            if [*map(without_numbers, now)] != [*map(without_numbers, known)]:
                self._log_changes(now, known)
            known = now
            await asyncio.sleep(CHECK_S)

    async def look(self) -> None:
        """Check once."""
        self._places.look()
        async with asyncio.TaskGroup() as tasks:
            for folder in self._folders:
                tasks.create_task(folder.look())
            tasks.create_task(self._look_at_store())
        left = files_left()
        self.files = f"has {left} of {files_max()} open files left" if left < FILES_LEFT else ""
        self._effects.hold(next(filter(None, (*self._disks(), self.files)), ""))

    def _disks(self) -> list[str]:
        """The problems of the folders; only the first of the folders on one disk."""
        found = {f.device: f.problem for f in reversed(self._folders) if f.problem}
        return [*reversed(found.values())]

    async def _look_at_store(self) -> None:
        try:
            async with asyncio.timeout(HANG_S):
                await self._store.check()
            self._lost_store = ""
        except TimeoutError:
            pass  # its folder reports that; the other checks go on
        except FloeError as error:
            self._lost_store = f"has lost its store: {error}"
        if self._loop.store_problem and not len(self._loop):
            # If every refused input had a caller, nothing else would try the store again.
            row = LedgerWrite(kind="machine", key="probe", value=self._clock.now())
            self._loop.put(Incoming(input=Mark(rows=(row,), promise=False)))

    def _log_changes(self, now: tuple[str, ...], known: tuple[str, ...]) -> None:
        old, new = {*map(without_numbers, known)}, {*map(without_numbers, now)}
        for trouble in now:
            if without_numbers(trouble) not in old:
                log.error("machine.problem", problem=trouble)
        for trouble in known:
            if without_numbers(trouble) not in new:
                log.info("machine.problem_over", problem=trouble)
        self._loop.put(Incoming(input=Troubles(problems=self.troubles())))


class MachineFolder:
    """A folder that runs need, and the room in it."""

    def __init__(self, name: str, path: Path) -> None:
        """`name` is the name in sentences, such as `root`."""
        self._name = name
        self._path = path
        self._looking: threading.Thread | None = None
        self._begun_at = 0.0
        self._seen = asyncio.Event()
        self._found = ""
        self.device = 0
        """The disk with the folder at the last check."""
        self.problem = ""
        """Why nothing can be written there; empty while it can."""

    async def look(self) -> None:
        """Check once, or find that an earlier check has not returned."""
        loop = asyncio.get_running_loop()
        if self._looking is None or not self._looking.is_alive():
            self._begun_at = loop.time()
            self._looking = self._begin(loop)
        thread = self._looking
        with suppress(TimeoutError):
            async with asyncio.timeout(HANG_S):
                await self._seen.wait()
        if thread.is_alive() and not self._seen.is_set():
            silent_s = loop.time() - self._begun_at
            self.problem = f"waits for the file system of its {self._name} for {silent_s:.0f} s"
        else:
            self.problem = self._found and f"has no room in its {self._name}: {self._found}"

    def _begin(self, loop: asyncio.AbstractEventLoop) -> threading.Thread:
        # A separate thread, since a pool never gets back a thread that hangs in the kernel. It is a
        # daemon, so that the process can end without it.
        self._seen = asyncio.Event()
        seen, was_full = self._seen, bool(self.problem)

        def look() -> None:
            there = existing(self._path)
            self._found = lacking(there, was_full=was_full)
            with suppress(OSError):
                self.device = there.stat().st_dev
            with suppress(RuntimeError):  # the loop is closed: no task waits any more
                loop.call_soon_threadsafe(seen.set)

        thread = threading.Thread(target=look, name=f"floe-look-{self._name}", daemon=True)
        thread.start()
        return thread


def existing(path: Path) -> Path:
    """A folder of this machine, or the nearest existing one above it."""
    while not os.path.isdir(path) and path != path.parent:  # noqa: PTH112 - which may raise
        path = path.parent
    return path


def lacking(path: Path, *, was_full: bool = False) -> str:
    """What the machine lacks: why nothing can be written in a folder; empty where it can."""
    try:
        disk = os.statvfs(path)
        free = (disk.f_bavail if os.geteuid() else disk.f_bfree) * disk.f_frsize
        inodes = disk.f_favail if os.geteuid() else disk.f_ffree
        factor = 2 if was_full else 1
        if disk.f_flag & os.ST_RDONLY:
            return "its disk is read-only"
        if disk.f_blocks and free < factor * FREE_BYTES:
            return f"its disk is full, {free // 1024} KiB are free"
        if disk.f_files and inodes < factor * FREE_INODES:
            return f"its disk is full, {inodes} inodes are free"
        if was_full or free < TIGHT_BYTES or (disk.f_files and inodes < TIGHT_INODES):
            write_probe(path)
    except OSError as error:
        return reason_of(error)
    return ""


def without_numbers(trouble: str) -> str:
    """A problem of the machine without the number that changes in it."""
    return re.sub(r"\d+", "#", trouble)
