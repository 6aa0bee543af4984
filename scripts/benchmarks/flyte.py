"""A host as the server of flyte: many packs that poll, events that match, and the audit."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.benchmarks import machine
from scripts.benchmarks.figures import Row, least, most
from scripts.benchmarks.flyte_audit import audit_rows
from scripts.benchmarks.flyte_client import Client, Seen, poll, send_events
from scripts.benchmarks.host import Host, wait, wait_served
from scripts.benchmarks.plan import Plan
from tests.ports import free_port

PACKS: Final = 1_000
NAMES: Final = 100
"""Of packs: those of one name differ in a label. Each has a flow, with an event of its own."""
EVERY_S: Final = 5.0
RATE: Final = 200
"""Events in a second."""
WIDE: Final = 10
"""Flows that one event matches."""
TAKES: Final = 300
"""One after the other, where many actions are open."""
DRAIN_S: Final = 900.0


@dataclass
class Used:
    """What a host has used in a time."""

    cpu_s: float = 0.0
    wall_s: float = 0.0

    @property
    def percent(self) -> float:
        """Of one core."""
        return self.cpu_s / self.wall_s * 100


class FlyteHost:
    """A host with an address for flyte."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.port = free_port()
        keep = "keep: {runs: 0, days: 0, bytes: 0}"
        config = f"common: {{flyte: {{bind: '127.0.0.1:{self.port}'}}, {keep}}}\nflows: []\n"
        self.host = Host(folder, config)

    async def prepare(self) -> None:
        """Register packs and flows."""
        await asyncio.to_thread(wait_served, self.port)
        async with Client(self.port) as client:
            await self._expect(client, "/v1/packs", {"name": "Source"})
            for number in range(PACKS):
                pack = {"name": f"pack{number % NAMES}", "labels": {"n": str(number)}}
                await self._expect(client, "/v1/packs", pack)
            for number in range(NAMES):
                await self._expect(client, "/v1/flows", a_flow(f"deploy{number}", number))
            for number in range(WIDE):
                wide = a_flow(f"wide{number}", number, "Wide")
                await self._expect(client, "/v1/flows", wide)

    async def _expect(self, client: Client, path: str, body: object) -> None:
        status, answer = await client.ask("POST", path, body)
        if status != 201:
            raise ValueError(f"{path}: {status} {answer.decode()}")

    def waiting(self) -> int:
        """Events that wait for their runs."""
        return self._metric("floe_outside_events")

    def open(self) -> int:
        """Runs that are not over: each has one action."""
        return self._metric('floe_runs{phase="active"}')

    def _metric(self, name: str) -> int:
        lines = self.host.get_bytes("metrics").decode().splitlines()
        return round(sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name} ")))

    def cpu_s(self) -> float:
        """Processor time of the hub and of the evaluators."""
        return sum(machine.process_cpu_s(pid) for pid in (self.host.hub, *self._evaluators()))

    @contextmanager
    def used(self) -> Iterator[Used]:
        """What the host uses while the body runs."""
        used, before_s, begun = Used(), self.cpu_s(), time.perf_counter()
        yield used
        used.cpu_s, used.wall_s = self.cpu_s() - before_s, time.perf_counter() - begun

    def _evaluators(self) -> Iterator[int]:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError, IndexError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == self.host.hub:
                    yield int(stat.parent.name)


def a_flow(name: str, number: int, event: str = "") -> dict[str, Any]:
    """A flow with one step, for the packs with a number in their names."""
    command = {
        "packName": f"pack{number}",
        "name": "Run",
        "input": {"cmd": "deploy {{ Event.Payload.text }}"},
    }
    step = {
        "id": "deploy",
        "event": {"packName": "Source", "name": event or f"Go{number}"},
        "context": {"channel": "{{ Event.Payload.channel }}"},
        "command": command,
    }
    return {"name": name, "steps": [step]}


def an_event(name: str, number: int) -> dict[str, Any]:
    """An event as a pack for a chat sends it."""
    text = f"build {number} to staging"
    payload = {"channel": "C024BE91L", "user": f"u{number % 97}", "text": text}
    return {"event": name, "payload": payload}


def flyte(plan: Plan) -> list[Row]:
    """Packs that poll; a burst of events that open many runs; many open and many finished ones."""
    folder = plan.within("flyte").folder
    seconds = {2: 10.0, 7: 60.0}[plan.repeats]
    return [
        *_steady(folder, seconds, answers=False),
        *_steady(folder, seconds, answers=True),
        *_burst(folder, seconds),
        *audit_rows(folder, plan.history),
    ]


