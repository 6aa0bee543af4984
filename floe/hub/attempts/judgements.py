"""Has the runs of judged flows judged by evaluator processes. Decides nothing."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Final

from floe.dialects.base import Around
from floe.evaluators.base import EvaluatorCounts, Evaluators, FactsAfter, Judgement
from floe.host.inputs import Incoming
from floe.hub.attempts.pass_places import NO_LIMITS, PassPlaces
from floe.model.flow import Flow
from floe.model.ids import FlowId, RunRef
from floe.model.judging import Judged, JudgeRun, Question, Verdict
from floe.model.run import Run

NO_EVALUATORS = EvaluatorCounts()

AGAIN_S: Final = (1.0, 10.0, 60.0)
"""Seconds before a question is asked again about which time or memory ran out, if its node would
fail permanently: a result from outside is not lost to a slow machine."""


class Judgements:
    """The judgements that runs owe: at most one for each run. Its verdicts become an input.

    Nothing of them is stored before: after a crash they are owed, and made again.
    """

    def __init__(
        self,
        evaluators: Evaluators | None,
        facts: FactsAfter,
        runs: Mapping[RunRef, Run],
        put: Callable[[Incoming], None],
        around: Callable[[str, Flow, str], Around | None] = lambda dialect, flow, digest: None,
        limits: Mapping[FlowId, int] = NO_LIMITS,
    ) -> None:
        """`evaluators` is None where no dialect has one; `runs` is the core's table. `around`: what
        the judgements of a dialect, of a flow with a digest, read besides the run. `limits`: how
        many runs of a flow may be in a pass at once."""
        self._evaluators = evaluators
        self._facts = facts
        self._runs = runs
        self._put = put
        self._around = around
        self._begun: dict[RunRef, JudgeRun] = {}
        self._again: dict[RunRef, tuple[Question, int]] = {}
        """The question of a run that is asked again, and how often it was."""
        self._waits: dict[RunRef, asyncio.TimerHandle] = {}
        """The judgements that are to be made again."""
        self._places = PassPlaces(limits, runs, self._admitted)

    def perform(self, effect: JudgeRun) -> None:
        """Begin a judgement. Idempotent."""
        run = self._runs.get(effect.run)
        if run is None or self._begun.get(effect.run) == effect:
            return
        assert run.flow is not None, "an active run has its flow"
        assert run.digest is not None
        assert run.flow.states is not None, "only judged flows owe judgements"
        self._begun[effect.run] = effect
        if self._evaluators is None:
            self._answer(effect, [Verdict(failed="this host has no evaluators")] * len(effect.asks))
            return
        if self._places.admit(effect, run.flow):
            self._begin(self._evaluators, effect, run)

    def _admitted(self, effect: JudgeRun) -> None:
        """Begin a judgement that waited for a place of its run."""
        run = self._runs.get(effect.run)
        if run is not None and self._evaluators is not None and self._begun.get(run.ref) == effect:
            self._begin(self._evaluators, effect, run)

    def _begin(self, evaluators: Evaluators, effect: JudgeRun, run: Run) -> None:
        assert run.flow is not None
        assert run.flow.states is not None
        assert run.digest is not None
        dialect = run.flow.states.dialect
        around = self._around(dialect, run.flow, run.digest)
        judgement = Judgement(
            run=effect.run,
            epoch=effect.epoch,
            seq=effect.seq,
            asks=effect.asks,
            dialect=dialect,
            flow=run.flow,
            digest=f"{run.digest} {around.digest}" if around else run.digest,
            around=around.body if around else b"",
        )
        is_final = not run.flow.states.verdict_failed
        evaluators.begin(judgement, self._facts, partial(self._done, effect, is_final=is_final))

    def close(self, effect: JudgeRun) -> None:
        """Drop a judgement that is no longer owed, such as that of a cancelled run."""
        if self._begun.get(effect.run) == effect:
            del self._begun[effect.run]
            self._again.pop(effect.run, None)
            self._places.drop(effect.run)
            if wait := self._waits.pop(effect.run, None):
                wait.cancel()
            if self._evaluators is not None:
                self._evaluators.drop(effect.run)

    def _done(self, effect: JudgeRun, verdicts: Sequence[Verdict], *, is_final: bool) -> None:
        """Take the verdicts. `is_final`: a node that ran and cannot be judged fails permanently."""
        answered = zip(effect.asks, verdicts, strict=False)
        made = [*takewhile(lambda one: not (is_final and _has_result_left(*one)), answered)]
        if made:
            self._again.pop(effect.run, None)
            self._answer(effect, [verdict for _, verdict in made])
            return
        before, times = self._again.get(effect.run, (None, 0))
        question = effect.asks[0]
        times = times if before == question else 0
        if times == len(AGAIN_S):
            del self._again[effect.run]
            self._answer(effect, verdicts)
            return
        self._again[effect.run] = (question, times + 1)
        loop = asyncio.get_running_loop()
        self._waits[effect.run] = loop.call_later(AGAIN_S[times], self._try_again, effect)

    def _try_again(self, effect: JudgeRun) -> None:
        del self._waits[effect.run]
        run = self._runs.get(effect.run)
        if run is not None and self._evaluators is not None:
            self._begin(self._evaluators, effect, run)

    def _answer(self, effect: JudgeRun, verdicts: Sequence[Verdict]) -> None:
        judged = Judged(
            epoch=effect.epoch,
            seq=effect.seq,
            verdicts=tuple(verdicts),
            is_partial=len(verdicts) < len(effect.asks),
        )
        self._put(Incoming(input=judged, run=effect.run))

    # --- for people ---

    def wait_of(self, run: RunRef) -> str:
        """What the judgement of a run waits for, as a sentence; empty for nothing."""
        if run in self._waits:
            return "time or memory ran out, so it is tried again soon"
        if wait := self._places.wait_of(run):
            return wait
        return self._evaluators.wait_of(run) if self._evaluators and run in self._begun else ""

    def counts(self) -> EvaluatorCounts:
        """The figures of the evaluators."""
        return self._evaluators.counts() if self._evaluators else NO_EVALUATORS

    def problem(self) -> str:
        """Why no evaluator process can be started, as a sentence without a subject."""
        return self._evaluators.problem() if self._evaluators else ""


def _has_result_left(question: Question, verdict: Verdict) -> bool:
    """Whether there was no time or memory to judge a result."""
    return question.stage == "after" and verdict.unjudged
