"""What a host costs with many judged runs at rest: processor time, memory, and its next start."""

import asyncio
import time
from pathlib import Path
from typing import Final

from floe.model.codec import digest_of, encode
from floe.model.ids import Instant, RunRef
from floe.store.base import Append, Batch, LedgerWrite
from floe.store.sqlite import SqliteStore
from scripts.benchmarks import machine
from scripts.benchmarks.figures import Floor, Row, most
from scripts.benchmarks.host import Host
from scripts.benchmarks.judged_runs import H1, PlayedRun, chain, copies
from scripts.benchmarks.plan import Plan

RUNS: Final = 10_000
STEPS: Final = 10
BATCH: Final = 200
SETTLE_S: Final = 3.0


def resting(plan: Plan) -> list[Row]:
    """A host without runs, and again with many that rest: half of them with a next pass."""
    watch_s = 10.0 if plan.repeats < 7 else 60.0
    starts: dict[str, list[float]] = {"empty": [], "resting": []}
    cpu: dict[str, list[float]] = {"empty": [], "resting": []}
    used: dict[str, list[float]] = {"empty": [], "resting": []}
    memory: dict[str, list[float]] = {"empty": [], "resting": []}
    with plan.host("resting") as host:
        _measure_start(host, starts["empty"], cpu["empty"], memory["empty"], plan.repeats)
        used["empty"].append(_used_percent(host, watch_s))
        host.stop()
        asyncio.run(_fill(host.root))
        host.start()
        _measure_start(host, starts["resting"], cpu["resting"], memory["resting"], plan.repeats)
        used["resting"].append(_used_percent(host, watch_s))
    what = f"{RUNS:,} resting runs of {STEPS} steps"
    return [
        Row(
            f"{what}: CPU of the hub in {watch_s:.0f} s",
            used["resting"],
            "%",
            floor=Floor("without runs", used["empty"]),
            budget=most(1),
        ),
        Row(
            f"{what}: memory of the hub",
            memory["resting"],
            "MB",
            floor=Floor("without runs", memory["empty"]),
            budget=most(100),
        ),
        Row(
            f"{what}: start → ready",
            starts["resting"],
            "ms",
            floor=Floor("without runs", starts["empty"]),
            budget=most(3000),
        ),
        Row(
            f"{what}: start → ready, CPU of the hub",
            cpu["resting"],
            "ms",
            floor=Floor("without runs", cpu["empty"]),
        ),
    ]


def _measure_start(
    host: Host, starts: list[float], cpu: list[float], memory: list[float], rounds: int
) -> None:
    """Start a host that runs again, some times; milliseconds, those of the processor, and its
    memory after each."""
    for _ in range(min(rounds, 3)):
        host.stop()
        starts.append(host.start())
        cpu.append(machine.process_cpu_s(host.hub) * 1e3)
        time.sleep(SETTLE_S)
        memory.append(machine.pss_mb(host.hub))


def _used_percent(host: Host, seconds: float) -> float:
    """The processor time of a hub to which nothing happens, of one processor."""
    before_s = machine.process_cpu_s(host.hub)
    time.sleep(seconds)
    return (machine.process_cpu_s(host.hub) - before_s) / seconds * 100


async def _fill(root: Path) -> None:
    store = SqliteStore(root)
    await store.open()
    try:
        now = Instant(time.time_ns() // 1_000_000 - RUNS)
        flows = [chain(STEPS, "await=child"), chain(STEPS, "skip=TO_RETRY")]
        rows = [LedgerWrite(kind="flow", key=digest_of(one), value=encode(one)) for one in flows]
        rows.append(LedgerWrite(kind="serial", key="run", value=RUNS))
        await store.append(Batch(ledger=rows))
        for half, flow in enumerate(flows):
            played = PlayedRun(flow, store.store_id, now)
            assert played.row.phase == "resting", played.row.phase
            serials = range(1 + half, RUNS + 1, 2)
            for first in range(0, len(serials), BATCH):
                refs = [RunRef(H1, store.store_id, n) for n in serials[first : first + BATCH]]
                appends = [
                    Append(run=ref, epoch=1, after=0, records=records, summary=row)
                    for ref, (records, row) in zip(refs, copies(played, refs), strict=True)
                ]
                await store.append(Batch(appends=appends))
    finally:
        await store.close()
