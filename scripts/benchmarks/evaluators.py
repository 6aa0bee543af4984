"""What a judgement costs: of a new process, of a run that it has, of one that it lacks."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from floe.evaluators.base import Judgement
from floe.evaluators.child import ProcessSettings
from floe.evaluators.pool import EvaluatorPool
from floe.model.codec import digest_of, encode_event, to_text
from floe.model.event import CancelAsked, Event, NodeEntered, NodeStarted, RunPended
from floe.model.flow import Flow, Node, Trigger
from floe.model.ids import FlowId, HostId, Instant, NodeId, RunRef, StoreId
from floe.model.judging import Question, Verdict
from floe.model.work import Exec
from floe.store.base import Record, Stored
from scripts.benchmarks.figures import Row, most
from scripts.benchmarks.plan import Plan

FACTS = 1_000
JUDGEMENTS = 2_000
WIDE = 1_000
"""Questions of one judgement."""

RUN = RunRef(HostId("h1"), StoreId("bench"), 1)
NOW = Instant(0)
NODES = tuple(NodeId(f"s{n}") for n in range(FACTS // 2))
WORK = Exec(argv=("true",))
FLOW = Flow(
    id=FlowId("bench"),
    ver=1,
    name="Bench",
    triggers=(Trigger(id=NodeId("start"), type="data", name="start"),),
    nodes=tuple(
        Node(id=node, cls="task", type="exec", name=node, work=WORK, heard=frozenset())
        for node in NODES
    ),
)
DIGEST = digest_of(FLOW)


def evaluators(plan: Plan) -> list[Row]:
    """The round trips to one process, from the request to the verdicts."""
    return asyncio.run(_measured(min(plan.repeats, 7)))


async def _measured(repeats: int) -> list[Row]:
    log = [_stored(seq, event) for seq, event in enumerate(_events(), 1)]
    starts, wholes, memory, trips, rates, wides = [], [], [], [], [], []
    for _ in range(repeats):
        settings = ProcessSettings(evaluators={"echo": "scripts.benchmarks.echo_evaluator:ECHO"})
        async with EvaluatorPool(settings, 1) as pool:
            taken_ms, pid = await _asked(pool, log[:2], 2)
            starts.append(taken_ms)
            wholes.append((await _asked(pool, log, FACTS))[0])
            begun = time.perf_counter()
            for seq in range(FACTS + 1, FACTS + JUDGEMENTS + 1):
                log.append(_stored(seq, CancelAsked(at=NOW, by="a person", why="")))
                trips.append((await _asked(pool, log, seq))[0])
            rates.append(JUDGEMENTS / (time.perf_counter() - begun))
            memory.append(_pss_mb(pid))
            wides.append((await _asked(pool, log, FACTS + JUDGEMENTS, WIDE))[0])
            del log[FACTS:]
    what = "a judgement with one new fact"
    return [
        Row("first judgement, with the start of its process", starts, "ms"),
        Row(f"first judgement of a run of {FACTS:,} facts", wholes, "ms"),
        Row(f"{what}, p50", trips, "ms", budget=most(2)),
        Row(f"{what}, p95", trips, "ms", percent=95),
        Row(f"{what}: one after the other", rates, "/s"),
        Row(f"a judgement with {WIDE:,} questions", wides, "ms"),
        Row("an evaluator process with that run", memory, "MB"),
    ]


async def _asked(
    pool: EvaluatorPool, log: Sequence[Stored], seq: int, width: int = 1
) -> tuple[float, object]:
    """Milliseconds until the last verdict, and the process that gave it."""
    question = Question(node=NODES[0], visit=1, attempt=1, stage="after")
    judgement = Judgement(
        run=RUN,
        epoch=1,
        seq=seq,
        asks=(question,) * width,
        dialect="echo",
        flow=FLOW,
        digest=DIGEST,
    )
    done: asyncio.Future[Sequence[Verdict]] = asyncio.get_running_loop().create_future()

    async def facts(_run: RunRef, after: int, limit: int) -> Sequence[Stored]:
        return log[after : after + limit]

    begun = time.perf_counter()
    pool.begin(judgement, facts, done.set_result)
    [*verdicts] = await done
    taken_ms = (time.perf_counter() - begun) * 1e3
    assert not any(verdict.failed for verdict in verdicts), verdicts[0].failed
    return taken_ms, verdicts[0].outputs["pid"]


def _events() -> list[Event]:
    """As many facts as told, of a run whose nodes have entered and started."""
    pended = RunPended(
        at=NOW,
        flow=FLOW.id,
        ver=1,
        trigger=NodeId("start"),
        values={},
        by="a person",
        digest=DIGEST,
    )
    made: list[Event] = [pended]
    for node in NODES:
        made.append(NodeEntered(at=NOW, node=node, visit=1, work=WORK))
        made.append(NodeStarted(at=NOW, node=node, visit=1, attempt=1, started_at=NOW))
    return made[:FACTS]


def _stored(seq: int, event: Event) -> Stored:
    body = to_text(encode_event(event))
    return Stored(pos=seq, record=Record(run=RUN, epoch=1, seq=seq, event=event, body=body))


def _pss_mb(pid: object) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(rollup.partition("\nPss:")[2].split()[0]) / 1024
