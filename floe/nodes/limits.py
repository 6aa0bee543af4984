"""The limit on open files: raised for this process, unchanged for its commands."""

import contextlib
import resource
from typing import Final

FILES_GIVEN: Final = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
"""The soft limit at the start of this process; its commands get this limit."""


def raise_files() -> None:
    """Raise the soft limit to the hard limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(OSError, ValueError):  # the hard limit is above what the kernel allows
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
