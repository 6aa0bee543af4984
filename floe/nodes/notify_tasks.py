"""Carries out notify tasks: a message each, sent as the notices about ended runs are.

Rule of this file: all tries of an attempt, and all attempts of a visit, have one id, so that a
receiver can drop a repetition.
"""

import asyncio
from typing import Final

from floe.model.ids import NO_ITEM
from floe.model.notify import Notify
from floe.model.signal import Answered, Report
from floe.model.template import data_of
from floe.nodes.base import NO_SECRETS, Job, NoticeRefused, Secrets
from floe.nodes.logged_attempts import AttemptLog, LoggedAttempts
from floe.nodes.notify import NotifyMessage, NotifySender
from floe.places import Places

AT_ONCE_MAX: Final = 16
"""Messages of a host at once; more wait in order."""

MESSAGE_RETRY_S: Final = (1.0, 5.0, 25.0)
"""Seconds before each further try of an attempt, after a refusal that may pass."""

MESSAGE_CHARS_MAX: Final = 8192
"""Of a text, as of a notice; the rest is cut."""


class NotifyTasks(LoggedAttempts):
    """The executor of notify tasks."""

    def __init__(
        self,
        sender: NotifySender,
        *,
        places: Places | None = None,
        secrets: Secrets = NO_SECRETS,
        public_url: str = "",
        retry_s: tuple[float, ...] = MESSAGE_RETRY_S,
    ) -> None:
        """`public_url`: of the dashboard, for the link to the run; empty for none."""
        super().__init__("the message", places, at_once=AT_ONCE_MAX)
        self._sender = sender
        self._secrets = secrets
        self._public_url = public_url
        self._retry_s = retry_s

    async def _exchange(self, job: Job, log: AttemptLog) -> Report:
        work = job.work
        if not isinstance(work, Notify):
            raise TypeError(f"{type(work).__name__} is no message")
        message = self._message(job, work)
        log.line(message.text)
        why = await self._refusal(message, log)
        log.line(f"\nfloe: not sent: {why}" if why else f"\nfloe: sent: {work.place}")
        return Answered(good=not why, why=why, outputs={}, output_bytes=self._size(job))

    async def _refusal(self, message: NotifyMessage, log: AttemptLog) -> str:
        """Send a message, with repetitions; why it was refused in the end, empty if it was sent."""
        for wait_s in (*self._retry_s, None):
            try:
                await self._sender.send_text(message)
            except NoticeRefused as refused:
                if refused.is_final or wait_s is None:
                    return str(refused)
                log.line(f"\nfloe: {refused}; sending it again in {wait_s:g} s")
                await asyncio.sleep(wait_s)
            else:
                break
        return ""

    def _message(self, job: Job, work: Notify) -> NotifyMessage:
        key, run = job.key, str(job.key.run)
        item = "" if key.item == NO_ITEM else f".{key.item}"
        text = data_of(work.text)
        if len(text) > MESSAGE_CHARS_MAX:
            text = text[: MESSAGE_CHARS_MAX - 1] + "…"
        url = self._secrets.value(work.secret.secret).reveal().strip() if work.secret else work.url
        return NotifyMessage(
            channel=work.channel,
            url=url,
            to=work.to,
            id=f"{key.run.key}/{key.epoch}.{key.node}.{key.visit}{item}",
            flow=job.flow,
            run=run,
            node=job.node,
            text=text,
            subject=data_of(work.subject) or f"{job.flow}: {job.node}",
            link=f"{self._public_url}/app/dash/runs/{run}" if self._public_url else "",
        )
