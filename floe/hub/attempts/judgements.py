"""Has the runs of judged flows judged by evaluator processes. Decides nothing."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from floe.dialects.base import Around
from floe.evaluators.base import EvaluatorCounts, Evaluators, FactsAfter, Judgement
from floe.host.inputs import Incoming
from floe.model.flow import Flow
from floe.model.ids import RunRef
from floe.model.judging import Judged, JudgeRun, Verdict
from floe.model.run import Run

NO_EVALUATORS = EvaluatorCounts()


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
    ) -> None:
        """`evaluators` is None where no dialect has one; `runs` is the core's table. `around`: what
        the judgements of a dialect, of a flow with a digest, read besides the run."""
        self._evaluators = evaluators
        self._facts = facts
        self._runs = runs
        self._put = put
        self._around = around
        self._begun: dict[RunRef, JudgeRun] = {}

    def perform(self, effect: JudgeRun) -> None:
        """Begin a judgement. Idempotent."""
        run = self._runs.get(effect.run)
        if run is None or self._begun.get(effect.run) == effect:
            return
        assert run.flow is not None, "an active run has its flow"
        assert run.digest is not None
        assert run.flow.states is not None, "only judged flows owe judgements"
        self._begun[effect.run] = effect
        done = partial(self._done, effect)
        if self._evaluators is None:
            done([Verdict(failed="this host has no evaluators")] * len(effect.asks))
            return
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
        self._evaluators.begin(judgement, self._facts, done)

    def close(self, effect: JudgeRun) -> None:
        """Drop a judgement that is no longer owed, such as that of a cancelled run."""
        if self._begun.get(effect.run) == effect:
            del self._begun[effect.run]
            if self._evaluators is not None:
                self._evaluators.drop(effect.run)

    def _done(self, effect: JudgeRun, verdicts: Sequence[Verdict]) -> None:
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
        return self._evaluators.wait_of(run) if self._evaluators and run in self._begun else ""

    def counts(self) -> EvaluatorCounts:
        """The figures of the evaluators."""
        return self._evaluators.counts() if self._evaluators else NO_EVALUATORS

    def problem(self) -> str:
        """Why no evaluator process can be started, as a sentence without a subject."""
        return self._evaluators.problem() if self._evaluators else ""
