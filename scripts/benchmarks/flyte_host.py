"""A host as the server of flyte, with packs and flows, and what it uses."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.benchmarks import machine
from scripts.benchmarks.flyte_client import Client
from scripts.benchmarks.host import Host, wait_served
from tests.ports import free_port

PACKS: Final = 1_000
NAMES: Final = 100
"""Of packs: those of one name differ in a label. Each has a flow, with an event of its own."""
WIDE: Final = 10
"""Flows that one event matches."""


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
