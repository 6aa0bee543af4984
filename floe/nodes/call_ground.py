"""What a host lends to the calls of its dialects: its commands, its shared rows, its settings."""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from floe.model.errors import World
from floe.model.ids import Json
from floe.model.nouns import dataclass
from floe.model.shared_row import SharedRow
from floe.model.signal import Report, Reported, Started
from floe.nodes.base import Executor, Job
from floe.nodes.forbidden import NOTHING_FORBIDDEN, ForbiddenAddresses


class CallRows(Protocol):
    """The port for shared rows, as calls read and write them."""

    async def find(self, kind: str, key: str, *, reached: int = 0) -> SharedRow | None:
        """A row, also a deleted one; None if the cluster has none. Raises KeeperAway, Busy."""
        ...

    async def write(
        self, kind: str, key: str, value: Json, *, by: str, expected: int | None
    ) -> int:
        """Write a row, or delete it (None). Raises Conflict, Yours, KeeperAway, Busy."""
        ...


class NoRows:
    """The shared rows of calls before their host has any."""

    async def find(self, kind: str, key: str, *, reached: int = 0) -> SharedRow | None:
        raise World("this host has no shared rows")

    async def write(
        self, kind: str, key: str, value: Json, *, by: str, expected: int | None
    ) -> int:
        raise World("this host has no shared rows")


class CallCommands:
    """Runs commands for calls, by the executor of commands. A command ends with its call."""

    def __init__(self, commands: Executor) -> None:
        self._commands = commands

    async def run(self, job: Job) -> Report:
        """Run the command of a job; the key is that of the call. A cancellation stops it."""
        over: asyncio.Future[Report] = asyncio.get_running_loop().create_future()

        def on_report(report: Started | Reported) -> None:
            if isinstance(report, Reported) and not over.done():
                over.set_result(report.report)

        self._commands.start(job, on_report)
        try:
            return await asyncio.shield(over)
        except asyncio.CancelledError:
            self._commands.stop(job.key)
            await over
            raise
        finally:
            self._commands.forget(job.key)


NO_SETTINGS: Final[Mapping[str, object]] = {}


@dataclass(slots=True, kw_only=True)
class CallGround:
    """What the calls of dialects get from their host."""

    commands: CallCommands | None = None
    forbidden: ForbiddenAddresses = NOTHING_FORBIDDEN
    settings: Mapping[str, object] = NO_SETTINGS
    """What the config has for the calls of a dialect, by its name."""
    rows: CallRows = NoRows()
    """Those of the hub, once there is one."""
