"""The client of the warden: starts a warden if none runs, and reconnects to it.

The protocol is in docs/warden.md. Nothing here knows the purpose of a command.

Rule of this file: an attempt is outstanding from `spawn` until its last report is delivered. Each
new connection requests all outstanding attempts again; the warden starts no key twice.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, cast

import structlog

from floe.model.errors import IdInvalid, World
from floe.model.nouns import dataclass
from floe.nodes.pulse import CHECK_S
from floe.nodes.warden_link import CONNECT_RETRY_MAX_S, WardenAddress, WardenConnection, request
from floe.tasks import KeptTask

log = structlog.get_logger()

KEY_PATTERN: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._@-]{1,200}")
SHUTDOWN_S: Final = 10.0
"""Seconds for a warden to end, in addition to the longest grace of its commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn:
    """To the warden: a command to start or, with `attach`, only to find again."""

    key: str
    """`[A-Za-z0-9._@-]{1,200}`; the warden starts a key at most once."""
    argv: tuple[str, ...]
    env: Mapping[str, str]
    """The whole environment; the warden adds FLOE_WARDEN, and FLOE_ATTEMPT if it is missing."""
    cwd: str
    output: str
    """The file for standard output and error: appended to, created if missing."""
    timeout_s: float | None
    grace_s: float
    """Between TERM and KILL."""
    output_max: int
    """Bytes; 0 for none."""
    apart: bool = False
    """The file system of `output` may hang: the warden writes there in threads."""
    attach: bool
    """Its start is recorded: never start it; if the warden does not know the key, it is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawned:
    """From the warden: the command runs."""

    key: str
    pid: int
    at: int
    """Milliseconds since 1970 UTC, as in all reports."""


Ending = Literal["exited", "timeout", "output-limit", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandExited:
    """From the warden: the command ended and none of its processes is left."""

    key: str
    status: int
    """Signals as 128+n."""
    why: Ending
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotStarted:
    """From the warden: the command could not be started."""

    key: str
    error: str
    at: int
    errno: int = 0
    """The error number if floe could not create one of its own files; otherwise 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLost:
    """The warden of a command died: its processes are gone, and its exit status is unknown."""

    key: str
    at: int


WardenReport = Spawned | CommandExited | NotStarted | CommandLost


