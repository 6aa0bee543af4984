"""A host as the server of flyte: many packs that poll, events that match, and the audit."""

import asyncio
import time
from pathlib import Path
from typing import Final

from scripts.benchmarks import machine
from scripts.benchmarks.figures import Row, least, most
from scripts.benchmarks.flyte_audit import audit_rows
from scripts.benchmarks.flyte_client import Client, Seen, poll, send_events
from scripts.benchmarks.flyte_full import full_rows
from scripts.benchmarks.flyte_host import NAMES, PACKS, WIDE, FlyteHost, Used, an_event
from scripts.benchmarks.host import wait
from scripts.benchmarks.plan import Plan

EVERY_S: Final = 5.0
RATE: Final = 200
"""Events in a second."""
TAKES: Final = 300
"""One after the other, where many actions are open."""
DRAIN_S: Final = 900.0


def flyte(plan: Plan) -> list[Row]:
    """Packs that poll; a burst of events that open many runs; a full inbox; finished runs."""
    folder = plan.within("flyte").folder
    seconds = {2: 10.0, 7: 60.0}[plan.repeats]
    return [
        *_steady(folder, seconds, answers=False),
        *_steady(folder, seconds, answers=True),
        *_burst(folder, seconds),
        *full_rows(folder),
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
        Row(
            f"{what}: CPU of hub and evaluators",
            [used.percent],
            "%",
            budget=None if answers else most(50),
        ),
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
    seen, backlog, is_over = Seen(), [0.0], asyncio.Event()
    empty_mb = machine.pss_mb(served.host.hub)

    async def watch() -> None:
        while not is_over.is_set():
            await asyncio.sleep(1)
            backlog.append(await asyncio.to_thread(served.waiting))

    watching = asyncio.create_task(watch())
    begun = time.perf_counter()
    with served.used() as used:
        await send_events(served.port, RATE, seconds, seen, lambda n: an_event("Wide", n))
        sent_s = time.perf_counter() - begun
        is_over.set()
        await watching  # both use one connection
        await asyncio.to_thread(wait, lambda: not served.waiting(), DRAIN_S, "all runs to open")
    drained_s = time.perf_counter() - begun - sent_s
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
