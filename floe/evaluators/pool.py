"""The evaluator processes of a host. A run stays with one of them, which keeps it folded."""

import zlib
from collections.abc import Sequence
from typing import Final, Self

from floe.evaluators.base import (
    EvaluatorCounts,
    EvaluatorFailed,
    EventQuestion,
    FactsAfter,
    Judgement,
    OnVerdicts,
)
from floe.evaluators.child import ProcessSettings
from floe.evaluators.event_exchange import EventExchange
from floe.evaluators.exchange import RunExchange, TextExchange
from floe.evaluators.queue import IDLE_S, EvaluatorQueue
from floe.model.ids import Json, RunRef
from floe.model.opening import Opened
from floe.tasks import Tasks

TEXTS_MAX: Final = 1000
"""Judgements that may wait for a process when a text is to be judged; more refuse the text. The
judgements of runs are at most one for each run, and always wait."""


class EvaluatorPool:
    """Evaluator processes, which start when they are needed."""

    def __init__(self, settings: ProcessSettings, count: int, *, idle_s: float = IDLE_S) -> None:
        """`count` processes at most."""
        self._settings = settings
        self._tasks = Tasks()
        self._queues = [EvaluatorQueue(settings, self._tasks.spawn, idle_s) for _ in range(count)]

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._tasks.__aexit__(None, None, None)
        for queue in self._queues:
            queue.end()
            await queue.wait_gone()

    def begin(self, judgement: Judgement, facts: FactsAfter, done: OnVerdicts) -> None:
        """Have the asks of a run judged."""
        queue = self._queue(judgement.run)
        queue.put(RunExchange(judgement, facts, done, self._settings.limit_s))

    def drop(self, run: RunRef) -> None:
        """Forget the judgement of a run."""
        self._queue(run).drop(run)

    async def judge_text(self, dialect: str, kind: str, body: Json) -> Json:
        """Judge something that belongs to no run yet. Raises EvaluatorFailed."""
        queue = min(self._queues, key=len)
        if len(queue) >= TEXTS_MAX:
            what = f"{len(queue)} judgements wait for each evaluator process"
            raise EvaluatorFailed(what, "try again in a moment")
        exchange = TextExchange(dialect, kind, body)
        queue.put(exchange)
        try:
            return await exchange.answer
        finally:
            exchange.is_over = True

    async def open(self, questions: Sequence[EventQuestion]) -> Sequence[Opened]:
        """What events come to. They wait for a process, however many judgements come first."""
        exchange = EventExchange(questions, self._settings.limit_s)
        min(self._queues, key=len).put(exchange)
        try:
            return await exchange.answer
        finally:
            exchange.is_over = True

    def counts(self) -> EvaluatorCounts:
        """The figures of the evaluators."""
        return EvaluatorCounts(
            most=len(self._queues),
            running=sum(queue.process is not None for queue in self._queues),
            waiting=sum(map(len, self._queues)),
            killed=sum(queue.killed for queue in self._queues),
        )

    def wait_of(self, run: RunRef) -> str:
        """What delays the judgement of a run."""
        return self._queue(run).wait_of(run)

    def problem(self) -> str:
        """Why no process can be started."""
        found = next((queue.problem for queue in self._queues if queue.problem), "")
        return f"cannot start evaluator processes: the last one {found}" if found else ""

    def _queue(self, run: RunRef) -> EvaluatorQueue:
        return self._queues[zlib.crc32(run.key.encode()) % len(self._queues)]
