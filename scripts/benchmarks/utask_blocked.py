"""What a host costs with many tasks of uTask that are blocked: processor time, memory, its next
start. They are created through the API, and run until they block."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Final

from floe.model.ids import Shape
from scripts.benchmarks import machine
from scripts.benchmarks.figures import Floor, Row, most
from scripts.benchmarks.flyte_client import Client
from scripts.benchmarks.host import TOKEN, Host
from scripts.benchmarks.plan import Plan

STEPS: Final = 10
TASKS: Final = 10_000
QUICK_TASKS: Final = 300
SENDERS: Final = 16
SETTLE_S: Final = 3.0
STARTS: Final = 3
BLOCKED_S: Final = 1_800.0


def blocked_rows(plan: Plan) -> list[Row]:
    """A host without tasks, and again with many that are blocked."""
    count, watch_s = (QUICK_TASKS, 10.0) if plan.repeats < 7 else (TASKS, 60.0)
    folder = plan.within("utask-blocked").folder
    (folder / "templates").mkdir()
    (folder / "templates" / "blocked.yaml").write_text(json.dumps(_template()))
    host = Host(folder, "common: {utask: {templates: [templates]}}\nflows: []\n")
    with host:
        empty = _Measured(host, watch_s)
        before_s, begun = machine.process_cpu_s(host.hub), time.perf_counter()
        asyncio.run(_create(host.port, count))
        created_s = time.perf_counter() - begun
        hub_s = machine.process_cpu_s(host.hub) - before_s
        full = _Measured(host, watch_s)
        left = asyncio.run(_blocked(host.port))
    what = f"{count:,} blocked tasks of {STEPS} steps"
    return [
        Row(f"{what}: created and run", [count / created_s], "/s"),
        Row(f"{what}: CPU of the hub for each", [hub_s / count * 1e3], "ms"),
        Row(
            f"{what}: CPU of the hub in {watch_s:.0f} s",
            [full.percent],
            "%",
            floor=Floor("without tasks", [empty.percent]),
            budget=most(1),
        ),
        Row(
            f"{what}: memory of the hub",
            full.memory_mb,
            "MB",
            floor=Floor("without tasks", empty.memory_mb),
        ),
        Row(
            f"{what}: memory for them",
            [max(full.memory_mb) - min(empty.memory_mb)],
            "MB",
            budget=most(100),
        ),
        Row(
            f"{what}: start → ready",
            full.starts_ms,
            "ms",
            floor=Floor("without tasks", empty.starts_ms),
            budget=most(3000),
        ),
        Row(
            f"{what}: start → ready, CPU of the hub",
            full.starts_cpu_ms,
            "ms",
            floor=Floor("without tasks", empty.starts_cpu_ms),
        ),
        Row(f"{what}: no longer blocked after the starts", [count - left], "", budget=most(0)),
    ]


class _Measured:
    """What a host uses to which nothing happens, after each of some starts."""

    def __init__(self, host: Host, watch_s: float) -> None:
        self.starts_ms: list[float] = []
        self.starts_cpu_ms: list[float] = []
        self.memory_mb: list[float] = []
        for _ in range(STARTS):
            host.stop()
            self.starts_ms.append(host.start())
            self.starts_cpu_ms.append(machine.process_cpu_s(host.hub) * 1e3)
            time.sleep(SETTLE_S)
            self.memory_mb.append(machine.pss_mb(host.hub))
        before_s = machine.process_cpu_s(host.hub)
        time.sleep(watch_s)
        self.percent = (machine.process_cpu_s(host.hub) - before_s) / watch_s * 100


async def _create(port: int, count: int) -> None:
    """Create tasks, over some connections, and wait until all are blocked."""
    left = iter(range(count))
    async with asyncio.TaskGroup() as senders:
        for _ in range(SENDERS):
            senders.create_task(_create_some(port, left))
    until = time.monotonic() + BLOCKED_S
    while (found := await _blocked(port)) < count:
        if time.monotonic() > until:
            raise TimeoutError(f"{found} of {count} tasks are blocked after {BLOCKED_S:g} s")
        await asyncio.sleep(1)


async def _create_some(port: int, left: Iterator[int]) -> None:
    async with Client(port, TOKEN) as client:
        for number in left:
            task = {"template_name": "blocked", "input": {"x": f"text {number}"}}
            status, answer = await client.ask("POST", "/utask/task", task)
            if status != 201:
                raise ValueError(f"{status} {answer.decode()}")


async def _blocked(port: int) -> int:
    """How many tasks are blocked, by the API."""
    async with Client(port, TOKEN) as client:
        status, answer = await client.ask("GET", "/utask/unsecured/stats")
    if status != 200:
        raise ValueError(f"{status} {answer.decode()}")
    found: int = json.loads(answer)["task_states"].get("BLOCKED", 0)
    return found


def _template() -> Shape:
    """Steps in a row that echo a text from the one before; the last one fails permanently."""
    steps: Shape = {}
    for at in range(STEPS):
        text = f"{{{{.input.x}}}} {{{{.step.s{at - 1}.output.a}}}}" if at else "{{.input.x}}"
        steps[f"s{at}"] = {
            "description": f"Step {at}",
            "action": {"type": "echo", "configuration": {"output": {"a": text}}},
            "dependencies": [f"s{at - 1}"] if at else [],
        }
    failing: Shape = {"error_message": "no such account", "error_type": "client"}
    steps[f"s{STEPS - 1}"]["action"]["configuration"] = failing
    return {
        "name": "blocked",
        "description": "A task that blocks",
        "title_format": "Blocked {{.input.x}}",
        "auto_runnable": True,
        "inputs": [{"name": "x", "description": "A text"}],
        "steps": steps,
    }
