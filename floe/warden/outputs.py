"""Output of commands: each writes to a pipe, and the warden copies it to a file.

With the file itself as its descriptor, a command could erase its output: opening /dev/stderr for
writing truncates a file, but not a pipe.

Rules of this file: nothing waits. A short command costs a pipe and one read: its pipe is not
watched before START_S, and is read when the command ends. A pipe rests after each read, so that the
warden does not wake for each line. The more a pipe had, the shorter it rests: a full one stops the
command. `splice` would save a copy, but keeps the pipe locked while the file is written, so the
command waits: 100 MB took 1.36 times as long and 1.25 times the CPU.
"""

# Descriptors and single system calls: Path is slower and cannot use a descriptor.

import contextlib
import errno
import fcntl
import mmap
import os
import selectors
import stat
import time
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final

from floe.warden.log import log_line

START_S: Final = 0.005
"""Seconds before a pipe is read for the first time."""
REST_S: Final = 0.005
"""Seconds of rest for a pipe that had little data."""
BUSY_S: Final = 0.0002
"""Seconds of rest for a pipe that fills fast."""
RETRY_S: Final = 0.25
"""Seconds until a write that failed on a full disk is retried."""
PIPE_BYTES: Final = 1024 * 1024
"""Size of a pipe that was more than half full; others keep the system's 64 KiB."""
SHARE: Final = 0.25
"""The part of a pipe that should be full after its rest. For each of many small reads the command
would have to wait for the CPU."""
PAGE_BYTES: Final = 4096
"""Size of the smallest pipe. None can be full while a read returns less."""
READS_MAX: Final = 64
"""Reads of the remaining output at the end; an unassigned process may print forever."""
F_SETPIPE_SZ: Final = 1031
F_GETPIPE_SZ: Final = 1032
FULL: Final = (errno.ENOSPC, errno.EDQUOT)
SHORT: Final = (*FULL, errno.EMFILE, errno.ENFILE)
"""Errors of a machine that temporarily has no room for one more file."""

# Takes memory once a read fills it; a bytearray would take all of it for a warden that is idle.
_buffer: Final = mmap.mmap(-1, PIPE_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
_view: Final = memoryview(_buffer)


class Output:
    """In the warden: the pipe and the file of the output of one command."""

    __slots__ = (
        "_file",
        "_is_large",
        "_open",
        "_pipe",
        "_pipe_bytes",
        "_rest_s",
        "_room",
        "_unwritten",
        "due",
        "is_too_much",
        "is_watched",
        "key",
    )

    def __init__(
        self, key: str, open_file: Callable[[], int], pipe: int, room: float = inf
    ) -> None:
        """`open_file` is called when something is printed. `room`: how many bytes may be kept.
        Takes ownership of both descriptors."""
        self.key = key
        self.due = inf
        """When it is read next; inf while it is watched, or at its end."""
        self.is_watched = False
        self.is_too_much = False
        """Whether more was printed than may be kept; the rest is discarded."""
        self._file = -1
        """Not open before the first data: most commands print nothing, and a new file may take
        longer than the command."""
        self._is_large = False
        self._open = open_file
        self._pipe = pipe
        self._pipe_bytes = 0
        """The size of the pipe; 0 while its data are few, and it does not matter."""
        self._rest_s = REST_S
        self._room = max(0, room)
        """How many more bytes may be kept."""
        self._unwritten = b""
        """Data that was read but did not fit on the disk."""

    @property
    def is_busy(self) -> bool:
        """Whether the pipe had much data at the latest read."""
        return self._rest_s < REST_S

    @property
    def is_moving(self) -> bool:
        """Whether a write is under way that may soon be over."""
        return False

    @property
    def is_whole(self) -> bool:
        """Whether all data that was read is in the file."""
        return not self._unwritten

    def fileno(self) -> int:
        """The reading end, for a selector."""
        return self._pipe

    def take(self) -> int:
        """Read once and keep the data; return its size, 0 at the end, -1 if the pipe is empty."""
        if self._unwritten and not self._write(self._unwritten):
            return -1
        try:
            size = os.readv(self._pipe, [_buffer])
        except BlockingIOError:
            return -1
        if size > self._room:
            self.is_too_much = True
        kept = int(min(size, self._room))
        self._room -= kept
        self._write(_view[:kept])
        return size

    def rest_s(self, size: int) -> float:
        """How many seconds the pipe rests after a read of `size` bytes."""
        if size < PAGE_BYTES:
            self._rest_s = REST_S
            return REST_S
        if not self._pipe_bytes:
            self._pipe_bytes = fcntl.fcntl(self._pipe, F_GETPIPE_SZ)
        share = size / self._pipe_bytes
        self._rest_s = min(REST_S, max(BUSY_S, self._rest_s * SHARE / share))
        if share > 0.5 and not self._is_large:
            self._is_large = True
            with contextlib.suppress(OSError):  # the user has too many of them
                self._pipe_bytes = fcntl.fcntl(self._pipe, F_SETPIPE_SZ, PIPE_BYTES)
        return self._rest_s

    def finish(self) -> bool:
        """Keep the rest of the pipe after the last process; False while the disk is full."""
        try:
            for _ in range(READS_MAX):
                if self._pipe < 0 or self.take() <= 0:
                    break
        except OSError as error:
            log_line("output.lost", key=self.key, error=str(error))
            return True
        return self.is_whole

    def close(self) -> None:
        """Close the file and the pipe; further prints fail."""
        if self._unwritten:
            log_line("output.dropped", key=self.key, bytes=len(self._unwritten))
        self._close_file()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the pipe; further prints fail."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def settle(self) -> None:
        """Take note that a write in a thread is over; here there is none."""

    def _close_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)

    def _write(self, data: bytes | memoryview) -> bool:
        """Write to the file; keep data that does not fit on the disk for later."""
        rest = self._put(data) if data else b""
        if rest and self.is_whole:
            log_line("output.waits", key=self.key, why="no room on the disk, or no open file left")
        self._unwritten = rest
        return self.is_whole

    def _put(self, data: bytes | memoryview) -> bytes:
        """Write to the file, which may be new; return the rest if there is no room."""
        if self._file < 0:
            try:
                self._file = self._open()
            except OSError as error:
                if error.errno in SHORT:
                    return bytes(data)
                # The command goes on, as one that removes its output later.
                log_line("output.lost", key=self.key, error=str(error))
                self._file = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        return put(self._file, data)


