"""The file of a journal: one process has it, adds lines, and puts a shorter file in its place."""

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path


class JournalRefused(Exception):
    """A journal that this pack cannot use."""


class JournalFile:
    """A file of lines that this process alone has, until `close`.

    Attributes: `size` in bytes; `is_torn` after a write that failed: only `rewrite` mends it.
    """

    def __init__(self, path: Path) -> None:
        """Open a file, or make it. Raises JournalRefused, OSError: BlockingIOError if a different
        process has it."""
        self._path = path.resolve()
        self._file = _locked(self._path)
        self.size, self.is_torn = os.fstat(self._file).st_size, False

    @property
    def is_open(self) -> bool:
        """Whether this process has the file."""
        return self._file >= 0

    def lines(self) -> list[bytes]:
        """All lines with their ends; the last one may lack it."""
        with open(self._file, "rb", closefd=False) as file:
            return file.read().splitlines(keepends=True)

    def add(self, text: bytes, *, is_promise: bool) -> None:
        """Add lines; a promise is on the disk when this returns. Raises OSError."""
        try:
            _write_all(self._file, text, self.size)
            if is_promise:
                os.fsync(self._file)
        except OSError:
            self.is_torn = True
            raise
        self.size += len(text)

    def rewrite(self, text: bytes) -> None:
        """Replace this file by a new one, on the disk. Raises OSError."""
        next = self._path.with_name(f"{self._path.name}.next")
        file = os.open(next, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write_all(file, text, 0)
            os.fsync(file)
            next.replace(self._path)
            _sync_folder(self._path.parent)
        except BaseException:
            os.close(file)
            raise
        os.close(self._file)
        self._file, self.size, self.is_torn = file, len(text), False

    def close(self) -> None:
        """Let a different process have it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _locked(path: Path) -> int:
    """The descriptor of the file, which no other process has. Raises OSError, JournalRefused."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            if _is_had(file, path):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _is_had(file: int, path: Path) -> bool:
    """Lock a file; False if a new one took its place before. Raises OSError, JournalRefused."""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise JournalRefused("it is no file: choose a different one")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with suppress(FileNotFoundError):
        return path.stat().st_ino == os.fstat(file).st_ino
    return False


def _write_all(file: int, text: bytes, at: int) -> None:
    while text:
        written = os.pwrite(file, text, at)
        text, at = text[written:], at + written


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
