"""What commands print: each writes into a pipe, and the warden keeps it in a file.

A command that had the file itself as its descriptor could erase what it printed: whoever opens
/dev/stderr to write empties a file, but not a pipe.

Rules of this file: nothing waits. A short command costs a pipe and one read: its pipe is not
watched before START_S, and what is in it is taken when it ends. One that prints a little and often
is let rest after each read, so that the warden does not wake for each line.
"""

# Descriptors, and one system call each, where Path is slower and cannot follow a descriptor.

import contextlib
import errno
import fcntl
import os
import selectors
import time
from collections.abc import Callable
from math import inf
from typing import Final

from floe.warden.log import say

START_S: Final = 0.005
"""Time before a pipe is looked at for the first time."""
REST_S: Final = 0.005
"""Time for which a pipe that gave little is left alone; in it a small pipe may fill up."""
RETRY_S: Final = 0.25
"""Time before what a full disk refused is written again."""
MUCH: Final = 32 * 1024
"""Bytes of one read from which on a pipe is enlarged and rests for `BUSY_S` only."""
BUSY_S: Final = 0.001
"""In it a command that prints much fills part of its pipe: one large read instead of many small
ones, after each of which the command would have to wait for its turn."""
PIPE_BYTES: Final = 1024 * 1024
"""Size of the pipe of a command that prints much; others keep that of the system, 64 KiB."""
READS_MAX: Final = 64
"""Reads of what is left at an end: a process that is nobody's may print for ever."""
F_SETPIPE_SZ: Final = 1031
FULL: Final = (errno.ENOSPC, errno.EDQUOT)

_buffer: Final = bytearray(PIPE_BYTES)
_view: Final = memoryview(_buffer)


class Output:
    """The pipe and the file of one command."""

    __slots__ = (
        "_file",
        "_is_large",
        "_pipe",
        "_room",
        "_unwritten",
        "due",
        "is_too_much",
        "is_watched",
        "key",
    )

    def __init__(self, key: str, file: int, pipe: int, room: float = inf) -> None:
        """`room`: bytes that may be kept. Both descriptors belong to it from here on."""
        self.key = key
        self.due = inf
        """When it is to be looked at; inf while it is watched, or at its end."""
        self.is_watched = False
        self.is_too_much = False
        """Whether more was printed than may be kept; the rest is thrown away."""
        self._file = file
        self._is_large = False
        self._pipe = pipe
        self._room = max(0, room)
        """Bytes that may still be kept."""
        self._unwritten = b""
        """What was read and had no room on the disk."""

    @property
    def is_whole(self) -> bool:
        """Whether all that was read is in the file."""
        return not self._unwritten

    def fileno(self) -> int:
        """The reading end, for a selector."""
        return self._pipe

    def take(self) -> int:
        """Keep what one read gives; its bytes, 0 at the pipe's end, -1 where nothing is in it."""
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

    def finish(self) -> bool:
        """Keep what is left in the pipe, when no process is; False while the disk is full."""
        try:
            for _ in range(READS_MAX):
                if self._pipe < 0 or self.take() <= 0:
                    break
        except OSError as error:
            say("output.lost", key=self.key, error=str(error))
            return True
        return self.is_whole

    def close(self) -> None:
        """Close the file; whoever still prints gets an error."""
        if self._unwritten:
            say("output.dropped", key=self.key, bytes=len(self._unwritten))
        os.close(self._file)
        self.hang_up()

    def hang_up(self) -> None:
        """Close the pipe; whoever still prints gets an error."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def grow(self) -> None:
        """Make room for more in the pipe, once, if the system lets this user have it."""
        if self._is_large:
            return
        self._is_large = True
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._pipe, F_SETPIPE_SZ, PIPE_BYTES)

    def _write(self, data: bytes | memoryview) -> bool:
        """Write to the file; what does not fit on the disk is kept for later."""
        done = 0
        try:
            while done < len(data):
                done += os.write(self._file, data[done:])
        except OSError as error:
            if error.errno not in FULL:
                raise
        was_whole, self._unwritten = self.is_whole, bytes(data[done:])
        if was_whole and not self.is_whole:
            say("output.waits", key=self.key, why="no room on the disk")
        return self.is_whole


class Outputs:
    """All pipes: which are watched, and when the others are looked at."""

    def __init__(self, selector: selectors.BaseSelector, too_much: Callable[[str], None]) -> None:
        """`too_much` is called with the key of each that printed more than may be kept."""
        self._selector = selector
        self._too_much = too_much
        self._outputs: set[Output] = set()

    def add(self, output: Output, now: float) -> None:
        """Begin to keep what a command prints."""
        output.due = now + START_S
        self._outputs.add(output)

    def drop(self, output: Output) -> None:
        """It is over."""
        self._outputs.discard(output)
        self._ignore(output)
        output.close()

    def due(self) -> float:
        """When the next one is to be looked at."""
        return min((output.due for output in self._outputs), default=inf)

    def look(self, now: float) -> None:
        """Look at those whose time it is."""
        for output in [o for o in self._outputs if o.due <= now]:
            if output.is_whole:
                output.due = inf
                output.is_watched = True
                self._selector.register(output, selectors.EVENT_READ, self._ready)
            else:
                self._take(output, now)

    def _ready(self, output: Output, _events: int) -> None:
        if output.is_watched:  # else its command ended in this same round
            self._take(output, time.monotonic())

    def _take(self, output: Output, now: float) -> None:
        was_too_much = output.is_too_much
        try:
            size = output.take()
        except OSError as error:
            say("output.lost", key=output.key, error=str(error))
            self._ignore(output)
            output.due = inf
            output.hang_up()
            return
        if not output.is_whole:
            self._ignore(output)
            output.due = now + RETRY_S
        elif size == 0:
            self._ignore(output)
            output.due = inf
        elif size >= MUCH:
            output.grow()
            self._rest(output, now + BUSY_S)
        else:
            self._rest(output, now + REST_S)
        if output.is_too_much and not was_too_much:
            self._too_much(output.key)

    def _rest(self, output: Output, due: float) -> None:
        self._ignore(output)
        output.due = due

    def _ignore(self, output: Output) -> None:
        if output.is_watched:
            output.is_watched = False
            self._selector.unregister(output)
