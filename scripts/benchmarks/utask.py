"""What a step of a task of uTask costs: judged and rendered by evaluator processes, without a host.

The kernel decides in this process; each action answers at once.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from floe.dialects.registry import evaluators
from floe.dialects.utask.compiled import CREATE, compiled_document
from floe.evaluators.base import Judgement
from floe.evaluators.child import ProcessSettings
from floe.evaluators.pool import EvaluatorPool
from floe.kernel.decide import decide
from floe.kernel.evolve import fold
from floe.kernel.items import state_of
from floe.kernel.owed import owed
from floe.model.call import Call
from floe.model.codec import digest_of, encode_event, to_text
from floe.model.effect import StartAction
from floe.model.event import Event
from floe.model.flow import Flow
from floe.model.ids import HostId, Instant, Json, RunRef, Shape, StoreId
from floe.model.judging import Judged, JudgeRun, Verdict
from floe.model.nouns import replace
from floe.model.passes import RunOpened
from floe.model.people import Resolve
from floe.model.run import Attached, Run
from floe.model.signal import Answered, Reported, Signal, Started
from floe.store.base import Record, Stored
from scripts.benchmarks.figures import Row, least, most
from scripts.benchmarks.plan import Plan
from scripts.benchmarks.utask_blocked import blocked_rows

HOST: Final = HostId("h1")
STORE: Final = StoreId("bench")
STEPS: Final = 10
TASKS: Final = 100
LOOPS: Final = (100, 1_000)
PROCESSES: Final = 4


def utask(plan: Plan) -> list[Row]:
    """Steps that echo a text from the step before and have a condition; loops; blocked tasks."""
    return [*asyncio.run(_measured(min(plan.repeats, 5))), *blocked_rows(plan)]


async def _measured(repeats: int) -> list[Row]:
    alone, costs, many = [], [], []
    loops: dict[int, list[float]] = {size: [] for size in LOOPS}
    for _ in range(repeats):
        rate, cost_ms = await _tasks(1)
        alone.append(rate)
        costs.append(cost_ms)
        many.append((await _tasks(PROCESSES))[0])
        for size, found in loops.items():
            found.append(await _loop(size))
    what = f"{TASKS} tasks of {STEPS} echo steps"
    return [
        Row(f"{what}, 1 evaluator: steps for a second of its CPU", alone, "/s", budget=least(300)),
        Row("CPU of the evaluator for a step", costs, "ms", budget=most(1.5)),
        Row(f"{what}, {PROCESSES} evaluators: of their CPU together", many, "/s"),
        *(Row(f"a loop of {size:,}: for a child", found, "ms") for size, found in loops.items()),
    ]


async def _tasks(processes: int) -> tuple[float, float]:
    """Steps for a second of CPU of all processes as if they had a core each, and ms for a step."""
    flow = compiled_document({"template": _template(), "functions": {}})
    async with _pool(processes) as pool:
        await asyncio.gather(*(_Task(flow, serial).run(pool) for serial in range(1, 20)))
        before = _cpu_s()
        tasks = [_Task(flow, serial) for serial in range(100, 100 + TASKS)]
        await asyncio.gather(*(task.run(pool) for task in tasks))
        taken_s = _cpu_s() - before
    return TASKS * STEPS * processes / taken_s, taken_s / (TASKS * STEPS) * 1e3


async def _loop(size: int) -> float:
    """Milliseconds for a child of a loop."""
    step: Shape = {
        "action": {"type": "echo", "configuration": {"output": "{{.iterator}}"}},
        "foreach": f"{{{{until {size} | toJson}}}}",
    }
    flow = compiled_document(
        {"template": {**_template(), "steps": {"loop": step}}, "functions": {}}
    )
    async with _pool(1) as pool:
        await _Task(flow, 1).run(pool)
        begun = time.perf_counter()
        await _Task(flow, 2).run(pool)
        return (time.perf_counter() - begun) / size * 1e3


def _template() -> Shape:
    steps: Shape = {}
    for at in range(STEPS):
        text = f"{{{{.input.x}}}} {{{{.step.s{at - 1}.output}}}}" if at else "{{.input.x}}"
        check: Shape = {"value": "{{.step.this.output}}", "operator": "EQ", "expected": ""}
        steps[f"s{at}"] = {
            "action": {"type": "echo", "configuration": {"output": text}},
            "dependencies": [f"s{at - 1}"] if at else [],
            "conditions": [{"type": "check", "if": [check], "then": {"this": "PRUNE"}}],
        }
    return {"name": "bench", "title_format": "Bench", "inputs": [{"name": "x"}], "steps": steps}


def _pool(processes: int) -> EvaluatorPool:
    return EvaluatorPool(ProcessSettings(evaluators=evaluators()), processes)


def _cpu_s() -> float:
    """Seconds of CPU that the evaluator processes, which are all children, have used."""
    fields = (_stat(pid) for pid in _children())
    return sum(int(one[13]) + int(one[14]) for one in fields) / os.sysconf("SC_CLK_TCK")


def _children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def _stat(pid: str) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().split()


class _Task:
    """A run of a template, which ends good."""

    def __init__(self, flow: Flow, serial: int) -> None:
        self._flow, self._digest = flow, digest_of(flow)
        self._ref = RunRef(HOST, STORE, serial)
        values: Json = {"x": "some text"}
        opened = RunOpened(
            at=_now(),
            flow=flow.id,
            ver=1,
            digest=self._digest,
            trigger=CREATE,
            values={"input": values},
            by="bench",
            host=HOST,
            store=STORE,
            verdict="TODO",
        )
        self._log: list[Event] = [opened]
        self._run: Run = replace(fold(self._ref, self._log), flow=flow)

    async def run(self, pool: EvaluatorPool) -> None:
        """Run it to its end."""
        self._tell(Resolve(by="bench", resolution="r"))
        while self._run.phase == "active":
            for effect in owed(self._run):
                if isinstance(effect, StartAction):
                    self._echo(effect)
                elif isinstance(effect, JudgeRun):
                    await self._judge(effect, pool)
        assert self._run.result == "good", self._run.why

    def _echo(self, effect: StartAction) -> None:
        key = effect.key
        self._tell(Started(key=key, at=_now()))
        state = state_of(self._run, key.node, key.item)
        work = (state.work if state else None) or self._run.nodes[key.node].work
        assert isinstance(work, Call)
        config: Shape = work.config  # type: ignore[assignment]
        report = Answered(good=True, outputs={"output": config["configuration"]["output"]})
        self._tell(Reported(key=key, report=report, at=_now()))

    async def _judge(self, effect: JudgeRun, pool: EvaluatorPool) -> None:
        done: asyncio.Future[Sequence[Verdict]] = asyncio.get_running_loop().create_future()
        judgement = Judgement(
            run=effect.run,
            epoch=effect.epoch,
            seq=effect.seq,
            asks=effect.asks,
            dialect="utask",
            flow=self._flow,
            digest=self._digest,
        )
        pool.begin(judgement, self._facts, done.set_result)
        verdicts = tuple(await done)
        self._tell(Judged(epoch=effect.epoch, seq=effect.seq, verdicts=verdicts))

    async def _facts(self, run: RunRef, after: int, limit: int) -> Sequence[Stored]:
        events = enumerate(self._log[after : after + limit], after + 1)
        return [_stored(run, seq, event) for seq, event in events]

    def _tell(self, signal: Signal) -> None:
        decision = decide(self._run, signal, _now(), Attached(flow=self._flow))
        self._run = decision.run
        self._log += decision.events


def _stored(run: RunRef, seq: int, event: Event) -> Stored:
    body = to_text(encode_event(event))
    return Stored(pos=seq, record=Record(run=run, epoch=1, seq=seq, event=event, body=body))


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000_000)
