"""The requests to evaluator processes: the judgement of a run, or of a text.

A request goes to a process, and to the next one if that fails, until each question has its verdict.
"""

import asyncio
from typing import Final, Protocol

import msgspec

from floe.evaluators.base import EvaluatorFailed, FactsAfter, Judgement, OnVerdicts
from floe.evaluators.child import NO_QUESTION, EvaluatorProcess
from floe.evaluators.frames import (
    Found,
    FromProcess,
    Holds,
    JudgeAsks,
    JudgedText,
    JudgeText,
    SentFacts,
    SentFlow,
    ToProcess,
)
from floe.evaluators.verdict_text import failed_text, text_of_json, verdict_of
from floe.model.codec import encode, encode_event, to_text
from floe.model.ids import Json, RunRef
from floe.model.judging import Verdict
from floe.store.base import Stored

PAGE: Final = 250
"""Facts in one message, so that neither the host nor the process is long about it."""

PAGE_BYTES: Final = 4 << 20

ROUNDS_MAX: Final = 3
"""Times that a process may lack something before it counts as broken."""

LIMITS_MAX: Final = 12
"""Time limits that one judgement may take in all, because other runs wait for the process."""

LEAST_S: Final = 0.001


class Exchange(Protocol):
    """A request to an evaluator process, with its answers."""

    run: RunRef | None
    """None for a text."""
    is_over: bool
    why: str
    """Why the last attempt failed; empty for no failure."""

    async def attempt(self, process: EvaluatorProcess) -> None:
        """Ask a process, until nothing is left to ask. Raises EvaluatorFailed, FloeError."""
        ...

    def failed(self, why: str) -> None:
        """The process failed."""
        ...


