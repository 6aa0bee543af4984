"""What a host lends to the calls of its dialects: its commands, its shared rows, its settings."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import structlog

from floe.model.errors import World
from floe.model.flow import Flow
from floe.model.ids import Json, Key
from floe.model.nouns import dataclass
from floe.model.run import Run
from floe.model.shared_row import SharedRow
from floe.model.signal import Report, Reported, Started
from floe.nodes.attempt_files import take_output
from floe.nodes.base import Job
from floe.nodes.commands import Commands
from floe.nodes.forbidden import NOTHING_FORBIDDEN, ForbiddenAddresses

log = structlog.get_logger()


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


class CallBook(Protocol):
    """The port for the flows of a host, as calls look them up."""

    @property
    def flows(self) -> Sequence[Flow]:
        """All of them."""
        ...

    def digest_of(self, flow: Flow) -> str | None:
        """The digest under which runs keep a flow of the book."""
        ...


class CallReads(Protocol):
    """The port for what calls see of the host's flows and runs."""

    def book(self) -> CallBook:
        """The flows of the last good reading of the config."""
        ...

    async def run(self, run: str) -> Run:
        """A run with its flow. Raises IdInvalid, NotFound."""
        ...


class CallJudges(Protocol):
    """The port for what is judged before a run exists."""

    async def judge_text(self, dialect: str, kind: str, body: Json) -> Json:
        """Have an evaluator judge a body. Raises World."""
        ...


class CallAddresses(Protocol):
    """The port for the addresses at which calls wait."""

    async def address_of(self, key: Key) -> str:
        """The address of the call of an attempt. Raises FloeError."""
        ...


class CallHub(Protocol):
    """The port for the hub of a host, as calls use it."""

    @property
    def shared(self) -> CallRows:
        """The shared rows."""
        ...

    @property
    def reads(self) -> CallReads:
        """The flows and runs."""
        ...

    @property
    def callbacks(self) -> CallAddresses:
        """The addresses of calls."""
        ...

    @property
    def people(self) -> CallJudges:
        """The evaluators."""
        ...


class CallCommands:
    """Runs commands for calls, by the executor of commands. A command ends with its call."""

    def __init__(self, commands: Commands, environment: Mapping[str, str]) -> None:
        """`environment`: what commands see of that of the host."""
        self._commands = commands
        self.environment = environment
        self.is_closing = False
        """Calls that end now leave their commands to the next process of this host."""

    @property
    def ssh_program(self) -> Path:
        """The program that talks to a far host."""
        return self._commands.preparation.program("ssh")

    async def run(self, job: Job, output_max: int) -> tuple[Report, bytes]:
        """Run the ready command of a job, or find it again; its end, and what it printed.

        The key is that of the call. A cancellation ends the command with all its processes.
        """
        over: asyncio.Future[Report] = asyncio.get_running_loop().create_future()

        def on_report(report: Started | Reported) -> None:
            if isinstance(report, Reported) and not over.done():
                over.set_result(report.report)

        self._commands.start(job, on_report)
        try:
            report = await asyncio.shield(over)
        except asyncio.CancelledError:
            if self.is_closing:
                raise
            self._commands.stop(job.key)
            await over
            await self._taken(job, 0)
            raise
        return report, await self._taken(job, output_max)

    async def _taken(self, job: Job, output_max: int) -> bytes:
        try:
            return await asyncio.to_thread(take_output, job, output_max)
        except OSError as error:
            log.warning("call.output_unreadable", key=str(job.key), error=str(error))
            return b""
        finally:
            self._commands.forget(job.key)


NO_ROWS: Final = NoRows()
NO_SETTINGS: Final[Mapping[str, object]] = {}


@dataclass(slots=True, kw_only=True)
class CallGround:
    """What the calls of dialects get from their host."""

    commands: CallCommands | None = None
    forbidden: ForbiddenAddresses = NOTHING_FORBIDDEN
    settings: Mapping[str, object] = NO_SETTINGS
    """What the config has for the calls of a dialect, by its name."""
    hub: CallHub | None = None
    """None until the host has one."""

    @property
    def rows(self) -> CallRows:
        """The shared rows of the hub."""
        return self.hub.shared if self.hub else NO_ROWS
