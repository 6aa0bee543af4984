"""The evaluator processes of a host. A run stays with one of them, which keeps it folded."""

import zlib
from typing import Final, Self

from floe.evaluators.base import (
    EvaluatorCounts,
    EvaluatorFailed,
    FactsAfter,
    Judgement,
    OnVerdicts,
)
from floe.evaluators.child import ProcessSettings
from floe.evaluators.exchange import RunExchange, TextExchange
from floe.evaluators.lane import IDLE_S, EvaluatorLane
from floe.model.ids import Json, RunRef
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
        self._lanes = [EvaluatorLane(settings, self._tasks.spawn, idle_s) for _ in range(count)]

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._tasks.__aexit__(None, None, None)
        for lane in self._lanes:
            lane.end()
            await lane.wait_gone()

    def begin(self, judgement: Judgement, facts: FactsAfter, done: OnVerdicts) -> None:
        """Have the asks of a run judged."""
        lane = self._lane(judgement.run)
        lane.put(RunExchange(judgement, facts, done, self._settings.limit_s))

    def drop(self, run: RunRef) -> None:
        """Forget the judgement of a run."""
        self._lane(run).drop(run)

    async def judge_text(self, dialect: str, kind: str, body: Json) -> Json:
        """Judge something that belongs to no run yet. Raises EvaluatorFailed."""
        lane = min(self._lanes, key=len)
        if len(lane) >= TEXTS_MAX:
            what = f"{len(lane)} judgements wait for each evaluator process"
            raise EvaluatorFailed(what, "try again in a moment")
        exchange = TextExchange(dialect, kind, body)
        lane.put(exchange)
        try:
            return await exchange.answer
        finally:
            exchange.is_over = True

    def counts(self) -> EvaluatorCounts:
        """The figures of the evaluators."""
        return EvaluatorCounts(
            most=len(self._lanes),
            running=sum(lane.process is not None for lane in self._lanes),
            waiting=sum(map(len, self._lanes)),
            killed=sum(lane.killed for lane in self._lanes),
        )

    def wait_of(self, run: RunRef) -> str:
        """What delays the judgement of a run."""
        return self._lane(run).wait_of(run)

    def problem(self) -> str:
        """Why no process can be started."""
        found = next((lane.problem for lane in self._lanes if lane.problem), "")
        return f"cannot start evaluator processes: the last one {found}" if found else ""

    def _lane(self, run: RunRef) -> EvaluatorLane:
        return self._lanes[zlib.crc32(run.key.encode()) % len(self._lanes)]
