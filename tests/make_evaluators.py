"""A pool of evaluator processes with toy evaluators, and what to ask them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from floe.evaluators.base import FactsAfter, Judgement
from floe.evaluators.child import ProcessSettings
from floe.evaluators.pool import EvaluatorPool
from floe.model.codec import digest_of, encode_event, to_text
from floe.model.errors import StoreFailed
from floe.model.event import CancelAsked, Event
from floe.model.flow import Flow
from floe.model.ids import Json, NodeId, RunRef
from floe.model.judging import Question, Verdict
from floe.store.base import Record, Stored
from tests.make import NOW, REF, a_flow, a_pended

EVALUATORS = {
    "toy": "tests.toy_evaluator:TOY",
    "garbage": "tests.toy_evaluator:GARBAGE",
    "steps": "tests.toy_evaluator:STEPS",
    "missing": "tests.toy_evaluator:MISSING",
}
FLOW = a_flow()


def asks(*nodes: str) -> tuple[Question, ...]:
    """An ask for each node, before it enters."""
    return tuple(Question(node=NodeId(node), visit=1, attempt=1, stage="before") for node in nodes)


def a_log(count: int = 1, ref: RunRef = REF, flow: Flow = FLOW, **values: Json) -> list[Stored]:
    """The stored facts of a run, as many as told."""
    events: list[Event] = [a_pended(flow, values=values)]
    events += [CancelAsked(at=NOW, by=f"user {n}", why="") for n in range(1, count)]
    return [
        Stored(
            pos=seq,
            record=Record(
                run=ref, epoch=0, seq=seq, event=event, body=to_text(encode_event(event))
            ),
        )
        for seq, event in enumerate(events, 1)
    ]


class StoredFacts:
    """Logs of runs; remembers which facts were read."""

    def __init__(self, *logs: Sequence[Stored]) -> None:
        self.logs = {log[0].record.run: log for log in logs}
        self.reads: list[int] = []
        """How many facts each read returned."""
        self.refused: set[RunRef] = set()
        """Runs of which the store reads nothing."""

    async def __call__(self, run: RunRef, after: int, limit: int) -> Sequence[Stored]:
        if run in self.refused:
            raise StoreFailed("the key of this run is missing")
        found = self.logs[run][after : after + limit]
        self.reads.append(len(found))
        return found


def a_judgement(*nodes: str, **others: Any) -> Judgement:
    """What a run asks about some nodes, after its first fact."""
    made: dict[str, Any] = {
        "run": REF,
        "epoch": 1,
        "seq": 1,
        "asks": asks(*nodes),
        "dialect": "toy",
        "flow": FLOW,
        "digest": digest_of(FLOW),
    }
    return Judgement(**(made | others))


def pool_of(count: int = 1, **others: Any) -> EvaluatorPool:
    """A pool of processes that is not open; the limits are those of the product unless told."""
    idle_s = others.pop("idle_s", 60.0)
    settings = ProcessSettings(**({"evaluators": EVALUATORS} | others))
    return EvaluatorPool(settings, count, idle_s=idle_s)


@asynccontextmanager
async def a_pool(count: int = 1, **others: Any) -> AsyncIterator[EvaluatorPool]:
    """An open pool of processes."""
    async with pool_of(count, **others) as pool:
        yield pool


async def judged(
    pool: EvaluatorPool, judgement: Judgement, facts: FactsAfter | None = None
) -> Sequence[Verdict]:
    """The verdicts of a judgement."""
    future: asyncio.Future[Sequence[Verdict]] = asyncio.get_running_loop().create_future()
    pool.begin(judgement, facts or StoredFacts(a_log(judgement.seq)), future.set_result)
    return await future


def states(verdicts: Sequence[Verdict]) -> list[str]:
    """The state of each verdict, or why it failed."""
    return [verdict.failed or verdict.state for verdict in verdicts]
