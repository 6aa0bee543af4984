"""The request to evaluator processes: which runs some events open, each in one flow.

A process that fails at a question is asked it once more, singly. So a poisonous event or flow costs
the others no more than that time.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from floe.evaluators.base import EventQuestion
from floe.evaluators.child import NO_QUESTION, EvaluatorProcess
from floe.evaluators.exchange import ROUNDS_MAX
from floe.evaluators.frames import Found, Holds, OpenEvents, SentFlow, ToProcess
from floe.evaluators.verdict_text import opened_of
from floe.model.codec import encode, to_text
from floe.model.ids import RunRef
from floe.model.opening import Opened

FAILED_LIMITS: Final = 12
"""Time limits that the failures of one flow may take in one request. The events that are left then
fail in it, because other events wait for the process."""

MESSAGE_BYTES_MAX: Final = 4 << 20
"""Bytes of the events in one message, besides those of the first."""


class EventExchange:
    """The questions about some events. Answers that one process found stay if it fails later."""

    def __init__(self, questions: Sequence[EventQuestion], limit_s: float) -> None:
        self.run: RunRef | None = None
        self.is_over = not questions
        self.why = ""
        self.answer: asyncio.Future[Sequence[Opened]] = asyncio.get_running_loop().create_future()
        self._questions = questions
        self._opened: list[Opened] = []
        self._suspect = -1
        """The question at which a process failed, so that it is asked singly; -1 for none."""
        self._failing_s = FAILED_LIMITS * limit_s
        """Seconds that the failures of one flow may take."""
        self._failed_s: dict[str, float] = {}
        """Seconds that they took, by digest."""
        self._since = 0.0
        """When the last answer came, or the last process failed, by the loop's clock."""
        if self.is_over:
            self.answer.set_result(())

    async def attempt(self, process: EvaluatorProcess) -> None:
        """Ask a process, until nothing is left to ask. Raises EvaluatorFailed."""
        self._since = asyncio.get_running_loop().time()
        lacked = 0
        while not self.is_over:
            before = len(self._opened)
            await self._ask(process)
            lacked = lacked + 1 if len(self._opened) == before else 0
            if lacked == ROUNDS_MAX:
                raise process.failure("lacks a flow that it was sent")
            self._go_on()

    def failed(self, why: str) -> None:
        """Ask the next question singly; if it was, or its flow took too long, it fails."""
        self.why = why
        now, at = asyncio.get_running_loop().time(), len(self._opened)
        digest = self._questions[at].digest
        self._failed_s[digest] = self._failed_s.get(digest, 0.0) + now - self._since
        self._since = now
        if at != self._suspect and not self._is_given_up(at):
            self._suspect = at
            return
        self._opened.append(Opened(failed=why))
        self._go_on()

    def _is_given_up(self, at: int) -> bool:
        """Whether a question is about a flow whose failures took too long."""
        return self._failed_s.get(self._questions[at].digest, 0.0) >= self._failing_s

    async def _ask(self, process: EvaluatorProcess) -> None:
        first = len(self._opened)
        until = first + 1 if first == self._suspect else self._until(first)
        asked = self._questions[first:until]
        process.job += 1
        messages: list[ToProcess] = []
        for digest, one in {one.digest: one for one in asked}.items():
            if digest not in process.flows:
                messages.append(SentFlow(digest, to_text(encode(one.flow)), one.around))
                process.flows.add(digest)
        events = [(one.dialect, one.digest, one.event) for one in asked]
        process.send(*messages, OpenEvents(process.job, first, events))
        while len(self._opened) < until:
            answer = await process.answer()
            at = len(self._opened)
            if isinstance(answer, Holds) and answer.seq == at:
                if not answer.has_flow:
                    process.flows.discard(self._questions[at].digest)
                break
            if not isinstance(answer, Found) or answer.at != at:
                raise process.failure(NO_QUESTION)
            try:
                self._opened.append(opened_of(answer.verdict))
            except ValueError as error:
                raise process.failure(f"sent a malformed answer: {error}") from None
            self._since = asyncio.get_running_loop().time()
        process.rest()

    def _until(self, first: int) -> int:
        """The end of what one message asks."""
        size = 0
        for at in range(first, len(self._questions)):
            size += len(self._questions[at].event)
            if at > first and (size > MESSAGE_BYTES_MAX or self._is_given_up(at)):
                return at
        return len(self._questions)

    def _go_on(self) -> None:
        """Fail the next questions about flows that were given up; end after the last question."""
        while (at := len(self._opened)) < len(self._questions) and self._is_given_up(at):
            self._opened.append(Opened(failed=f"events before it took too long: {self.why}"))
        if len(self._opened) == len(self._questions):
            self.is_over = True
            if not self.answer.done():  # its caller waits no longer
                self.answer.set_result(self._opened)
