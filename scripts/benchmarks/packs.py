"""Packs in Python at a host: fifty that have nothing to do, and one that carries out commands."""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from scripts.benchmarks import machine
from scripts.benchmarks.figures import Row, least, most
from scripts.benchmarks.flyte_client import Client, Seen, send_events
from scripts.benchmarks.flyte_host import FlyteHost, a_flow, an_event
from scripts.benchmarks.host import wait_served
from scripts.benchmarks.plan import Plan

IDLE: Final = 50
"""Packs, each a process of its own, or all in one."""
RATE: Final = 200
"""Events in a second, each for ten flows, which queue the actions."""
FLOWS: Final = 10
PACK: Final = "pack0"
SETTLE_S: Final = 6.0
"""After which each pack has polled."""
WAIT_S: Final = 600.0
ASK_S: Final = 0.25

PROGRAM: Final = """
import asyncio, sys
from contextlib import AsyncExitStack
from floe.packs import Pack, PackSettings

def a_pack(name):
    pack = Pack(name)
    @pack.command("Run", "Done")
    async def run():
        return None
    return pack

async def main(url, journal, names):
    settings = PackSettings(url, health_bind="", journal=journal or None)
    async with AsyncExitStack() as packs:
        for name in names:
            await packs.enter_async_context(a_pack(name).running(settings))
        await asyncio.Event().wait()

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
"""


def packs(plan: Plan) -> list[Row]:
    """Packs that poll and get nothing; a backlog that one process of a pack carries out."""
    folder = plan.within("packs").folder
    seconds, queued = {2: (10.0, 2_000), 7: (60.0, 10_000)}[plan.repeats]
    rows = []
    with ExitStack() as stack:
        served = FlyteHost(folder / "idle")
        stack.enter_context(served.host)
        wait_served(served.port)
        names = [f"idle{number}" for number in range(IDLE)]
        rows += _idle(served, seconds, [[name] for name in names], f"{IDLE} packs, a process each")
        rows += _idle(served, seconds, [names], f"{IDLE} packs in one process")
    for journal in ("", "journal"):
        rows += _drained(folder / f"drained{journal}", queued, journal)
    return rows


@contextmanager
def _process(served: FlyteHost, journal: str, names: list[str]) -> Iterator[int]:
    """The pid of a process with these packs."""
    url = f"http://127.0.0.1:{served.port}"
    words = [sys.executable, "-c", PROGRAM, url, journal, *names]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with (served.host.folder / "packs.log").open("ab") as log:
        process = subprocess.Popen(words, env=env, stderr=log, cwd=served.host.folder)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _idle(served: FlyteHost, seconds: float, groups: list[list[str]], what: str) -> list[Row]:
    count = sum(map(len, groups))
    with ExitStack() as stack:
        pids = [stack.enter_context(_process(served, "", names)) for names in groups]
        _wait(lambda: _registered(served.port) >= count, f"{count} packs to register")
        time.sleep(SETTLE_S)
        before = [machine.process_cpu_s(pid) for pid in pids]
        with served.used() as used:
            time.sleep(seconds)
        after = [machine.process_cpu_s(pid) for pid in pids]
        memory = sum(machine.pss_mb(pid) for pid in pids)
    own = (sum(after) - sum(before)) / used.wall_s * 100
    return [
        Row(f"{what}, idle: CPU of all", [own], "%", budget=most(1)),
        Row(f"{what}, idle: CPU of the host", [used.percent], "%"),
        Row(f"{what}, idle: memory of all", [memory], "MB"),
    ]


def _wait(fact: Callable[[], bool], what: str) -> None:
    """Wait, but ask rarely: a question costs the host as much as a command."""
    until = time.monotonic() + WAIT_S
    while not fact():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {WAIT_S:g} s for {what}")
        time.sleep(ASK_S)


def _registered(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/packs", timeout=30) as answer:
        return len(json.load(answer)["packs"])


def _drained(folder: Path, queued: int, journal: str) -> list[Row]:
    served = FlyteHost(folder)
    with served.host:
        asyncio.run(_queue(served, queued))
        _wait(lambda: served.open() == queued, "all actions to be open")
        with _process(served, journal, [PACK]) as pid:
            _wait(lambda: served.open() <= queued * 0.9, "a tenth of the actions")
            begun, left, cpu_s = time.perf_counter(), served.open(), machine.process_cpu_s(pid)
            before = [machine.pss_mb(one) for one in (pid, served.host.hub)]
            with served.used() as used:
                _wait(lambda: not served.open(), "the other actions")
            taken_s, cpu_s = time.perf_counter() - begun, machine.process_cpu_s(pid) - cpu_s
            after = [machine.pss_mb(one) for one in (pid, served.host.hub)]
    grown = [late - early for early, late in zip(before, after, strict=True)]
    what = f"{queued:,} queued actions, one pack{' with a journal' if journal else ''}"
    return [
        Row(f"{what}: commands", [left / taken_s], "/s", budget=least(300)),
        Row(f"{what}: CPU of the pack", [cpu_s * 1e6 / left], "µs/command"),
        Row(f"{what}: CPU of the host", [used.cpu_s * 1e6 / left], "µs/command"),
        Row(f"{what}: memory of the pack grows by", grown[:1], "MB", budget=most(1)),
        Row(f"{what}: memory of the hub grows by", grown[1:], "MB", budget=most(5)),
    ]


async def _queue(served: FlyteHost, queued: int) -> None:
    """Queue actions for the pack."""
    await asyncio.to_thread(wait_served, served.port)
    async with Client(served.port) as client:
        for name in ("Source", PACK):
            await client.ask("POST", "/v1/packs", {"name": name})
        for number in range(FLOWS):
            flow = a_flow(f"flow{number}", 0, "Go")
            await client.ask("POST", "/v1/flows", flow)
    seen, count = Seen(), queued // FLOWS
    await send_events(served.port, RATE, count / RATE, seen, lambda number: an_event("Go", number))
    if seen.refused:
        raise ValueError(f"{seen.refused} events were refused")
