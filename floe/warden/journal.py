"""The journal: all that the warden knows of attempts until the hub has taken them, in one file.

Rules of this file: an attempt is in the journal before its process exists, and its end is written
after its last process is gone. There is always room for the end, also on a full disk.

A file for each attempt was created and deleted within a step, which took longer than starting the
process where the file system is slow to make files.
"""

# Descriptors and single system calls: Path is slower and cannot use a descriptor.
# ruff: noqa: PTH208

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from typing import Any, Final

from floe.warden.attempts import KEY
from floe.warden.log import log_line
from floe.warden.message_lines import read_message_line
from floe.warden.order import OrderRefused

NAME: Final = "journal"
NEXT: Final = "journal.next"
RESERVED_BYTES: Final = 64 * 1024
"""Disk space that is reserved at once; a journal ends in zeros."""
ATTEMPT_BYTES: Final = 2048
"""Room for the messages of one attempt."""
REWRITE_BYTES: Final = 256 * 1024
"""A journal of this size, and of twice its content, is written again without what was taken."""
EARLIER: Final = "attempt"
"""The folder in which an earlier floe has a file for each attempt. That floe requires it."""
EARLIER_BYTES_MAX: Final = 1024 * 1024
_OPEN: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class AttemptJournal:
    """The attempts of one folder, on disk and in memory."""

    def __init__(self, folder: int, head: dict[str, str]) -> None:
        """`folder` is a descriptor; the record of each start contains `head`."""
        self._folder = folder
        self._head = head
        self._lines: dict[str, list[bytes]] = {}
        """For each attempt the record of its start, and its messages."""
        self._file = -1
        self._end = 0
        """The end of the records in the file."""
        self._size = 0
        """The end of the reserved space."""
        self._most = REWRITE_BYTES
        self._taken = b""
        """Records that wait for the next write: losing them makes the hub take attempts again."""
        self._earlier: set[str] = set()
        """Attempts that still have a file of an earlier floe."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(EARLIER, 0o700, dir_fd=folder)
        self._read()
        self._read_earlier()

    def __contains__(self, key: str) -> bool:
        return key in self._lines

    def __iter__(self) -> Iterator[str]:
        """The keys of all attempts that the hub has not taken."""
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def head(self, key: str) -> dict[str, Any]:
        """The record of an attempt's start; empty if there is none."""
        return read_message_line(self._lines[key][0])

    def messages(self, key: str) -> list[bytes]:
        """All messages about an attempt."""
        return self._lines[key][1:]

    def begin(self, key: str, grace_s: float, stamp: int) -> None:
        """Record that an attempt is about to start. Raises OrderRefused."""
        record = {"begin": key, **self._head, "grace_s": grace_s, "stamp": stamp}
        line = json.dumps(record).encode() + b"\n"
        try:
            self._make_room(len(line))
            self._write(line)
        except OSError as error:
            raise OrderRefused(f"journal of attempts: {error.strerror}", error.errno) from error
        self._lines[key] = [line]

    def add(self, key: str, message: bytes) -> None:
        """Record a message about an attempt, on disk if possible."""
        self._lines.setdefault(key, [b"\n"]).append(message)
        try:
            self._write(message)
        except OSError as error:
            # It is still sent, and kept in memory until taken; only the warden's death loses it.
            log_line("attempt.write_failed", key=key, error=str(error))

    def drop(self, key: str) -> None:
        """Forget an attempt that the hub has taken; on disk with the next write or `flush`."""
        del self._lines[key]
        self._taken += b'{"taken": "%s"}\n' % key.encode()
        if key in self._earlier:
            self._drop_earlier(key)

    def flush(self) -> None:
        """Write what waits."""
        if self._taken:
            with contextlib.suppress(OSError):  # it is repeated with the next write
                self._write(b"")

    def close(self) -> None:
        """Write what waits, and close the file."""
        self.flush()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, line: bytes) -> None:
        data = self._taken + line
        if self._file < 0:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        if os.pwrite(self._file, data, self._end) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._end += len(data)
        self._taken = b""

    def _make_room(self, size: int) -> None:
        """Have room for a record of this size, and for the messages of all attempts."""
        size += len(self._taken) + ATTEMPT_BYTES * (len(self._lines) + 1)
        if self._file < 0 or self._end > self._most:
            self._rewrite(size)
        missing = self._end + size - self._size
        if missing > 0:
            self._size += _reserved(self._file, self._size, missing)

    def _rewrite(self, room: int) -> None:
        """Write what is not taken to a new file, which then replaces the journal."""
        data = b"".join(line for lines in self._lines.values() for line in lines)
        flags = _OPEN | os.O_CREAT | os.O_TRUNC
        try:
            fresh = os.open(NEXT, flags, 0o600, dir_fd=self._folder)
            try:
                size = _reserved(fresh, 0, len(data) + room)
                os.pwrite(fresh, data, 0)  # into reserved space
                os.rename(NEXT, NAME, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            except OSError:
                os.close(fresh)
                raise
        except OSError as error:
            if self._file < 0:
                raise
            log_line("journal.not_rewritten", error=str(error))
            self._most = self._end + REWRITE_BYTES
            return
        if self._file >= 0:
            os.close(self._file)
        self._file, self._end, self._size, self._taken = fresh, len(data), size, b""
        self._most = max(REWRITE_BYTES, 2 * len(data))

    def _read(self) -> None:
        try:
            self._file = _opened(NAME, self._folder)
            data = _content(self._file)
            self._size, self._end = len(data), data.rfind(b"\n") + 1
            if torn := data[self._end :].rstrip(b"\0"):
                os.pwrite(self._file, bytes(len(torn)), self._end)
        except FileNotFoundError:
            return
        except OSError as error:
            log_line("journal.unreadable", error=str(error))
            return
        for line in data[: self._end].splitlines(keepends=True):
            record = read_message_line(line)
            key = record.get("begin") or record.get("key") or record.get("taken")
            if not (isinstance(key, str) and KEY.fullmatch(key)):
                log_line("journal.unknown_record", line=line[:80].decode(errors="replace"))
            elif "begin" in record:
                self._lines[key] = [line]
            elif "taken" in record:
                self._lines.pop(key, None)
            else:
                self._lines.setdefault(key, [b"\n"]).append(line)

    # -- the files of an earlier floe

    def _read_earlier(self) -> None:
        """Take over attempts that have files of their own."""
        for key in os.listdir(f"/proc/self/fd/{self._folder}/{EARLIER}"):
            if not KEY.fullmatch(key):
                log_line("attempt.unknown_file", name=key)
                continue
            try:
                file = _opened(f"{EARLIER}/{key}", self._folder)
                try:
                    data = os.read(file, EARLIER_BYTES_MAX)
                finally:
                    os.close(file)
            except OSError as error:
                log_line("attempt.unreadable", key=key, error=str(error))
                continue
            self._earlier.add(key)
            if key not in self._lines:
                self._take_over(key, data)
            else:
                self._drop_earlier(key)

    def _take_over(self, key: str, data: bytes) -> None:
        head, *lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True) or [b""]
        begin = json.dumps({"begin": key, **read_message_line(head)}).encode() + b"\n"
        taken_over = [begin, *(line for line in lines if "word" in read_message_line(line))]
        whole = b"".join(taken_over)
        try:
            self._make_room(len(whole))
            self._write(whole)
            self._drop_earlier(key)
        except OSError as error:
            log_line("attempt.write_failed", key=key, error=str(error))
        self._lines[key] = taken_over

    def _drop_earlier(self, key: str) -> None:
        self._earlier.discard(key)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{EARLIER}/{key}", dir_fd=self._folder)


def _reserved(file: int, start: int, size: int) -> int:
    """Reserve at least `size` bytes of the disk; how many are reserved. Raises OSError."""
    most = -(-size // RESERVED_BYTES) * RESERVED_BYTES
    os.posix_fallocate(file, start, most)
    return most


def _opened(name: str, folder: int) -> int:
    """A plain file. Raises OSError."""
    file = os.open(name, _OPEN, dir_fd=folder)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise OSError(errno.EINVAL, "not a plain file")


def _content(file: int) -> bytes:
    size = os.fstat(file).st_size
    return os.pread(file, size, 0) if size else b""
