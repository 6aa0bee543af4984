"""Limits of open files: that of this process, and the one that commands get."""

import contextlib
import os
import resource
from typing import Final

LIMIT: Final = resource.RLIMIT_NOFILE

FILES_GIVEN: Final = resource.getrlimit(LIMIT)[0]
"""The soft limit that this process was started with, which its commands have again."""


def raise_files() -> None:
    """Take as many open files as the hard limit allows."""
    hard = resource.getrlimit(LIMIT)[1]
    with contextlib.suppress(OSError, ValueError):  # more than the kernel allows any process
        resource.setrlimit(LIMIT, (hard, hard))


def files_max() -> int:
    """How many files this process may open, all in all."""
    return resource.getrlimit(LIMIT)[0]


def files_left() -> int:
    """How many more files this process can open; 0 also where the whole machine has none left.

    The next file gets the lowest number that is free, so its number says how many are open.
    """
    try:
        number = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    os.close(number)
    return max(0, files_max() - number)
