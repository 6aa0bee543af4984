"""The limit of open files of this process: raised for the host, and kept for its commands."""

import contextlib
import resource
from typing import Final

FILES_GIVEN: Final = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
"""The soft limit that this process was started with, which its commands have again."""


def raise_files() -> None:
    """Take as many open files as the hard limit allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(OSError, ValueError):  # more than the kernel allows any process
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
