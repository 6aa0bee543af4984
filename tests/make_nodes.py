"""Builders and listeners for tests of what runs something for a user."""

import asyncio
from pathlib import Path
from typing import Any

from floe.model.ids import HostId, Key, NodeId, RunRef, StoreId
from floe.model.signal import Report, Reported, Started
from floe.model.work import Exec, Work
from floe.nodes.base import Job

DEADLINE_S = 60.0


def a_key(serial: int = 1, node: str = "build", attempt: int = 1, epoch: int = 1) -> Key:
    """An attempt of a run of host h1."""
    return Key(RunRef(HostId("h1"), StoreId("k3f9"), serial), epoch, NodeId(node), 1, attempt)


def a_job(root: Path, work: Work | None = None, **others: Any) -> Job:
    """An attempt in the workspace of its run below `root`."""
    key = others.pop("key", a_key())
    made: dict[str, Any] = {
        "key": key,
        "work": work or Exec(argv=("true",)),
        "started": False,
        "flow": "ci",
        "node": f"task.{key.node}",
        "workspace": root / "spaces" / "ci" / "ws" / key.run.key,
        "reuse_space": False,
        "env": (),
        "inputs": {},
        "output": root / "runs" / key.run.key / f"{key.node}.{key.visit}.{key.attempt}.log",
        "timeout_s": None,
        "grace_s": 1.0,
        "output_max": 0,
    }
    return Job(**(made | others))


class Reports:
    """What an executor reported, and a way to wait for it."""

    def __init__(self) -> None:
        self.signals: list[Started | Reported] = []
        self._news = asyncio.Event()

    def __call__(self, signal: Started | Reported) -> None:
        self.signals.append(signal)
        self._news.set()

    @property
    def started(self) -> list[Key]:
        return [one.key for one in self.signals if isinstance(one, Started)]

    @property
    def reports(self) -> list[Report]:
        return [one.report for one in self.signals if isinstance(one, Reported)]

    async def until_started(self, count: int = 1) -> None:
        """Wait until so many attempts are reported as started."""
        await self._until(lambda: len(self.started) >= count)

    async def report(self, count: int = 1) -> Report:
        """Wait for the `count`-th report."""
        await self._until(lambda: len(self.reports) >= count)
        return self.reports[count - 1]

    async def _until(self, fact: Any) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not fact():
                self._news.clear()
                await self._news.wait()
