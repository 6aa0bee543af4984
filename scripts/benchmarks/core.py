"""What a run costs the core of a host and its store, without HTTP and processes: processor time.

Also what an item costs in a long list, and a node in the fold of a long log.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from floe.host.core import HostCore
from floe.host.inputs import Incoming, Start, TakeOldest
from floe.host.opening_inputs import OpenRun
from floe.host.site import SiteSettings
from floe.host.step_result import StepResult
from floe.kernel.evolve import fold
from floe.model.codec import digest_of
from floe.model.effect import StartAction
from floe.model.event import Event, NodeEntered, NodeStarted, RunPended
from floe.model.flow import Flow, Node, Trigger
from floe.model.ids import FlowId, Instant, Key, NodeId, RunRef, StoreId
from floe.model.judging import Enter, Judged, JudgeRun
from floe.model.signal import Answered, Exited, Reported, Started
from floe.model.tags import Tag
from floe.model.work import Exec
from floe.store.base import Batch
from floe.store.sqlite import SqliteStore
from scripts.benchmarks.figures import Floor, Row, times
from scripts.benchmarks.judged_runs import H1, OUTPUTS, PlayedRun
from scripts.benchmarks.plan import Plan
from tests.toy.judge import judged
from tests.toy.reader import toy_flow

RUNS: Final = 500
"""Of each kind in one round."""

NOW: Final = Instant(1_800_000_000_000)
ITEMS: Final = (1_000, 10_000)
FOLDS: Final = (100, 1_000, 3_000)
TRUE: Final = Exec(argv=("true",))
START: Final = NodeId("start")


def _flow(count: int) -> Flow:
    return Flow(
        id=FlowId("bench"),
        ver=1,
        name="Bench",
        triggers=(Trigger(id=START, type="data", name="start"),),
        nodes=tuple(
            Node(
                id=NodeId(f"s{n}"),
                cls="task",
                type="exec",
                name=f"s{n}",
                work=TRUE,
                heard=frozenset({Tag("trigger.good")}),
            )
            for n in range(count)
        ),
    )


ONE: Final = _flow(1)
POSTED: Final = toy_flow("toy", ["a | post=slack entered"])


class Cost(NamedTuple):
    """What runs of one kind cost, each, in one round."""

    core_us: float
    store_us: float
    bytes: float
    facts: float


def core(plan: Plan) -> list[Row]:
    """One-step runs, judged runs with one outside action, items, and folds."""
    rows: list[Row] = []
    kinds = {"a one-step run": _one_step, "a judged run with one outside action": _outside}
    for what, played in kinds.items():
        costs = asyncio.run(_costs(plan.folder / played.__name__, played, plan.repeats))
        rows += [
            Row(f"{what}: core", [cost.core_us for cost in costs], "µs"),
            Row(f"{what}: store", [cost.store_us for cost in costs], "µs"),
            Row(f"{what}: events", [costs[0].facts], ""),
            Row(f"{what}: disk", [costs[-1].bytes], "bytes"),
        ]
    return [*rows, *_items(plan.repeats), *_folds(plan.repeats)]


async def _costs(
    folder: Path, played: Callable[[HostCore], Iterator[StepResult]], repeats: int
) -> list[Cost]:
    store = SqliteStore(folder)
    await store.open()
    found: list[Cost] = []
    try:
        settings = SiteSettings(id=H1, tags=frozenset(), workspace_root="/bench", packs_at_end=True)
        host = HostCore(settings, store.store_id)
        first = await store.size()
        for number in range(1, repeats + 1):
            gc.collect()
            begun = time.process_time()
            results = [result for _ in range(RUNS) for result in played(host)]
            decided = time.process_time()
            await asyncio.gather(*(store.append(_batch(result)) for result in results))
            stored = time.process_time()
            found.append(
                Cost(
                    core_us=(decided - begun) / RUNS * 1e6,
                    store_us=(stored - decided) / RUNS * 1e6,
                    bytes=(await store.size() - first) / RUNS / number,
                    facts=sum(len(result.recorded) for result in results) / RUNS,
                )
            )
    finally:
        await store.close()
    return found


def _batch(result: StepResult) -> Batch:
    return Batch(appends=result.appends, ledger=result.ledger)


def _one_step(host: HostCore) -> Iterator[StepResult]:
    """A run of one command, from its trigger to its packing."""
    start = Start(flow=ONE, digest=digest_of(ONE), trigger=START, values={}, by="ann")
    begun = host.step([Incoming(input=start)], NOW)
    yield begun
    [key] = [one.key for one in begun.effects if isinstance(one, StartAction)]
    yield host.step([Incoming(input=Started(key=key, at=NOW), run=key.run)], NOW)
    ended = Reported(key=key, report=Exited(status=0, outputs={}), at=NOW)
    yield host.step([Incoming(input=ended, run=key.run)], NOW)


def _outside(host: HostCore) -> Iterator[StepResult]:
    """A run that opens with work that a program takes and answers, and the verdict on it."""
    [node] = POSTED.nodes
    enters = (Enter(node=node.id, work=node.work),)
    opening = OpenRun(flow=POSTED, digest=digest_of(POSTED), trigger=START, by="ann", enters=enters)
    yield host.step([Incoming(input=opening)], NOW)
    wanted = TakeOldest(queue="slack", labels=frozenset(), take=f"t{host.site.serial}", by="pack")
    given = host.step([Incoming(input=wanted, ticket=1)], NOW)
    yield given
    [reply] = given.replies
    assert reply.taken is not None, "the work is offered"
    key = Key.parse(reply.taken.key)
    answer = Reported(key=key, report=Answered(good=True, outputs=OUTPUTS), at=NOW)
    ended = host.step([Incoming(input=answer, run=key.run)], NOW)
    yield ended
    [asked] = [one for one in ended.effects if isinstance(one, JudgeRun)]
    run = host.table.runs[key.run]
    verdicts = judged(run, asked.asks, NOW)
    given_verdicts = Judged(epoch=asked.epoch, seq=asked.seq, verdicts=verdicts)
    yield host.step([Incoming(input=given_verdicts, run=key.run)], NOW)


def _items(repeats: int) -> list[Row]:
    """An item of a judged node, from its question to its verdict, in a short and a long list."""
    short, long = ([_item_us(count) for _ in range(min(repeats, 3))] for count in ITEMS)
    what = f"an item of {ITEMS[1]:,} of one node: core"
    return [Row(what, long, "µs", floor=Floor(f"of {ITEMS[0]:,}", short), budget=times(1.3))]


def _item_us(count: int) -> float:
    begun = time.process_time()
    PlayedRun(toy_flow("toy", [f"a | items={count}"]), StoreId("bench"), NOW)
    return (time.process_time() - begun) / count * 1e6


def _folds(repeats: int) -> list[Row]:
    """A node in the fold of a run whose nodes have all entered and started."""
    short, *longer = [[_fold_us(count) for _ in range(repeats)] for count in FOLDS]
    rows = [Row(f"fold of {FOLDS[0]} nodes, each", short, "µs")]
    for count, found in zip(FOLDS[1:], longer, strict=True):
        floor = Floor(f"of {FOLDS[0]}", short)
        rows.append(Row(f"fold of {count:,} nodes, each", found, "µs", floor=floor))
    return rows


def _fold_us(count: int) -> float:
    ref = RunRef(H1, StoreId("bench"), 1)
    events = _events(_flow(count))
    begun = time.process_time()
    fold(ref, events)
    return (time.process_time() - begun) / count * 1e6


def _events(flow: Flow) -> Sequence[Event]:
    pended = RunPended(
        at=NOW, flow=flow.id, ver=1, trigger=START, values={}, by="ann", digest=digest_of(flow)
    )
    events: list[Event] = [pended]
    for node in flow.nodes:
        events.append(NodeEntered(at=NOW, node=node.id, visit=1, work=TRUE))
        events.append(NodeStarted(at=NOW, node=node.id, visit=1, attempt=1, started_at=NOW))
    return events