class RunExchange:
    """The judgement of a run. Verdicts that one process found are known to the next."""

    def __init__(
        self, judgement: Judgement, facts: FactsAfter, done: OnVerdicts, limit_s: float
    ) -> None:
        self.run: RunRef | None = judgement.run
        self.is_over = False
        self.why = ""
        self._judgement = judgement
        self._facts = facts
        self._done = done
        self._verdicts: list[Verdict] = []
        self._texts: list[bytes] = []
        """The same, as they were sent."""
        self._suspect = -1
        """The question at which a process failed, so that it is judged singly; -1 for none."""
        self._left_s = LIMITS_MAX * limit_s
        """Seconds that the judgement may still take."""
        self._lost_s = 0.0
        """Seconds that were spent on questions without a verdict."""
        self._limit_s = limit_s
        self._since = 0.0
        """When the last verdict came, or a process was asked first, by the loop's clock."""
        self._over = 0.0
        """When the time of the judgement is up, by the loop's clock."""

    async def attempt(self, process: EvaluatorProcess) -> None:
        begun = self._since = asyncio.get_running_loop().time()
        self._over = begun + self._left_s
        try:
            while not self.is_over:
                known, all_ = len(self._verdicts), len(self._judgement.asks)
                if known < all_:
                    await self._ask(process, known + 1 if known == self._suspect else all_)
                else:
                    self._finish()
        finally:
            now = asyncio.get_running_loop().time()
            self._left_s -= now - begun
            self._lost_s += now - self._since

    def failed(self, why: str) -> None:
        """Judge the next question singly; if it was, it fails for this reason.

        Once the time of the judgement is up, what has no verdict is left for the next judgement of
        the run. If most of the time was lost, it fails, so that a run does not take that time again
        and again.
        """
        before, self.why = self.why, why
        at = len(self._verdicts)
        if self._left_s <= 0:  # and so the last question had less time than any other
            is_lost = 2 * self._lost_s > LIMITS_MAX * self._limit_s
            self._fail(len(self._judgement.asks) - at if is_lost else int(not at), before or why)
            self._finish()
        elif at == self._suspect:
            self._fail(1, why)
        else:
            self._suspect = at

    def _fail(self, count: int, why: str) -> None:
        self._verdicts += [Verdict(failed=why, unjudged=True)] * count
        self._texts += [failed_text(why)] * count
        if len(self._verdicts) == len(self._judgement.asks):
            self._finish()

    def _finish(self) -> None:
        if not self.is_over:
            self.is_over = True
            self._done(self._verdicts)

    async def _ask(self, process: EvaluatorProcess, until: int) -> None:
        """Have the questions before an index judged."""
        process.job += 1
        answer: FromProcess = Holds(0, 0, has_flow=False)
        for _ in range(ROUNDS_MAX):
            process.send(*await self._messages(process, until))
            answer = await process.answer(self._wait_s())
            if not isinstance(answer, Holds):
                break
            process.holds(self._key, answer.seq, self._judgement.digest, has_flow=answer.has_flow)
        while True:
            self._take(process, answer)
            if len(self._verdicts) == until:
                break
            answer = await process.answer(self._wait_s())
        process.rest()

    def _wait_s(self) -> float:
        """How long the next answer may take."""
        left_s = self._over - asyncio.get_running_loop().time()
        return min(self._limit_s, max(left_s, LEAST_S))

    @property
    def _key(self) -> tuple[str, int]:
        return self._judgement.run.key, self._judgement.epoch

    async def _messages(self, process: EvaluatorProcess, until: int) -> list[ToProcess]:
        """The flow and the facts that the process lacks, and the asks."""
        asked, messages = self._judgement, list[ToProcess]()
        if asked.digest not in process.flows:
            messages.append(SentFlow(asked.digest, to_text(encode(asked.flow)), asked.around))
        after = process.seqs.get(self._key, 0)
        while True:
            page = await self._page(after)
            facts = SentFacts(process.job, asked.run.key, asked.epoch, after, page)
            after += len(page)
            if after >= asked.seq:
                break
            process.send(*messages, facts)
            messages = []
            if (await process.reply(Holds)).seq != after:
                raise process.failure("lacks facts that it was sent")
        process.holds(self._key, asked.seq, asked.digest, has_flow=True)
        asks = [encode(one) for one in asked.asks[:until]]
        messages.append(JudgeAsks(facts, asked.dialect, asked.digest, asks, self._texts[:until]))
        return messages

    async def _page(self, after: int) -> list[tuple[str, str]]:
        lacking = self._judgement.seq - after
        if not lacking:
            return []
        page: list[tuple[str, str]] = []
        size = 0
        for stored in await self._facts(self._judgement.run, after, min(lacking, PAGE)):
            fact = fact_of(stored)
            size += len(fact[1])
            if page and size > PAGE_BYTES:
                break
            page.append(fact)
        if not page:
            raise EvaluatorFailed(f"the store has no event {after + 1} of the run")
        return page

    def _take(self, process: EvaluatorProcess, answer: FromProcess) -> None:
        if not isinstance(answer, Found) or answer.at != len(self._verdicts):
            raise process.failure(NO_QUESTION)
        try:
            self._verdicts.append(verdict_of(answer.verdict))
        except ValueError as error:
            raise process.failure(f"sent a malformed verdict: {error}") from None
        self._texts.append(answer.verdict)
        self._since = asyncio.get_running_loop().time()


class TextExchange:
    """The judgement of a text. It is repeated once."""

    def __init__(self, dialect: str, kind: str, body: Json) -> None:
        self.run: RunRef | None = None
        self.is_over = False
        self.why = ""
        self.answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._dialect, self._kind = dialect, kind
        self._body = text_of_json(body)
        self._has_failed = False

    async def attempt(self, process: EvaluatorProcess) -> None:
        process.job += 1
        process.send(JudgeText(process.job, self._dialect, self._kind, self._body))
        answer = await process.reply(JudgedText)
        process.rest()
        if answer.failed:
            self._end(EvaluatorFailed(answer.failed))
            return
        try:
            self._end(msgspec.json.decode(answer.body))
        except (ValueError, RecursionError) as error:
            raise process.failure(f"sent a malformed answer: {error}") from None

    def failed(self, why: str) -> None:
        if self._has_failed:
            self._end(EvaluatorFailed(why))
        self._has_failed = True

    def _end(self, answer: Json | EvaluatorFailed) -> None:
        self.is_over = True
        if self.answer.done():  # its caller waits no longer
            return
        if isinstance(answer, EvaluatorFailed):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


def fact_of(stored: Stored) -> tuple[str, str]:
    """An event as processes get it: its name, and its body as text."""
    event, body = stored.record.event, stored.record.body
    text = body if isinstance(body, str) else to_text(encode_event(event))
    return type(event).__name__, text
