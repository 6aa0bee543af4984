"""Carries out http tasks: one request each, whose reply is the output of the task.

Rules of this file: a request is sent only after the start of its attempt is stored. No connection
and no cookie outlives a request.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from floe.model.http import Http
from floe.model.secret import HIDDEN
from floe.model.signal import Answered, Report
from floe.model.template import Text
from floe.nodes.base import NO_SECRETS, Job, Secrets
from floe.nodes.forbidden import NOTHING_FORBIDDEN, ForbiddenAddresses
from floe.nodes.logged_attempts import AttemptLog, ExchangeFailed, LoggedAttempts
from floe.nodes.replies import HttpReply, named_outputs, outputs_of
from floe.places import Places

AT_ONCE_MAX: Final = 64
"""Requests of a host at once; more wait in order."""


class Requests(LoggedAttempts):
    """The executor of http."""

    def __init__(
        self,
        *,
        places: Places | None = None,
        secrets: Secrets = NO_SECRETS,
        forbidden: ForbiddenAddresses = NOTHING_FORBIDDEN,
    ) -> None:
        super().__init__("the request", places, at_once=AT_ONCE_MAX)
        self._secrets = secrets
        self._forbidden = forbidden

    async def _exchange(self, job: Job, log: AttemptLog) -> Report:
        work = job.work
        if not isinstance(work, Http):
            raise TypeError(f"{type(work).__name__} is no request")
        return await self._sent(work, job, log)

    async def _sent(self, work: Http, job: Job, log: AttemptLog) -> Answered:
        log.line(f"{work.method} {_shown(work.url)}")
        exchange = await asyncio.to_thread(_client)
        reply = await exchange(work, self._secrets, self._forbidden, log)
        good = work.expects(reply.status)
        outputs, note = named_outputs(reply, work.outputs) if work.outputs else outputs_of(reply)
        if note:
            log.line(f"\nfloe: {note}")
        if note and work.outputs and good:
            raise ExchangeFailed(note)
        return Answered(
            good=good,
            why="" if good else f"answered {reply.status_text}",
            outputs=outputs,
            output_bytes=self._size(job),
        )


Exchange = Callable[[Http, Secrets, ForbiddenAddresses, AttemptLog], Awaitable[HttpReply]]


def _client() -> Exchange:
    """The client. Blocks: the first call imports aiohttp's, which takes 0.1 s."""
    from floe.nodes.exchange import exchange

    return exchange


def _shown(url: Text) -> str:
    """A URL without the values that may be secrets."""
    if isinstance(url, str):
        return url
    return "".join(HIDDEN if part.is_secret else part.data or part.text for part in url.parts)
