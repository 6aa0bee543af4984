"""Attempts: what is known of one that runs, and the files in which their words are kept.

Rule of this file: an attempt has its file before its process, and loses its last process before
it has its end.
"""

# Descriptors, and one system call each, where Path is slower and cannot follow a descriptor.
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

from floe.warden.log import say
from floe.warden.order import Refused
from floe.warden.output import Output

KEY: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._@-]{1,200}")
"""An attempt's key is also the name of its file."""
ATTEMPT_BYTES_MAX: Final = 1024 * 1024


@dataclass(slots=True, eq=False)
class Attempt:
    """A command that was started and whose end is not yet said."""

    key: str
    pid: int = 0
    """Of the leader of its session; 0 where it is not known."""
    ticks: int = 0
    stamp: int = 0
    """The number that its processes carry; 0 for none."""
    grace_s: float = 10.0
    status: int | None = None
    """Of the leader, once it has exited."""
    why: str = "exited"
    """What ended it; `lost` for what an earlier warden left behind."""
    due: float = inf
    """When there is something to do next: the timeout, then KILL."""
    kill_at: float | None = None
    """When grace is over; None until the first TERM."""
    file: int = -1
    """Where its words are kept; open for as long as it runs, so that its end has a place."""
    output: Output | None = None
    """None for what an earlier warden left behind."""
    is_given_up: bool = False
    """Asked to end after its command had ended: it waits no longer for room on the disk."""
    seen: dict[int, int] = field(default_factory=dict)
    """Pid to ticks of its processes, at the latest look."""
    sids: set[int] = field(default_factory=set)
    """Their sessions."""
    termed: set[tuple[int, int]] = field(default_factory=set)
    """Who was sent TERM; to some programs a second one means more than the first."""


class Files:
    """The folder with a file for each attempt."""

    def __init__(self, folder: int, head: dict[str, str]) -> None:
        """`folder` is a descriptor; `head` is the same in all files of this warden."""
        self._head = head
        with contextlib.suppress(FileExistsError):
            os.mkdir("attempt", 0o700, dir_fd=folder)
        self._folder = os.open(
            "attempt", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder
        )

    def begin(self, key: str, grace_s: float, stamp: int) -> int:
        """Make an attempt's file; its block of the disk then has room for the words as well.

        Raises Refused.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            file = os.open(key, flags, 0o600, dir_fd=self._folder)
        except OSError as error:
            raise Refused(f"attempt file: {error.strerror}", error.errno) from error
        try:
            append(
                file, json.dumps(self._head | {"grace_s": grace_s, "stamp": stamp}).encode() + b"\n"
            )
        except OSError as error:
            os.close(file)
            self.drop(key)
            raise Refused(f"attempt file: {error.strerror}", error.errno) from error
        return file

    def reopen(self, key: str) -> int:
        """Open an attempt's file once more, to append to it."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(key, flags, 0o600, dir_fd=self._folder)

    def drop(self, key: str) -> None:
        """Remove an attempt's file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(key, dir_fd=self._folder)

    def kept(self) -> Iterator[tuple[str, list[bytes]]]:
        """Every attempt that has a file, with its lines."""
        for key in os.listdir(self._folder):
            if not KEY.fullmatch(key):
                say("attempt.foreign", name=key)
                continue
            try:
                lines = self._read(key)
            except OSError as error:
                say("attempt.unreadable", key=key, error=str(error))
                continue
            yield key, lines

    def _read(self, key: str) -> list[bytes]:
        """Lines of an attempt's file, without a last one that was never finished."""
        fd = os.open(key, os.O_RDWR | os.O_CLOEXEC, dir_fd=self._folder)
        try:
            data = os.read(fd, ATTEMPT_BYTES_MAX)
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                os.ftruncate(fd, len(whole))
            return whole.splitlines(keepends=True)
        finally:
            os.close(fd)


def write(file: int, word: bytes, key: str) -> None:
    """Append a word to an attempt's file, if that can be."""
    try:
        append(file, word)
    except OSError as error:
        # Still told, and kept here until taken; only a death of the warden makes it lost.
        say("attempt.unwritten", key=key, error=str(error))


def append(file: int, data: bytes) -> None:
    """Write all of it, or raise OSError."""
    if os.write(file, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def worded(kind: str, key: str = "", **fields: object) -> bytes:
    """One line of the protocol, and of an attempt's file."""
    named = {"word": kind, "key": key} if key else {"word": kind}
    return json.dumps(named | {"at": time.time_ns() // 1_000_000} | fields).encode() + b"\n"


def read(line: bytes) -> dict[str, Any]:
    """Read a line of an attempt's file; empty where it is not one of ours."""
    try:
        known = json.loads(line)
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
