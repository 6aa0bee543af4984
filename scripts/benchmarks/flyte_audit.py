"""Finished correlations of flyte: what one takes on the disk, and pages of the audit."""

import asyncio
import time
from pathlib import Path
from typing import Final
from uuid import UUID

from floe.dialects.flyte.audit import go_time
from floe.dialects.flyte.compiled import DIALECT, compiled
from floe.dialects.flyte.evaluator import FlyteEvaluator
from floe.dialects.flyte.events import kept_event
from floe.dialects.flyte.rows import FlyteRows
from floe.dialects.pack_work import queue_of
from floe.host.core import HostCore
from floe.host.inputs import Incoming, TakeOldest
from floe.host.opening_inputs import OpenRun
from floe.host.site import SiteSettings
from floe.host.step_result import StepResult
from floe.model.codec import digest_of
from floe.model.flow import Flow
from floe.model.ids import HostId, Instant, Key, Shape
from floe.model.judging import Judged, JudgeRun
from floe.model.signal import Answered, Reported
from floe.store.base import Batch
from floe.store.sqlite import SqliteStore
from scripts.benchmarks import machine
from scripts.benchmarks.figures import Row, most
from scripts.benchmarks.flyte_client import Client
from scripts.benchmarks.host import Host, wait_served
from tests.ports import free_port

H1: Final = HostId("h1")
FLOWS: Final = 10
BATCH: Final = 200
PAGES: Final = 20
BYTES_MAX: Final = 2_000
"""Of a correlation: 100,000 of them take 200 MB."""

FILTERS: Final = {
    "none": "",
    "one flow of ten": "flowName=deploy3",
    "a step": "stepId=deploy",
    "a command": "actionName=Run",
    "a pack": "actionPackName=Shell",
    "a label": "actionPackLabels=env:e7",
    "flow, step, command, pack": (
        "flowName=deploy3&stepId=deploy&actionName=Run&actionPackName=Shell"
    ),
    "a flow without the label": "flowName=deploy3&actionPackLabels=env:e7",
    "no run": "flowName=none",
}


def audit_rows(folder: Path, count: int) -> list[Row]:
    """Correlations of one action each, in a store, and the audit of a host with that store."""
    place = folder / "audit"
    place.mkdir()
    port = free_port()
    host = Host(place, f"common: {{flyte: {{bind: '127.0.0.1:{port}'}}}}\nflows: []\n")
    bytes_each = asyncio.run(_fill(host.root, count))
    what = f"{count:,} finished correlations"
    rows = [Row(f"{what}: disk, each", [bytes_each], "bytes", budget=most(BYTES_MAX))]
    with host:
        wait_served(port)
        for name, query in FILTERS.items():
            walls, cpus = asyncio.run(_pages(host.hub, port, f"/v1/audit/flows?{query}"))
            if not query:
                first = f"{what}: the first page of the audit after a start"
                rows.append(Row(first, walls[:1], "ms", budget=most(10)))
            rows += [
                Row(f"{what}: audit, {name}", walls, "ms", budget=most(10)),
                Row(f"{what}: audit, {name}: CPU of the hub", cpus, "ms"),
            ]
    return rows


async def _pages(hub: int, port: int, path: str) -> tuple[list[float], list[float]]:
    walls, cpus = [], []
    async with Client(port) as client:
        for _ in range(PAGES):
            before_s, begun = machine.process_cpu_s(hub), time.perf_counter()
            status, _ = await client.ask("GET", path)
            walls.append((time.perf_counter() - begun) * 1e3)
            cpus.append((machine.process_cpu_s(hub) - before_s) * 1e3)
            assert status == 200, status
    return walls, cpus


async def _fill(root: Path, count: int) -> float:
    """Store finished correlations; the bytes of the closed store for each of the second half: the
    first has what is stored once."""
    half = count // 2
    store = SqliteStore(root)
    await store.open()
    played = _Played(store)
    await played.some(range(half))
    await store.close()
    half_bytes = _store_bytes(root)
    await store.open()
    await played.some(range(half, count))
    await store.close()
    return (_store_bytes(root) - half_bytes) / (count - half)


def _store_bytes(root: Path) -> int:
    return sum(file.stat().st_size for file in root.glob("floe.db*"))


class _Played:
    """Correlations by the core of a host and the evaluator, without HTTP and processes."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        settings = SiteSettings(
            id=H1,
            tags=frozenset(),
            workspace_root="/bench",
            packs_at_end=True,
            row_readers={DIALECT: FlyteRows()},
        )
        self._core = HostCore(settings, store.store_id)
        self._evaluator = FlyteEvaluator()
        self._flows = [_flow(number) for number in range(FLOWS)]
        self._digests = [digest_of(flow) for flow in self._flows]
        self._now = time.time_ns() // 1_000_000

    async def some(self, numbers: range) -> None:
        """Correlations, some at a time."""
        for first in range(0, len(numbers), BATCH):
            await asyncio.gather(*(self.one(n) for n in numbers[first : first + BATCH]))

    async def one(self, number: int) -> None:
        """An event, its run, the take of its action, the result and the verdict."""
        self._now += 5
        flow, digest = self._flows[number % FLOWS], self._digests[number % FLOWS]
        text = f"deploy build {number} to staging"
        event = self._event("Message", "Slack", {"channel": "C024BE91L", "text": text})
        [opening] = self._evaluator.open(event, flow, {}).openings
        asked = OpenRun(
            flow=flow,
            digest=digest,
            trigger=opening.trigger,
            values=opening.values,
            by=opening.by,
            title=opening.title,
            enters=opening.enters,
        )
        await self._step(Incoming(input=asked))
        wanted = TakeOldest(
            queue=queue_of("Shell"),
            labels=frozenset(f"env=e{n}" for n in range(FLOWS)),
            take=f"{number:016x}",
            by="Shell",
        )
        given = await self._step(Incoming(input=wanted, ticket=1))
        taken = given.replies[0].taken
        assert taken is not None, "the action is offered"
        key = Key.parse(taken.key)
        outputs = self._event("Success", "Shell", {"output": "deployed\n", "status": 0})
        report = Answered(good=True, outputs=outputs)
        answer = Reported(key=key, report=report, at=Instant(self._now))
        ended = await self._step(Incoming(input=answer, run=key.run))
        [judge] = [effect for effect in ended.effects if isinstance(effect, JudgeRun)]
        run = self._core.table.runs[key.run]
        verdicts = tuple(self._evaluator.judge(run, judge.asks, (), {}))
        judged = Judged(epoch=judge.epoch, seq=judge.seq, verdicts=verdicts)
        await self._step(Incoming(input=judged, run=key.run))

    def _event(self, name: str, pack: str, payload: Shape) -> Shape:
        at = go_time(Instant(self._now))
        return kept_event(name, pack, {}, payload, created_at="", received_at=at)

    async def _step(self, incoming: Incoming) -> StepResult:
        result = self._core.step([incoming], Instant(self._now))
        await self._store.append(Batch(appends=result.appends, ledger=result.ledger))
        return result


def _flow(number: int) -> Flow:
    step: Shape = {
        "id": "deploy",
        "event": {"name": "Message", "packName": "Slack"},
        "context": {"channel": "{{ Event.Payload.channel }}"},
        "criteria": "{{ Event.Payload.text|match:'deploy' }}",
        "command": {
            "packName": "Shell",
            "name": "Run",
            "packLabels": {"env": f"e{number}"},
            "input": {"cmd": "deploy {{ Event.Payload.text }}"},
        },
    }
    return compiled({"name": f"deploy{number}", "steps": [step]}, str(UUID(int=number + 1)))
