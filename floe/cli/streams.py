"""The standard streams in any state: closed, full, or with a reader that is gone.

Rules of this file: 0, 1 and 2 are open before anything else is, so that no store or socket gets
their number and receives printed text; text that cannot be written to standard error is lost, since
there is no place to report it, and changes no exit code.
"""

import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Final


class LossyStream(TextIOWrapper):
    """Discards text that cannot be written."""

    def write(self, text: str, /) -> int:
        """Write the text, or discard it."""
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the buffer, or discard it."""
        with suppress(OSError):
            super().flush()


def open_streams() -> None:
    """Make the three streams usable: closed ones write to nowhere, and none refuses a character."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # as long as the process
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot display it shows "?"
    if sys.stderr is sys.__stderr__:
        sys.stderr = LossyStream(
            open(2, "wb", closefd=False),  # noqa: SIM115
            encoding=getattr(sys.stderr, "encoding", None),
            errors="replace",
            line_buffering=True,
        )


def drop_output() -> None:
    """Discard the buffer of the output stream, so that the exit reports no error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def is_unwritten(error: OSError) -> bool:
    """Whether an error comes from standard output: no other written stream lacks a file name."""
    return error.filename is None and error.errno in _UNWRITTEN


_UNWRITTEN: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def is_somewhere() -> bool:
    """Whether the current folder still exists, from which streams are opened."""
    try:
        os.getcwd()  # noqa: PTH109  # the call itself is asked about
    except OSError:
        return False
    return True
