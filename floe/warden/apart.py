"""Output to a file system that may hang: a server that is away, a FUSE program that is stopped.

Each write runs in a thread of its own, so a write that never returns delays its own command only.
The main thread reads no more from the pipe until the write is over.

Rule of this file: only `_write_apart`, which also opens the file, and the last `os.close` run in a
thread.
"""

# `_thread` and not `threading`: each start of a warden would import that, for half a millisecond.

import _thread
import contextlib
import os
import time
from collections.abc import Callable
from math import inf
from typing import Final

from floe.warden.log import log_line
from floe.warden.outputs import Output

PATIENCE_S: Final = 4.0
"""Seconds that a stopped command waits for a write; a file system that needs more hangs."""


class OutputApart(Output):
    """The pipe of one command, and a file on a file system that may hang."""

    __slots__ = (
        "_begun_at",
        "_error",
        "_is_closed",
        "_is_used",
        "_is_writing",
        "_rest",
        "_written",
    )

    def __init__(
        self,
        key: str,
        open_file: Callable[[], int],
        pipe: int,
        room: float = inf,
        *,
        written: Callable[[Output], None],
    ) -> None:
        """`written` is called in a thread after each write, and causes a call of `settle`."""
        super().__init__(key, open_file, pipe, room)
        self._written = written
        self._begun_at = -inf
        """When the latest write began."""
        self._error: OSError | None = None
        self._is_closed = False
        self._is_used = False
        """Whether anything was written; closing the file may then hang, too."""
        self._is_writing = False
        self._rest = b""
        """Data of the latest write that did not fit on the disk."""

    @property
    def is_moving(self) -> bool:
        """Whether a write runs that may soon be over."""
        return self._is_writing and time.monotonic() - self._begun_at < PATIENCE_S

    def take(self) -> int:
        """The same as of every output; -1 while a write runs."""
        if self._is_writing:
            return -1
        if self._error:
            raise self._error
        return super().take()

    def settle(self) -> None:
        """Take note that a write is over."""
        self._is_writing = False
        self._unwritten = self._rest
        if self._is_closed:
            self._close_file()

    def _write(self, data: bytes | memoryview) -> bool:
        """Begin to write; the data count as unwritten until then."""
        self._unwritten = bytes(data)
        if not self._unwritten:
            return True
        try:
            _thread.start_new_thread(self._write_apart, (self._unwritten,))
        except RuntimeError as error:  # no process is available: it is retried, as on a full disk
            log_line("output.waits", key=self.key, why=str(error))
            return False
        self._begun_at = time.monotonic()
        self._is_used = self._is_writing = True
        return False

    def _write_apart(self, data: bytes) -> None:
        try:
            self._rest = self._put(data)
        except OSError as error:
            self._error, self._rest = error, b""
        self._written(self)

    def _close_file(self) -> None:
        self._is_closed = True
        if self._is_writing:
            return  # `settle` closes it
        if self._is_used and self._file >= 0:
            with contextlib.suppress(RuntimeError):  # no process is available
                _thread.start_new_thread(os.close, (self._file,))
                return
        super()._close_file()
