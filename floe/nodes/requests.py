"""Carries out http tasks: one request each, whose reply is the output of the task.

Rules of this file: a request is sent only after the start of its attempt is stored. No connection
and no cookie outlives a request.
"""

import asyncio
import errno
import os
from typing import IO, Final

from floe.files import FULL, Folders, opened
from floe.model.errors import FloeError
from floe.model.http import Http
from floe.model.secret import HIDDEN, without_password
from floe.model.signal import Answered, Failed, Report
from floe.model.template import Text
from floe.nodes.attempt_files import output_size
from floe.nodes.base import NO_SECRETS, Job, Secrets
from floe.nodes.forbidden import NOTHING_FORBIDDEN, ForbiddenAddresses
from floe.nodes.in_process import InProcess, LoopAttempt
from floe.nodes.replies import RequestFailed, named_outputs, outputs_of
from floe.places import Places

AT_ONCE_MAX: Final = 64
"""Requests of a host at once; more wait in order."""

_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class Requests(InProcess):
    """The executor of http."""

    def __init__(
        self,
        *,
        places: Places | None = None,
        secrets: Secrets = NO_SECRETS,
        forbidden: ForbiddenAddresses = NOTHING_FORBIDDEN,
    ) -> None:
        super().__init__("the request", places, at_once=AT_ONCE_MAX, once=True)
        self._secrets = secrets
        self._forbidden = forbidden
        self._folders = Folders()

    async def close(self) -> None:
        """Break off all requests without a report; after a restart they are reported lost."""
        await super().close()
        self._folders.close()

    async def _carry_out(self, attempt: LoopAttempt) -> Report:
        job = attempt.job
        attempt.place = self._places.on_way(job.output)
        try:
            with (
                opened(job.output, _APPEND, make=True) as fd,
                os.fdopen(fd, "ab", buffering=0, closefd=False) as log,
            ):
                return await self._exchange(job, log)
        except FloeError as error:
            why = f"{error}; try: {error.hint}" if error.hint else str(error)
            return Failed(cause="start", why=why, output_bytes=self._size(job))
        except RequestFailed as error:
            why = without_password(str(error))
            return Failed(cause=error.cause, why=why, output_bytes=self._size(job))
        except OSError as error:
            lead = "the disk is full" if error.errno in FULL else "the output cannot be written"
            why = f"{lead}: {error.strerror or os.strerror(error.errno or errno.EIO)}"
            return Failed(cause="error", why=why, output_bytes=self._size(job))
        except Exception as error:  # the executor's border: a defect must not hang the run
            why = f"{type(error).__name__}: {error}"
            return Failed(cause="error", why=why, output_bytes=self._size(job))

    async def _exchange(self, job: Job, log: IO[bytes]) -> Report:
        from floe.nodes.exchange import ReplyLog, exchange  # imports aiohttp, so only when needed

        work = job.work
        if not isinstance(work, Http):
            raise TypeError(f"{type(work).__name__} is no request")

        def write(data: bytes) -> None:
            log.write(data)

        def print_line(line: str) -> None:
            log.write(without_password(line).encode(errors="replace") + b"\n")

        print_line(f"{work.method} {_shown(work.url)}")
        try:
            async with asyncio.timeout(job.timeout_s):
                reply = await exchange(
                    work, self._secrets, self._forbidden, ReplyLog(line=print_line, body=write)
                )
        except TimeoutError:
            raise RequestFailed(f"not finished after {job.timeout_s:g} s", "timeout") from None
        good = work.expects(reply.status)
        outputs, note = named_outputs(reply, work.outputs) if work.outputs else outputs_of(reply)
        if note:
            print_line(f"\nfloe: {note}")
        if note and work.outputs and good:
            raise RequestFailed(note)
        return Answered(
            good=good,
            why="" if good else f"answered {reply.status_text}",
            outputs=outputs,
            output_bytes=self._size(job),
        )

    def _size(self, job: Job) -> int:
        """The size of the output. Never raises: an attempt must end."""
        try:
            return output_size(job, self._folders)[0]
        except OSError:
            return 0


def _shown(url: Text) -> str:
    """A URL without the values that may be secrets."""
    if isinstance(url, str):
        return url
    return "".join(HIDDEN if part.is_secret else part.data or part.text for part in url.parts)