def _steady(folder: Path, seconds: float, *, answers: bool) -> list[Row]:
    """Packs take what events make; with `answers`, each sends its result too, a further event."""
    served = FlyteHost(folder / ("answered" if answers else "taken"))
    with served.host:
        seen, used, memory = asyncio.run(_polled(served, seconds, answers=answers))
        wait(lambda: not served.waiting(), DRAIN_S, "all events to have their runs")
        time.sleep(EVERY_S)  # the last results are judged
        left = served.open()
    what = f"{PACKS:,} packs that poll, {RATE} events/s{', with results' if answers else ''}"
    lost = round(RATE * (2 * EVERY_S + seconds)) - seen.ended - left
    return [
        Row(f"{what}: take, p50", seen.takes_ms, "ms"),
        Row(f"{what}: take, p95", seen.takes_ms, "ms", percent=95, budget=most(20)),
        Row(f"{what}: event → 202, p95", seen.events_ms, "ms", percent=95, budget=most(50)),
        *_results(what, seen, seconds),
        Row(f"{what}: CPU of hub and evaluators", [used.percent], "%", budget=most(50)),
        Row(f"{what}: memory of the hub grows by", [memory[-1] - memory[0]], "MB"),
        Row(f"{what}: refused, and lost", [seen.refused + lost], "", budget=most(0)),
    ]


def _results(what: str, seen: Seen, seconds: float) -> list[Row]:
    if not seen.results_ms:
        return []
    return [
        Row(f"{what}: result → 202, p95", seen.results_ms, "ms", percent=95),
        Row(f"{what}: results", [len(seen.results_ms) / seconds], "/s"),
    ]


async def _polled(
    served: FlyteHost, seconds: float, *, answers: bool
) -> tuple[Seen, Used, list[float]]:
    await served.prepare()
    seen, warm = Seen(), Seen()
    polls = round(seconds / EVERY_S) + 4  # two before what is measured, and two after it
    polling = [
        asyncio.create_task(
            poll(
                served.port,
                f"pack{number % NAMES}.n.{number}",
                EVERY_S,
                number / PACKS * EVERY_S,
                polls,
                seen,
                answers=answers,
            )
        )
        for number in range(PACKS)
    ]

    def event(number: int) -> object:
        return an_event(f"Go{number % NAMES}", number)

    await send_events(served.port, RATE, 2 * EVERY_S, warm, event)
    seen.clear()
    memory = [machine.pss_mb(served.host.hub)]
    with served.used() as used:
        await send_events(served.port, RATE, seconds, seen, event)
    memory.append(machine.pss_mb(served.host.hub))
    await asyncio.gather(*polling)
    seen.refused += warm.refused
    return seen, used, memory


def _burst(folder: Path, seconds: float) -> list[Row]:
    served = FlyteHost(folder / "burst")
    with served.host:
        return asyncio.run(_burst_rows(served, seconds))


async def _burst_rows(served: FlyteHost, seconds: float) -> list[Row]:
    await served.prepare()
    seen, backlog = Seen(), [0.0]
    empty_mb = machine.pss_mb(served.host.hub)

    async def watch() -> None:
        while True:
            await asyncio.sleep(1)
            backlog.append(await asyncio.to_thread(served.waiting))

    watching = asyncio.create_task(watch())
    begun = time.perf_counter()
    with served.used() as used:
        await send_events(served.port, RATE, seconds, seen, lambda n: an_event("Wide", n))
        sent_s = time.perf_counter() - begun
        await asyncio.to_thread(wait, lambda: not served.waiting(), DRAIN_S, "all runs to open")
    drained_s = time.perf_counter() - begun - sent_s
    watching.cancel()
    runs, opened = round(RATE * seconds) * WIDE, served.open()
    memory = machine.pss_mb(served.host.hub)
    takes: list[float] = []
    async with Client(served.port) as client:
        for number in range(TAKES):
            at = time.perf_counter()
            path = f"/v1/packs/pack{number % WIDE}.n.{number % WIDE}/actions/take"
            status, _ = await client.ask("POST", path)
            takes += [(time.perf_counter() - at) * 1e3] if status == 200 else []
    what = f"{RATE} events/s for {seconds:.0f} s, each for {WIDE} flows"
    return [
        Row(f"{what}: event → 202, p95", seen.events_ms, "ms", percent=95, budget=most(50)),
        Row(f"{what}: event → 202, the slowest", [max(seen.events_ms)], "ms", budget=most(50)),
        Row(f"{what}: refused, and lost", [seen.refused + runs - opened], "", budget=most(0)),
        Row(f"{what}: events that waited, the most", [max(backlog)], ""),
        Row(f"{what}: last event → all runs are open", [drained_s * 1e3], "ms"),
        Row(f"{what}: CPU of hub and evaluators", [used.cpu_s * 1e6 / runs], "µs/run"),
        Row(f"{runs:,} open actions: memory of the hub", [memory - empty_mb], "MB more"),
        Row(f"{runs:,} open actions: take, p95", takes, "ms", percent=95, budget=most(20)),
        Row(f"{runs:,} open actions: takes of {TAKES}", [len(takes)], "", budget=least(TAKES)),
    ]
