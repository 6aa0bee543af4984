"""How many commands the process limits allow: of the cgroup, the cgroups above it, and the user.

Each thread counts as a process. Others share these limits, so the answer changes over time.
"""

# Entries of /proc and of the cgroup file system: Path is slower.
# ruff: noqa: PTH110, PTH116, PTH208

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from typing import Final, NamedTuple

from floe.warden.proc import slurp

SPARE: Final = 16
"""Processes kept free for threads of the hub and for an operator's shell."""
EACH: Final = 4
"""Processes kept free for each command: a shell, a pipe of two programs, and one more that either
of them starts. A command with more processes counts with its actual number."""
NPROC_LINE: Final = b"Max processes "


class TaskLimit(NamedTuple):
    """One limit on tasks, which are processes."""

    most: int
    used: int
    name: str


class TaskCounts:
    """The process limits that apply to this process and to programs it starts."""

    def __init__(self, proc: str = "/proc", user: int | None = None) -> None:
        """`user`: the user whose processes count; user 0 has no user limit."""
        self._proc = proc
        self._user = os.getuid() if user is None else user
        self._groups = groups(proc)

    def fit(self, running: int, pids: Callable[[], Collection[int]]) -> tuple[int, str] | None:
        """How many commands fit, and the reason; None without a limit.

        `running` is how many run now; `pids` finds all their processes, and is called only if
        there is a limit.
        """
        limits = [*self._of_groups(), *self._of_user()]
        if not limits:
            return None
        own = sum(tasks_of(f"{self._proc}/{pid}") for pid in pids())
        kept = SPARE + max(0, running * EACH - own)
        least = min(limits, key=lambda limit: limit.most - limit.used)
        count = running + (least.most - least.used - kept) // EACH
        others = max(0, least.used - own)
        why = f"the limit of processes of its {least.name} ({least.most}, of which others use"
        return max(1, count), f"{why} {others}) allows no more"

    def _of_groups(self) -> Iterator[TaskLimit]:
        for folder in self._groups:
            most = slurp(f"{folder}/pids.max").strip()
            used = slurp(f"{folder}/pids.current").strip()
            if most.isdigit() and used.isdigit():  # "max" is no limit
                yield TaskLimit(int(most), int(used), "cgroup")

    def _of_user(self) -> Iterator[TaskLimit]:
        _, found, rest = slurp(f"{self._proc}/self/limits").partition(NPROC_LINE)
        soft = rest.split(None, 1)[0] if found else b""
        if self._user and soft.isdigit():
            yield TaskLimit(int(soft), tasks_of_user(self._proc, self._user), "user")


def groups(proc: str) -> list[str]:
    """Folders of the cgroups that limit the tasks of this process, its own first.

    Source: cgroups(7), proc_pid_cgroup(5), proc_pid_mountinfo(5).
    """
    paths = {}
    for line in slurp(f"{proc}/self/cgroup").decode(errors="replace").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" or "pids" in controllers.split(","):
            paths["cgroup2" if number == "0" else "cgroup"] = path
    found: list[str] = []
    for line in slurp(f"{proc}/self/mountinfo").decode(errors="replace").splitlines():
        mount, _, of = line.partition(" - ")
        root, point = mount.split()[3:5]
        kind, options = of.split()[0], of.split()[-1].split(",")
        if kind in paths and (kind == "cgroup2" or "pids" in options):
            found += _upwards(point, _below(root, paths[kind]))
    return [folder for folder in found if os.path.exists(f"{folder}/pids.max")]


def _below(root: str, path: str) -> str:
    """The part of a cgroup's path below the mount point; empty if it is not visible here."""
    root = root.rstrip("/")
    return path[len(root) :].strip("/") if f"{path}/".startswith(f"{root}/") else ""


def _upwards(point: str, path: str) -> list[str]:
    names = path.split("/") if path else []
    return ["/".join((point, *names[:length])) for length in range(len(names), -1, -1)]


def tasks_of_user(proc: str, user: int) -> int:
    """How many tasks of a user count against the limit, as visible here."""
    found = (f"{proc}/{name}" for name in os.listdir(proc) if name.isdigit())
    return sum(tasks_of(process) for process in found if _owner(process) == user)


def tasks_of(process: str) -> int:
    """How many tasks of a process count against limits: its threads; 0 if it is gone."""
    with contextlib.suppress(OSError):
        return len(os.listdir(f"{process}/task"))
    return 0


def _owner(process: str) -> int:
    with contextlib.suppress(OSError):
        return os.stat(process).st_uid
    return -1
