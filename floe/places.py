"""Calls into file systems that may hang: a server that is away, a FUSE program that is stopped.

Each such file system has a few threads of its own, so a call that never returns delays only calls
into the same one. Files on local disks need no thread: their calls return.

Rule of this file: the way to a path is followed without a call into a file system that may hang.
"""

import asyncio
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar, TypeVarTuple

from floe.model.errors import PlaceHangs
from floe.threads import Threads

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LOCAL: Final = re.compile(
    "bcachefs|binfmt_misc|bpf|btrfs|cgroup2?|configfs|debugfs|devpts|devtmpfs|efivarfs|erofs|exfat"
    "|ext[234]|f2fs|fusectl|hugetlbfs|iso9660|jfs|mqueue|msdos|nsfs|ntfs3|overlay|proc|pstore|ramfs"
    "|reiserfs|rootfs|securityfs|squashfs|sysfs|tmpfs|tracefs|udf|vfat|xfs|zfs"
)
"""Types of file systems that wait for no other machine and no other program."""

SLOW_S: Final = 1.0
"""Seconds after which a call that still runs makes floe ask the file system for its size."""

HANG_S: Final = 4.0
"""Seconds without an answer to that after which the file system counts as hanging."""

THREADS: Final = 4
"""Calls into one file system at the same time; further calls wait."""

LINKS_MAX: Final = 40
"""Links on the way to a path, as in Linux."""

_OCTAL: Final = re.compile(r"\\([0-7]{3})")


class Place:
    """A mounted file system, and the calls into it."""

    def __init__(self, name: str) -> None:
        """`name` is its mount point; empty for the local disks."""
        self.name = name
        self._threads = Threads(f"floe-{name}", THREADS)
        self._probes = Threads(f"floe-probe-{name}", 1)
        self._begun: dict[object, float] = {}
        """When each call that runs began, by the monotonic clock."""
        self._probed_at: float | None = None
        """When the file system was asked for its size, if it has not answered."""

    def look(self) -> None:
        """Ask the file system for its size if a call is slow: large files take long, too."""
        if self.name and self._running_s() > SLOW_S:
            self.probe()

    def probe(self) -> None:
        """Ask the file system for its size, unless it has yet to answer."""
        if self._probed_at is None:
            self._probed_at = time.monotonic()
            self._probes.submit(self._ask)

    def problem(self) -> str:
        """That it hangs, and since when, as a sentence without a subject; empty while it works."""
        asked_at, now = self._probed_at, time.monotonic()
        if asked_at is None or now - asked_at < HANG_S:
            return ""
        silent_s = max(self._running_s(), now - asked_at)
        since = datetime.fromtimestamp(time.time() - silent_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"waits for the file system at {self.name}, which has not answered since {since}"

    def _running_s(self) -> float:
        """How long the longest call runs."""
        begun = min(tuple(self._begun.values()), default=None)
        return 0.0 if begun is None else time.monotonic() - begun

    def _ask(self) -> None:
        with suppress(OSError):
            os.statvfs(self.name)
        self._probed_at = None

    def call(self, work: Callable[[*Ts], T], *args: *Ts) -> "asyncio.Future[T]":
        """The result of a call in a thread. It may never come."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if future.done():  # no caller waits any more
                return
            if error:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # T may be None

        def run() -> None:
            token = object()
            self._begun[token] = time.monotonic()
            result, error = None, None
            try:
                result = work(*args)
            except BaseException as raised:  # raised again where the result is awaited
                error = raised
            del self._begun[token]
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle, result, error)

        self._threads.submit(run)
        return future


class Places:
    """The mounted file systems of this machine, and the calls into those that may hang."""

    def __init__(self, table: Path = Path("/proc/self/mountinfo")) -> None:
        self._table = table
        self._remote: frozenset[str] = frozenset()
        self._places: dict[str, Place] = {}
        self._known: dict[str, str] = {}
        self.look()

    def look(self) -> None:
        """Read again which file systems are mounted, and look whether the used ones answer."""
        with suppress(OSError):
            self._remote = remote_mounts(self._table.read_text(errors="surrogateescape"))
        self._known.clear()
        for place in self._places.values():
            place.look()

    @property
    def has_remote(self) -> bool:
        """Whether any file system may hang."""
        return bool(self._remote)

    def problems(self) -> tuple[str, ...]:
        """The file systems that hang, as sentences without a subject."""
        return tuple(filter(None, (place.problem() for place in self._places.values())))

    def problem_of(self, name: str) -> str:
        """That one file system hangs; empty while it works."""
        place = self._places.get(name)
        return place.problem() if place else ""

    def on_way(self, *paths: str | Path) -> str:
        """The mount point of the first file system on the way to paths that may hang; empty for
        none."""
        if not self._remote:
            return ""
        return next(filter(None, map(self._first, map(str, paths))), "")

    def on_search(self, folders: str) -> str:
        """The same for the folders of a `PATH`; remembered until the next `look`."""
        if self._remote and folders not in self._known:
            self._known[folders] = self.on_way(*folders.split(":"))
        return self._known.get(folders, "")

    def call(self, name: str, work: Callable[[*Ts], T], *args: *Ts) -> "asyncio.Future[T]":
        """The result of a call into a file system, by its mount point. It may never come."""
        return self._place(name).call(work, *args)

    def probe(self, name: str) -> None:
        """Ask a file system that a different process works in for its size."""
        self._place(name).probe()

    def _place(self, name: str) -> Place:
        return self._places.get(name) or self._places.setdefault(name, Place(name))

    async def read(self, path: Path, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """The result of a call for a path, in a thread. Raises PlaceHangs."""
        name = self.on_way(path)
        if problem := self.problem_of(name):
            raise PlaceHangs(problem)
        future = self.call(name, work, *args)
        try:
            while not (await asyncio.wait([future], timeout=SLOW_S if name else None))[0]:
                if problem := self.problem_of(name):
                    raise PlaceHangs(problem)
            return future.result()
        finally:
            future.cancel()  # no effect on one that is done

    async def quick(self, path: Path, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """The result of a short call for a path, at once if it cannot hang. Raises PlaceHangs."""
        return await self.read(path, work, *args) if self.on_way(path) else work(*args)

    def _first(self, path: str) -> str:
        here, todo, links = "", path.split("/")[::-1], 0
        if not path.startswith("/"):
            here = os.getcwd()  # noqa: PTH109  # a text is needed
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                here = here.rpartition("/")[0]
                continue
            step = f"{here}/{part}"
            if step in self._remote:
                return step
            try:
                target = os.readlink(step)  # noqa: PTH115  # each step may do this
            except (OSError, ValueError):  # not a link, or not there
                here = step
                continue
            links += 1
            if links > LINKS_MAX:
                break
            here = "" if target.startswith("/") else here
            todo += target.split("/")[::-1]
        return ""


def remote_mounts(table: str) -> frozenset[str]:
    """The places on file systems that may hang: mount points, except `/`.

    Source: proc_pid_mountinfo(5).
    """
    found: dict[str, str] = {}
    for line in table.splitlines():
        mount, _, rest = line.partition(" - ")
        parts = mount.split(" ")
        if len(parts) > 4 and rest:
            point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), parts[4])
            found[point] = rest.split(" ", 1)[0]  # a later mount hides an earlier one
    found.pop("/", None)  # floe itself is there, as is all that could be done without it
    return frozenset(point for point, kind in found.items() if not LOCAL.fullmatch(kind))
