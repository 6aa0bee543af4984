"""Attempts of this process that talk to a server and write what they do into their output."""

import asyncio
import errno
import os
from typing import IO, Final, Literal

from floe.files import FULL, FileFolders, opened
from floe.model.errors import FloeError
from floe.model.secret import without_password
from floe.model.signal import Failed, Report
from floe.nodes.attempt_files import output_size
from floe.nodes.base import Job
from floe.nodes.in_process import InProcess, LoopAttempt
from floe.places import Places

_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class ExchangeFailed(Exception):
    """An attempt with a logged exchange has no complete reply: a sentence with the reason."""

    def __init__(self, why: str, cause: Literal["error", "timeout"] = "error") -> None:
        super().__init__(why)
        self.cause: Literal["error", "timeout"] = cause


class AttemptLog:
    """The output of an attempt; it gets everything as it happens."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def line(self, text: str) -> None:
        """A line of floe's own, without passwords of URLs."""
        self._file.write(without_password(text).encode(errors="replace") + b"\n")

    def data(self, data: bytes) -> None:
        """Bytes as a server sent them."""
        self._file.write(data)


class LoggedAttempts(InProcess):
    """An executor whose attempts have an output. It does not begin one before its start is stored.

    A subclass has the exchange with the server; each of its errors becomes a report here.
    """

    def __init__(self, what: str, places: Places | None, *, at_once: int) -> None:
        """As `InProcess`."""
        super().__init__(what, places, at_once=at_once, once=True)
        self._folders = FileFolders()

    async def close(self) -> None:
        """Break off all attempts without a report; after a restart they are reported lost."""
        await super().close()
        self._folders.close()

    async def _exchange(self, job: Job, log: AttemptLog) -> Report:
        """Carry out an attempt. Raises ExchangeFailed, and FloeError if it could not start."""
        raise NotImplementedError

    async def _carry_out(self, attempt: LoopAttempt) -> Report:
        job = attempt.job
        attempt.place = self._places.on_way(job.output)
        try:
            with (
                opened(job.output, _APPEND, make=True) as fd,
                os.fdopen(fd, "ab", buffering=0, closefd=False) as file,
            ):
                return await self._in_time(job, AttemptLog(file))
        except FloeError as error:
            why = f"{error}; try: {error.hint}" if error.hint else str(error)
            return Failed(cause="start", why=why, output_bytes=self._size(job))
        except ExchangeFailed as error:
            why = without_password(str(error))
            return Failed(cause=error.cause, why=why, output_bytes=self._size(job))
        except OSError as error:
            lead = "the disk is full" if error.errno in FULL else "the output cannot be written"
            why = f"{lead}: {error.strerror or os.strerror(error.errno or errno.EIO)}"
            return Failed(cause="error", why=why, output_bytes=self._size(job))
        except Exception as error:  # the executor's border: a defect must not hang the run
            why = f"{type(error).__name__}: {error}"
            return Failed(cause="error", why=why, output_bytes=self._size(job))

    async def _in_time(self, job: Job, log: AttemptLog) -> Report:
        try:
            async with asyncio.timeout(job.timeout_s):
                return await self._exchange(job, log)
        except TimeoutError:
            raise ExchangeFailed(f"not finished after {job.timeout_s:g} s", "timeout") from None

    def _size(self, job: Job) -> int:
        """The size of the output. Never raises: an attempt must end."""
        try:
            return output_size(job, self._folders)[0]
        except OSError:
            return 0
