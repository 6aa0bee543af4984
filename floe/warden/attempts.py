"""Running attempts, and the files with their messages.

Rule of this file: the file of an attempt exists before its process, and the end of an attempt is
written after its last process is gone.
"""

# Descriptors and single system calls: Path is slower and cannot use a descriptor.
# ruff: noqa: PTH208

import contextlib
import errno
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from floe.warden.log import log_line
from floe.warden.order import OrderRefused
from floe.warden.outputs import Output

KEY: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._@-]{1,200}")
"""The key of an attempt is also the name of its file."""
ATTEMPT_BYTES_MAX: Final = 1024 * 1024


@dataclass(slots=True, eq=False)
class RunningAttempt:
    """A command that was started and whose end is not reported yet."""

    key: str
    pid: int = 0
    """The pid of its session leader; 0 if unknown."""
    ticks: int = 0
    stamp: int = 0
    """The stamp on its processes; 0 for none."""
    grace_s: float = 10.0
    status: int | None = None
    """The exit status of the leader; None until it exits."""
    why: str = "exited"
    """The reason of its end; `lost` for an attempt of an earlier warden."""
    due: float = inf
    """When the next action is due: the timeout, then KILL."""
    kill_at: float | None = None
    """When grace ends; None until the first TERM."""
    file: int = -1
    """The file with its messages; open while it runs, so that its end can always be written."""
    output: Output | None = None
    """None for an attempt of an earlier warden."""
    is_given_up: bool = False
    """It was stopped after its command ended: it no longer waits for disk space."""
    seen: dict[int, int] = field(default_factory=dict)
    """The start ticks of its processes by pid, at the latest check."""
    sids: set[int] = field(default_factory=set)
    """The sessions of its processes."""
    termed: set[tuple[int, int]] = field(default_factory=set)
    """The processes that got TERM; a second TERM has a different effect on some programs."""


class AttemptFiles:
    """The folder with a file for each attempt."""

    def __init__(self, folder: int, head: dict[str, str]) -> None:
        """`folder` is a descriptor; all files of this warden begin with `head`."""
        self._head = head
        with contextlib.suppress(FileExistsError):
            os.mkdir("attempt", 0o700, dir_fd=folder)
        self._folder = os.open(
            "attempt", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder
        )

    def begin(self, key: str, grace_s: float, stamp: int) -> int:
        """Create an attempt's file. Its disk block then also has room for the messages.

        Raises OrderRefused.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            file = os.open(key, flags, 0o600, dir_fd=self._folder)
        except OSError as error:
            raise OrderRefused(f"attempt file: {error.strerror}", error.errno) from error
        try:
            append(
                file, json.dumps(self._head | {"grace_s": grace_s, "stamp": stamp}).encode() + b"\n"
            )
        except OSError as error:
            os.close(file)
            self.drop(key)
            raise OrderRefused(f"attempt file: {error.strerror}", error.errno) from error
        return file

    def reopen(self, key: str) -> int:
        """Open an attempt's file again, for appending."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(key, flags, 0o600, dir_fd=self._folder)

    def drop(self, key: str) -> None:
        """Remove an attempt's file, if it exists."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(key, dir_fd=self._folder)

    def kept(self) -> Iterator[tuple[str, list[bytes]]]:
        """Every attempt with a file, and its lines."""
        for key in os.listdir(self._folder):
            if not KEY.fullmatch(key):
                log_line("attempt.unknown_file", name=key)
                continue
            try:
                lines = self._read(key)
            except OSError as error:
                log_line("attempt.unreadable", key=key, error=str(error))
                continue
            yield key, lines

    def _read(self, key: str) -> list[bytes]:
        """The lines of an attempt's file, without an incomplete last line."""
        fd = os.open(key, os.O_RDWR | os.O_CLOEXEC, dir_fd=self._folder)
        try:
            data = os.read(fd, ATTEMPT_BYTES_MAX)
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                os.ftruncate(fd, len(whole))
            return whole.splitlines(keepends=True)
        finally:
            os.close(fd)


def write(file: int, message: bytes, key: str) -> None:
    """Append a message to an attempt's file, if possible."""
    try:
        append(file, message)
    except OSError as error:
        # It is still sent, and kept in memory until taken; only the warden's death would lose it.
        log_line("attempt.write_failed", key=key, error=str(error))


def append(file: int, data: bytes) -> None:
    """Write all of the data, or raise OSError."""
    if os.write(file, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def message_line(kind: str, key: str = "", **fields: object) -> bytes:
    """One line of the protocol, and of an attempt's file."""
    named = {"word": kind, "key": key} if key else {"word": kind}
    return json.dumps(named | {"at": time.time_ns() // 1_000_000} | fields).encode() + b"\n"


def read(line: bytes) -> dict[str, Any]:
    """Parse a line of an attempt's file; empty if it is not valid."""
    try:
        known = json.loads(line)
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