def open_output(path: str) -> int:
    """Open the file for an output, which may be new. Raises OSError."""
    # A command may have put a pipe here, whose open would block, or a link to anywhere.
    safe = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | safe, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.ENXIO, "not a plain file", path)
    return fd


def put(file: int, data: bytes | memoryview) -> bytes:
    """Write to the file of an output; return the rest if the disk is full. Raises OSError."""
    done = 0
    try:
        while done < len(data):
            done += os.write(file, data[done:])
    except OSError as error:
        if error.errno not in FULL:
            raise
    return bytes(data[done:])


class Outputs:
    """All pipes: which are watched, and when the others are read."""

    def __init__(self, selector: selectors.BaseSelector, too_much: Callable[[str], None]) -> None:
        """`too_much` is called with the key of each command that prints too much."""
        self._selector = selector
        self._too_much = too_much
        self._outputs: set[Output] = set()
        self.written: deque[Output] = deque()
        """Outputs whose writes in threads are over."""

    def add(self, output: Output, now: float) -> None:
        """Begin to keep the output of a command."""
        output.due = now + START_S
        self._outputs.add(output)

    def drop(self, output: Output) -> None:
        """Stop keeping the output of a command, which is over."""
        self._outputs.discard(output)
        self._ignore(output)
        output.close()

    def due(self) -> float:
        """When the next pipe is due."""
        return min((output.due for output in self._outputs), default=inf)

    def settle(self, now: float) -> None:
        """Go on with the outputs whose writes in threads are over."""
        while self.written:
            output = self.written.popleft()
            output.settle()
            if output in self._outputs:
                self._ignore(output)
                output.due = now

    def is_busy(self) -> bool:
        """Whether any pipe is busy."""
        return any(output.is_busy for output in self._outputs)

    def look(self, now: float) -> None:
        """Read the pipes that are due."""
        for output in [o for o in self._outputs if o.due <= now]:
            self._take(output, now)

    def _ready(self, output: Output, _events: int) -> None:
        if output.is_watched:  # otherwise its command ended in this round
            self._ignore(output)
            self._take(output, time.monotonic())

    def _take(self, output: Output, now: float) -> None:
        was_too_much = output.is_too_much
        output.due = inf
        try:
            size = output.take()
        except OSError as error:
            log_line("output.lost", key=output.key, error=str(error))
            output.hang_up()
            return
        if not output.is_whole:
            output.due = now + RETRY_S
        elif size < 0:
            output.is_watched = True
            self._selector.register(output, selectors.EVENT_READ, self._ready)
        elif size > 0:
            output.due = now + output.rest_s(size)
        if output.is_too_much and not was_too_much:
            self._too_much(output.key)

    def _ignore(self, output: Output) -> None:
        if output.is_watched:
            output.is_watched = False
            self._selector.unregister(output)
