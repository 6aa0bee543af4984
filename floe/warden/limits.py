"""How many commands the limits of this process allow, and the limits of the commands.

The warden raises its own limit on open files to the maximum. A command gets the soft limit that the
host was started with, because programs with select() rely on it. Memory is not counted
(docs/warden.md).
"""

import contextlib
import errno
import resource
from collections.abc import Callable, Collection, Iterator
from typing import Final

from floe.warden.order import OrderRefused
from floe.warden.task_limits import TaskCounts

FILES: Final = resource.RLIMIT_NOFILE
FILES_SPARE: Final = 29
"""Open files of the warden itself: eleven, the hubs, and some that are open briefly."""
FILES_EACH: Final = 2
"""Open files for each running command: its output and its pipe."""


class CommandLimits:
    """The slots for commands."""

    def __init__(self, soft: int = 0) -> None:
        """`soft`: the soft limit on open files for commands; 0 for that of this process."""
        own, hard = resource.getrlimit(FILES)
        self._given = (min(soft or own, own), hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(FILES, (hard, hard))
        self._tasks = TaskCounts()
        self._fit: tuple[int, str] | None = None
        """How many commands the process limits allowed at the latest check."""

    def look(self, running: int, pids: Callable[[], Collection[int]]) -> tuple[int, str]:
        """How many commands may run at once, at least one, and the reason for that limit.

        `running` is how many run now; `pids` finds all their processes.
        """
        self._fit = self._tasks.fit(running, pids)
        return self._least()

    def check(self, running: int) -> None:
        """Raises OrderRefused if no slot is free."""
        count, why = self._least()
        if running >= count:
            raise OrderRefused(f"{count} commands run: {why}", errno.EMFILE)

    def _least(self) -> tuple[int, str]:
        most = resource.getrlimit(FILES)[0]
        count = max(1, (most - FILES_SPARE) // FILES_EACH)
        files = (count, f"the limit of open files ({most}) allows no more")
        return min(files, self._fit or files, key=lambda place: place[0])

    def given(self) -> contextlib.AbstractContextManager[None]:
        """A context in which started programs get the limits that the host was started with."""
        own = resource.getrlimit(FILES)
        return _SAME if own == self._given else self._lowered(own)

    @contextlib.contextmanager
    def _lowered(self, own: tuple[int, int]) -> Iterator[None]:
        resource.setrlimit(FILES, (min(self._given[0], own[1]), own[1]))
        try:
            yield
        finally:
            resource.setrlimit(FILES, own)


_SAME: Final = contextlib.nullcontext()
