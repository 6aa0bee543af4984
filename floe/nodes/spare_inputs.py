"""Input files of attempts that are over: they become the files of later attempts.

A file of its own for each attempt was created and deleted within a step. Where the file system is
slow to make files, each deletion makes that slower (docs/benchmarks.md).

Rule of this file: an attempt gets a file that no process has open and no other name leads to, with
its own content.
"""

import asyncio
import os
import stat
from typing import Final

from floe.files import FileFolders
from floe.nodes.attempt_files import drop_file, drop_outputs, input_path, input_text, write_input
from floe.nodes.base import Job

SPARE_MAX: Final = 64
"""Files that are kept: as many as commands run on most hosts."""
SPARE_S: Final = 1.0
"""Seconds after which all spare files are removed, counted from the first of them."""

_AGAIN: Final = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class SpareInputs:
    """The spare files of one host, on file systems that do not hang; for one thread."""

    def __init__(self, folders: FileFolders) -> None:
        self._folders = folders
        self._spare: list[str] = []
        self._clearing: asyncio.TimerHandle | None = None

    def write(self, job: Job) -> None:
        """Write the inputs of a job, to a spare file if there is one. Raises as `write_input`."""
        while self._spare:
            if self._is_reused(self._spare.pop(), job):
                return
        write_input(job, self._folders)

    def release(self, job: Job) -> None:
        """Remove the files of an attempt that is over; that of its inputs within `SPARE_S`."""
        if self._clearing is None:
            self._clearing = asyncio.get_running_loop().call_later(SPARE_S, self.clear)
        if len(self._spare) >= SPARE_MAX:
            drop_file(self._spare.pop(0), self._folders)
        self._spare.append(input_path(job))
        drop_outputs(job, self._folders)

    def clear(self) -> None:
        """Remove the spare files."""
        if self._clearing:
            self._clearing.cancel()
            self._clearing = None
        while self._spare:
            drop_file(self._spare.pop(), self._folders)

    def _is_reused(self, spare: str, job: Job) -> bool:
        """Make a spare file that of a job; False if a command did something to it."""
        old, new = spare.rpartition("/")[2], input_path(job).rpartition("/")[2]
        try:
            above = self._folders.enter(spare)
            file = os.open(old, _AGAIN, dir_fd=above)
        except OSError:  # a command replaced it, or the run was removed
            drop_file(spare, self._folders)
            return False
        is_moved = False
        try:
            if _is_untouched(os.fstat(file)):
                _fill_spare(file, input_text(job))
                folder = self._folders.enter(input_path(job), make=True)
                os.rename(old, new, src_dir_fd=above, dst_dir_fd=folder)
                is_moved = True
            return is_moved
        finally:
            os.close(file)
            if not is_moved:
                drop_file(spare, self._folders)


def _fill_spare(file: int, text: bytes) -> None:
    os.ftruncate(file, len(text))
    done = 0
    while done < len(text):
        done += os.pwrite(file, text[done:], done)


def _is_untouched(found: os.stat_result) -> bool:
    """Whether it is still a plain file of floe's user only, with one name."""
    is_private = found.st_mode == stat.S_IFREG | 0o600 and found.st_uid == os.geteuid()
    return is_private and found.st_nlink == 1
