"""Steps of tasks are judged in evaluator processes, as a host has them."""

import asyncio
from collections.abc import Sequence

import pytest

from floe.dialects.registry import evaluators
from floe.evaluators.base import FactsAfter, Judgement
from floe.evaluators.pool import EvaluatorPool
from floe.kernel.owed import owed
from floe.model.codec import digest_of, encode_event, to_text
from floe.model.effect import StartAction
from floe.model.ids import RunRef
from floe.model.judging import Judged, JudgeRun
from floe.store.base import Record, Stored
from tests.make import decided
from tests.make_evaluators import judged, pool_of
from tests.utask_run import TaskRun, created, resolve

pytestmark = pytest.mark.slow


async def run(task: TaskRun, pool: EvaluatorPool) -> None:
    """Resolve a task, whose steps a process judges, until it rests or is over."""
    task.take(decided(task.run, resolve({}), task.now()))
    while task.run.phase == "active":
        for effect in sorted(owed(task.run), key=str):
            if isinstance(effect, StartAction):
                task.carry_out(effect)
            elif isinstance(effect, JudgeRun):
                judgement = Judgement(
                    run=effect.run,
                    epoch=effect.epoch,
                    seq=effect.seq,
                    asks=effect.asks,
                    dialect="utask",
                    flow=task.flow,
                    digest=digest_of(task.flow),
                )
                verdicts = await judged(pool, judgement, facts_of(task))
                answer = Judged(epoch=effect.epoch, seq=effect.seq, verdicts=tuple(verdicts))
                task.take(decided(task.run, answer, task.now()))


def facts_of(task: TaskRun) -> FactsAfter:
    """The facts of a task, as a store has them."""

    async def facts(run: RunRef, after: int, limit: int) -> Sequence[Stored]:
        found = [*enumerate(task.log, 1)][after : after + limit]
        return [
            Stored(
                pos=seq,
                record=Record(
                    run=run, epoch=1, seq=seq, event=event, body=to_text(encode_event(event))
                ),
            )
            for seq, event in found
        ]

    return facts


async def test_task_runs_to_its_end() -> None:
    task = created("""
variables: [{name: three, expression: 1 + 2}]
result_format: {out: '{{.step.b.output}}'}
steps:
  a:
    ECHO '{{eval "three"}}'
  b:
    ECHO '{{.step.a.output}}!'
    dependencies: [a]
""")

    async with pool_of(evaluators=evaluators()) as pool:
        await run(task, pool)

    assert task.states() == {"a": "DONE", "b": "DONE"}
    assert task.run.nodes["result"].outputs == {"result": {"out": "3!"}}  # type: ignore[index]


async def test_step_that_takes_its_process_down_harms_no_other() -> None:
    task = created("""
variables: [{name: endless, expression: 'new Array(1e9).join()'}]
steps:
  a:
    ECHO '{{eval "endless"}}'
  b:
    ECHO x
""")

    async with asyncio.timeout(60), pool_of(evaluators=evaluators(), limit_s=1.0) as pool:
        await run(task, pool)

    assert task.states()["b"] == "DONE"
    assert task.states()["a"] in ("FATAL_ERROR", "SERVER_ERROR")
    assert task.steps()["a"].try_count == 0
