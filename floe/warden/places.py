"""How many commands the limits of this process allow, and what commands get of these limits.

The warden takes as many open files as it may have; a command gets what the warden was given, as
programs that use select() count on the soft limit.
"""

import contextlib
import errno
import resource
from collections.abc import Iterator
from typing import Final

from floe.warden.order import Refused

FILES: Final = resource.RLIMIT_NOFILE
FILES_SPARE: Final = 28
"""Open files of the warden itself: ten, hubs, and what it looks at for a moment."""
FILES_EACH: Final = 3
"""Open files of a command that runs: its words, its output, its pipe."""


class Places:
    """The places for commands."""

    def __init__(self) -> None:
        self._given = resource.getrlimit(FILES)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(FILES, (self._given[1], self._given[1]))

    def count(self) -> int:
        """So many commands may run at once; one at least, which is tried."""
        return max(1, (resource.getrlimit(FILES)[0] - FILES_SPARE) // FILES_EACH)

    def why(self) -> str:
        """Why not more."""
        return f"the limit of open files ({resource.getrlimit(FILES)[0]}) allows no more"

    def check(self, running: int) -> None:
        """Raises Refused where as many commands run as may."""
        if running >= (count := self.count()):
            raise Refused(f"{count} commands run: {self.why()}", errno.EMFILE)

    @contextlib.contextmanager
    def given(self) -> Iterator[None]:
        """What is started meanwhile has the limits that the warden was given."""
        own = resource.getrlimit(FILES)
        if own == self._given:
            yield
            return
        resource.setrlimit(FILES, (min(self._given[0], own[1]), own[1]))
        try:
            yield
        finally:
            resource.setrlimit(FILES, own)
