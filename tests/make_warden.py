"""A warden in a folder of its own, what it says, and whether processes are there."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from floe.nodes.warden import (
    CommandExited,
    CommandLost,
    NotStarted,
    Spawn,
    Spawned,
    WardenClient,
    WardenReport,
)

DEADLINE_S = 60.0

Last = CommandExited | NotStarted | CommandLost


def a_spawn(
    root: Path,
    *argv: str,
    key: str = "h1-1.1.task.build.1.1",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: Path | None = None,
    timeout_s: float | None = None,
    grace_s: float = 5.0,
    output_max: int = 0,
    apart: bool = False,
    attach: bool = False,
) -> Spawn:
    """Build what asks for a command; without one, `true`."""
    return Spawn(
        key=key,
        argv=argv or ("true",),
        env={"PATH": os.environ["PATH"]} if env is None else env,
        cwd=str(cwd or root),
        output=str(output or root / f"{key}.out"),
        timeout_s=timeout_s,
        grace_s=grace_s,
        output_max=output_max,
        apart=apart,
        attach=attach,
    )


class Talk:
    """A client and all reports that it received."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.reports: list[WardenReport] = []
        self.warden = WardenClient(root, self._receive, lambda: None)

    def _receive(self, report: WardenReport) -> None:
        self.reports.append(report)

    def of(self, key: str) -> list[WardenReport]:
        """The reports about a key."""
        return [report for report in self.reports if report.key == key]

    async def until_spawned(self, key: str) -> Spawned:
        """Wait until a command runs."""
        await until(lambda: any(isinstance(report, Spawned) for report in self.of(key)))
        return next(report for report in self.of(key) if isinstance(report, Spawned))

    async def until_over(self, key: str) -> Last:
        """Wait for the last report about a key."""
        await until(lambda: any(not isinstance(report, Spawned) for report in self.of(key)))
        return next(report for report in self.of(key) if not isinstance(report, Spawned))

    def spawn(self, *argv: str, **given: Any) -> str:
        """Start a command; its key."""
        spec = a_spawn(self.root, *argv, **given)
        self.warden.spawn(spec)
        return spec.key

    async def run(self, *argv: str, **given: Any) -> Last:
        """Start a command and wait for its last report."""
        return await self.until_over(self.spawn(*argv, **given))


async def until(fact: Callable[[], object]) -> None:
    """Wait until something is so; fails after a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not fact():  # noqa: ASYNC110 - facts about processes and files announce nothing
            await asyncio.sleep(0.005)


@asynccontextmanager
async def talking(root: Path) -> AsyncIterator[Talk]:
    """A client whose warden is shut down at the end."""
    talk = Talk(root)
    await talk.warden.open()
    try:
        yield talk
    finally:
        await talk.warden.shutdown()


def journal(root: Path) -> list[dict[str, Any]]:
    """The records of the journal of a root's warden."""
    text = (root / "warden" / "v1" / "journal").read_text().rstrip("\0")
    return [json.loads(line) for line in text.splitlines()]


def kept(root: Path) -> set[str]:
    """The attempts in the journal that are not taken."""
    records = journal(root)
    taken = {record.get("taken") for record in records}
    return {record["begin"] for record in records if "begin" in record} - taken


PATIENT = """
import sys
from floe.warden import daemon, warden
warden.HOLD_S = 1000.0
daemon.main(["", sys.argv[1]])
"""


def start_patient_warden(root: Path) -> None:
    """Start a warden that reports no start before the end of some command."""
    folder = root / "warden" / "v1"
    folder.mkdir(mode=0o700, parents=True)
    subprocess.run([sys.executable, "-c", PATIENT, str(folder)], check=True)


def is_alive(pid: int) -> bool:
    """Whether a process is there and is not just waiting to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


def pids_in(path: Path) -> list[int]:
    """Numbers on complete lines of a file that a command writes."""
    text = path.read_text() if path.exists() else ""
    return [int(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def warden_pid(root: Path) -> int:
    """The process that holds a root's warden folder locked."""
    inode = (root / "warden" / "v1").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and fields[5].endswith(f":{inode}"):
            return int(fields[4])
    raise LookupError(f"no warden in {root}")


def is_served(root: Path) -> bool:
    """Whether a warden holds a root's folder."""
    try:
        return is_alive(warden_pid(root))
    except (LookupError, FileNotFoundError):
        return False


def switches(pid: int) -> int:
    """How often a process has given up the processor: a warden with a command does at each look."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("voluntary_ctxt_switches:")[2].split()[0])


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000