class WardenClient:
    """The warden of one root. Call it from the loop's thread only.

    For each key, `listener` gets `Spawned` once (unless the command could not be started or is
    lost), and exactly one last report.
    """

    def __init__(
        self, root: Path, listener: Callable[[WardenReport], None], placed: Callable[[], None]
    ) -> None:
        """`root` holds the warden's folder, `root/warden`; `placed` is called when `places` may
        have changed."""
        self._door = WardenAddress(root, self._receive)
        self._placed = placed
        self._listener = listener
        self._outstanding: dict[str, Spawn] = {}
        self._spawned: set[str] = set()
        self._stopping: set[str] = set()
        self._ended: set[str] = set()
        self._untold: set[str] = set()
        """Keys passed to `taken` while there was no connection."""
        self._link: WardenConnection | None = None
        self._unsent: list[bytes] = []
        self._is_flushing = False
        """The rest of this iteration's requests will be written at its end."""
        self._is_first_sent = False
        self._keeper: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect to the warden; start one if none runs. Raises World."""
        if self._keeper is None:
            link = await self._door.reach()
            self._resume(link)
            self._keeper = asyncio.create_task(
                KeptTask("connection to the warden", lambda: self._keep(link)).run(), name="warden"
            )

    def problem(self) -> str:
        """Why requests wait: no warden runs, or it does not answer. Empty if it works."""
        return self._link.pulse.problem() if self._link else "no warden is running"

    def places(self) -> tuple[int, str]:
        """How many commands its limits allow at once (0 if unknown), and the reason."""
        return (self._link.places, self._link.places_why) if self._link else (0, "")

    async def close(self) -> None:
        """Disconnect from the warden; its commands keep running, and it ends after the last."""
        self._flush()
        await self._dismiss_keeper()
        if self._link:
            link, self._link = self._link, None
            link.transport.write(request(do="leave"))
            link.transport.close()
            await link.lost.wait()

    async def shutdown(self) -> None:
        """Stop every command and the warden; last reports still arrive. Raises World."""
        if self._keeper is None:
            return
        await self._dismiss_keeper()  # it would start a new warden when this one ends
        if self._link is None:  # it just died: a new one ends its leftover processes
            self._resume(await self._door.reach())
        link = cast(WardenConnection, self._link)
        self._flush()
        link.transport.write(request(do="quit"))
        grace_s = max((spawn.grace_s for spawn in self._outstanding.values()), default=0.0)
        try:
            async with asyncio.timeout(grace_s + SHUTDOWN_S):
                await link.lost.wait()
        except TimeoutError as error:
            raise World(
                f"the warden in {self._door.folder} does not end",
                f"its log is {self._door.log_file}",
            ) from error
        finally:
            await self.close()

    def spawn(self, spec: Spawn) -> None:
        """Start a command, or find it again. Raises IdInvalid for a hostile key."""
        if not KEY_PATTERN.fullmatch(spec.key):
            raise IdInvalid("warden key", spec.key, f"it must match {KEY_PATTERN.pattern}")
        if spec.key not in self._outstanding and spec.key not in self._ended:
            self._outstanding[spec.key] = spec
            self._send(_spawn_line(spec, attach=spec.attach))
            self._send_first()

    def stop(self, key: str) -> None:
        """End a command and all its processes: TERM, grace, KILL."""
        if key in self._outstanding and key not in self._stopping:
            self._stopping.add(key)
            self._send(request(do="stop", key=key))

    def taken(self, key: str) -> None:
        """The end of a key is recorded: the warden may drop it."""
        if key in self._ended:
            self._ended.discard(key)
            if self._link:
                self._send(request(do="taken", key=key))
            else:
                self._untold.add(key)

    def kept(self) -> tuple[str, ...]:
        """Keys of all attempts that the warden kept when it was reached, of any client."""
        return self._link.kept if self._link else ()

    def _send(self, line: bytes) -> None:
        # One write for all requests of one iteration of the loop. Without a connection nothing is
        # queued: the next one sends outstanding, stopping and untold again.
        if self._link:
            if not self._is_flushing:
                self._is_flushing = True
                self._link.loop.call_soon(self._flush)
            self._unsent.append(line)

    def _send_first(self) -> None:
        """Write the first command of an iteration of the loop at once: the warden starts it while
        the loop prepares the others, or replies to clients."""
        if self._link and not self._is_first_sent:
            self._is_first_sent = True
            self._link.transport.write(b"".join(self._unsent))
            self._unsent.clear()

    def _flush(self) -> None:
        self._is_first_sent = self._is_flushing = False
        if self._link and self._unsent:
            self._link.transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def _receive(self, message: Mapping[str, Any]) -> None:
        if message["word"] == "hello":
            self._placed()
            return
        key = message.get("key", "")
        if key not in self._outstanding:
            if message["word"] == "refused":
                log.error("warden.refused", why=message["why"])
            return
        report = _report_of(message)
        if isinstance(report, Spawned):
            if key in self._spawned:
                return
            self._spawned.add(key)
        elif report:
            del self._outstanding[key]
            self._spawned.discard(key)
            self._stopping.discard(key)
            self._ended.add(key)
        if report:
            self._listener(report)

    # -- the connection

    async def _dismiss_keeper(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper:
            keeper.cancel()
            await asyncio.wait([keeper])
            if not keeper.cancelled():
                keeper.result()  # it never returns: this raises its error

    async def _keep(self, link: WardenConnection) -> None:
        """Reconnect whenever the connection is lost; never give up."""
        while True:
            self._placed()
            await self._attend(link)
            self._link = None
            self._unsent.clear()
            log.warning("warden.gone", outstanding=len(self._outstanding))
            link = await self._reach_patiently()
            self._resume(link)
            log.info("warden.back")

    async def _attend(self, link: WardenConnection) -> None:
        """Wait until the connection is lost; check now and then that the warden still works.

        A stuck warden is not replaced: it owns its commands, and may continue with them.
        """
        was = False
        while not link.lost.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S):
                    await link.lost.wait()
            if link.pulse.look(is_busy=bool(self._outstanding)):
                link.ask()
            problem = link.pulse.problem()
            if problem and not was:
                log.error(
                    "warden.not_responding", problem=problem, hint="kill -CONT it, or kill -KILL"
                )
            if was and not problem:
                log.info("warden.responds_again")
            was = bool(problem)

    async def _reach_patiently(self) -> WardenConnection:
        while True:
            try:
                return await self._door.reach()
            except World as error:
                # No traceback: what and hint say everything.
                log.error("warden.unreachable", why=error.what, hint=error.hint)  # noqa: TRY400
                await asyncio.sleep(CONNECT_RETRY_MAX_S)

    def _resume(self, link: WardenConnection) -> None:
        """Send every request again that the warden may not have received.

        A key whose start was reported is only attached to. Any other key can be requested as
        before: if the warden had started it, its file would exist, and the warden would report it.
        """
        self._link = link
        self._unsent = [
            *(
                _spawn_line(s, attach=s.attach or k in self._spawned)
                for k, s in self._outstanding.items()
            ),
            *(request(do="stop", key=key) for key in self._stopping),
            *(request(do="taken", key=key) for key in self._untold),
        ]
        self._untold.clear()
        self._flush()


def _spawn_line(spec: Spawn, *, attach: bool) -> bytes:
    return request(
        do="spawn",
        key=spec.key,
        argv=spec.argv,
        env=dict(spec.env),
        cwd=spec.cwd,
        output=spec.output,
        timeout_s=spec.timeout_s,
        grace_s=spec.grace_s,
        output_max=spec.output_max,
        attach=attach,
        **({"apart": True} if spec.apart else {}),
    )


def _report_of(message: Mapping[str, Any]) -> WardenReport | None:
    key, at = message["key"], message["at"]
    match message["word"]:
        case "spawned":
            return Spawned(key=key, pid=message["pid"], at=at)
        case "exited":
            return CommandExited(key=key, status=message["status"], why=message["why"], at=at)
        case "not-started":
            errno = message.get("errno", 0)  # a warden of an earlier floe does not send it
            return NotStarted(key=key, error=message["error"], at=at, errno=errno)
        case "lost":
            return CommandLost(key=key, at=at)
        case _:
            return None  # a newer warden of this protocol may send more
