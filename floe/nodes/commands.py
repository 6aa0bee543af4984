"""Runs exec, git-checkout and git-merge as commands of the warden.

Rules of this file: an attempt is waiting (in `_waiting`, in order), running (in `_running`: the
warden has it) or over (`over` is set). The warden's reports move it on; nothing here blocks.
"""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

import structlog

from floe.expr.command import expanded, values_of
from floe.files import EXHAUSTED, FULL, Folders
from floe.model.errors import FloeError
from floe.model.flow import Exec, GitCheckout, GitMerge
from floe.model.refs import Instant, Key
from floe.model.signal import Failed, Report, Reported, Started, Stopped
from floe.nodes import git, warden
from floe.nodes.base import Job, Limit, OnReport
from floe.nodes.copies import drop_earlier, installed
from floe.nodes.environment import drop_files, environment, inherited, write_input
from floe.nodes.remote import Remote
from floe.nodes.reports import report_of
from floe.nodes.workspaces import Workspaces, inside

log = structlog.get_logger()

ROOM_RETRY_S: Final = 2.0
"""Seconds until floe retries an attempt that found no disk space, memory or process."""

COMMANDS_DEFAULT: Final = 4 * (os.cpu_count() or 1)
STRICT: Final = ("-e", "-o", "pipefail")
"""With these options bash ends at the first command that fails, even inside a pipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettings:
    """The part of a host's settings that concerns its commands."""

    host: str
    """Its name, `FLOE_HOST`."""
    workspace_root: Path
    pass_env: tuple[str, ...] = ()
    """Variables of the host's environment that commands see in addition to the usual ones."""
    key_file: str = ""
    """The private key for git if a node names none; empty for the system's own."""
    strict_shell: bool = False
    """Whether `shell` ends at the first command that fails, for flows that do not set it."""
    commands: int = COMMANDS_DEFAULT
    """How many commands run at once; the rest wait in order."""


@dataclass(slots=True)
class _Attempt:
    job: Job
    on_report: OnReport
    has_started: bool
    """Started was reported, by this process or an earlier one."""
    is_spawned: bool = False
    is_stopped: bool = False
    """The warden was asked to stop it."""
    over: Reported | None = None


WardenOf = Callable[
    [Path, Callable[[warden.WardenReport], None], Callable[[], None]], warden.WardenClient
]


class Commands:
    """The executor of exec, git-checkout and git-merge, which all run commands."""

    def __init__(
        self,
        warden_root: Path,
        settings: CommandSettings,
        warden_of: WardenOf = warden.WardenClient,
    ) -> None:
        """`warden_root` holds the warden's folder, with its socket and attempts."""
        self.workspaces = Workspaces(settings.workspace_root)
        self._folders = Folders()
        self._settings = settings
        self._root = warden_root
        self._program = Path()
        """The copied program that git nodes run; set by `open`."""
        self._warden = warden_of(warden_root, self._on_warden_report, self._placed)
        self._base = inherited(os.environ, settings.pass_env)
        self._attempts: dict[str, _Attempt] = {}
        self._waiting: dict[str, _Attempt] = {}
        self._running: dict[str, _Attempt] = {}
        self._held = ""
        self._is_limited = False
        """The log says that the machine allows fewer commands than the settings."""
        self._full = ""
        """Why floe could not create the last attempt's files; empty after a successful start."""
        self._again: asyncio.TimerHandle | None = None
        self._unread: dict[str, asyncio.TimerHandle] = {}
        """Attempts that ended while no file could be opened: when theirs are tried again."""

    async def open(self) -> None:
        """Connect to the warden; start one if none runs. Raises World."""
        self.workspaces.open()
        self._program = installed(self._root, "repository")
        await self._warden.open()

    async def close(self) -> None:
        """Disconnect from the warden; commands keep running."""
        self._drop_again()
        self.workspaces.close()
        await self._warden.close()
        self._folders.close()

    async def shutdown(self) -> None:
        """Stop every command and the warden itself; for `floe run` and for tests."""
        self._drop_again()
        self.workspaces.close()
        await self._warden.shutdown()
        self._folders.close()

    def start(self, job: Job, on_report: OnReport) -> None:
        """Start an attempt as soon as a slot is free, or find it again.

        If its start is recorded, the attempt is only looked up, without waiting. If it is over and
        not yet forgotten, its report is sent again: a repeated call means that the report was lost.
        """
        key = str(job.key)
        if known := self._attempts.get(key):
            known.on_report = on_report
            if known.over:
                on_report(known.over)
            return
        attempt = self._attempts[key] = _Attempt(job, on_report, has_started=job.started)
        if job.started:
            self._running[key] = attempt
            self._spawn(attempt, _attach(key, job.grace_s))
        else:
            self._waiting[key] = attempt
            self._next()

    def stop(self, key: Key) -> None:
        """End an attempt and all its processes; a waiting attempt is over at once."""
        name = str(key)
        attempt = self._attempts.get(name)
        if attempt is None or attempt.over:
            return
        if self._waiting.pop(name, None):
            self._settle(attempt, Stopped(), _now())
        else:
            attempt.is_stopped = True
            self._warden.stop(name)

    def forget(self, key: Key) -> None:
        """Drop an attempt whose report is stored, here and at the warden."""
        name = str(key)
        attempt = self._attempts.get(name)
        if attempt is None or not attempt.over:
            return
        del self._attempts[name]
        drop_files(attempt.job, self._folders)
        if attempt.is_spawned:
            self._warden.taken(name)

    def sweep(self, owed: frozenset[Key]) -> None:
        """Have the warden drop the attempts that are not owed. Called once after `open`.

        A command that still runs is stopped first.
        """
        known = {str(key) for key in owed} | self._attempts.keys()
        kept = self._warden.kept()
        if not kept:
            drop_earlier(self._program)
        for name in kept:
            if name not in known:
                log.info("attempt.leftover_removed", key=name)
                self._warden.spawn(_attach(name, 0.0))
                self._warden.stop(name)

    def waiting(self) -> tuple[Key, ...]:
        """Attempts that wait for a free slot, in order."""
        return tuple(attempt.job.key for attempt in self._waiting.values())

    def running(self) -> tuple[Key, ...]:
        """Attempts that the warden has."""
        return tuple(attempt.job.key for attempt in self._running.values())

    def problem(self) -> str:
        """Why commands cannot start: the warden is away or does not answer; empty if they can."""
        problem = self._warden.problem() or self._full
        return problem and f"commands cannot be started: {problem}"

    def hold(self, why: str) -> None:
        """Start nothing while `why` is not empty."""
        was, self._held = self._held, why
        if was and not why:
            self._next()

    def limit(self) -> Limit | None:
        """How many commands fit at once, if that is fewer than the settings allow."""
        if self._full:
            return Limit(count=len(self._running), why=self._full)
        places, why = self._warden.places()
        return Limit(count=places, why=why) if 0 < places < self._settings.commands else None

    def _places(self) -> int:
        places, _ = self._warden.places()
        return min(places or self._settings.commands, self._settings.commands)

    def _placed(self) -> None:
        """The warden has reported how many commands fit; it does so again while some run."""
        places, why = self._warden.places()
        is_limited = 0 < places < self._settings.commands
        if is_limited and not self._is_limited:
            log.warning(
                "commands.limited", places=places, commands=self._settings.commands, why=why
            )
        elif self._is_limited and not is_limited:
            log.info("commands.not_limited", commands=self._settings.commands)
        self._is_limited = is_limited
        self._next()

    def _next(self) -> None:
        while (
            self._waiting
            and len(self._running) < self._places()
            and not self._held
            and self._again is None
        ):
            name = next(iter(self._waiting))
            attempt = self._waiting.pop(name)
            try:
                spawn = self._prepared(attempt.job)
            except (FloeError, OSError, ValueError) as error:
                if isinstance(error, OSError) and error.errno in FULL | EXHAUSTED:
                    self._put_back(attempt, str(error), error.errno or 0)
                else:
                    self._settle(attempt, Failed(cause="start", why=_reason(error)), _now())
            else:
                self._running[name] = attempt
                self._spawn(attempt, spawn)

    def _put_back(self, attempt: _Attempt, why: str, number: int) -> None:
        """Put an attempt back at the head of the queue: the machine has no room for it now."""
        name = str(attempt.job.key)
        self._running.pop(name, None)
        self._waiting = {name: attempt, **self._waiting}
        attempt.is_spawned = False
        if not self._full:
            log.error("commands.no_room", key=name, why=why)
        is_full = number in FULL
        self._full = f"no room for their files: {os.strerror(number)}" if is_full else why
        if self._again is None:
            self._again = asyncio.get_running_loop().call_later(ROOM_RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._again = None
        if not self._waiting:  # every waiting attempt was stopped
            self._full = ""
        self._next()

    def _drop_again(self) -> None:
        for again in (self._again, *self._unread.values()):
            if again:
                again.cancel()

    def _spawn(self, attempt: _Attempt, spawn: warden.Spawn) -> None:
        attempt.is_spawned = True
        self._warden.spawn(spawn)

    def _prepared(self, job: Job) -> warden.Spawn:
        """Create folders and files. Every fault of a job raises here, before anything starts."""
        self.workspaces.ready_for(job)
        write_input(job, self._folders)
        work = job.work
        if not isinstance(work, Exec | GitCheckout | GitMerge):
            raise TypeError(f"{type(work).__name__} is not a command")
        sub_dir = work.sub_dir if isinstance(work, Exec) else work.git.sub_dir
        cwd = _folder(job.workspace, sub_dir)
        entries = (*job.env, *work.env) if isinstance(work, Exec) else job.env
        env = environment(self._base, job, self._settings.host, entries)
        if isinstance(work, Exec):
            argv = self._argv(work, job, env, entries)
        else:
            argv = git.argv(self._program, git.task_of(work, job.workspace, cwd))
            key_file = work.git.key_file or self._settings.key_file
            env = git.git_environment(env, key_file, job.env)
            env.update(Remote.parse(work.git.url).env)
        return warden.Spawn(
            key=str(job.key),
            argv=argv,
            env=env,
            cwd=str(cwd),
            output=str(job.output),
            timeout_s=job.timeout_s,
            grace_s=job.grace_s,
            output_max=job.output_max,
            attach=False,
        )

    def _argv(
        self, work: Exec, job: Job, env: dict[str, str], entries: tuple[str, ...]
    ) -> tuple[str, ...]:
        """The command line. Raises Yours if a value would become code."""
        if work.shell:
            strict = job.strict_shell
            is_strict = self._settings.strict_shell if strict is None else strict
            return ("bash", *(STRICT if is_strict else ()), "-c", work.shell)
        is_value = values_of(entries, escapes=job.has_escapes)
        return expanded(work.argv, env, is_value, escapes=job.has_escapes)

    def _on_warden_report(self, received: warden.WardenReport) -> None:
        attempt = self._attempts.get(received.key)
        if attempt is None:
            if not isinstance(received, warden.Spawned):  # swept
                self._warden.taken(received.key)
            return
        if attempt.over:
            return
        if self._waiting.pop(
            received.key, None
        ):  # it started before a crash that lost the record of the start
            attempt.is_spawned = True
            self._running[received.key] = attempt
        match received:
            case warden.Spawned(at=at):
                self._full = ""
                self._started(attempt, Instant(at))
                return
            case warden.CommandExited(at=at):
                self._started(attempt, Instant(at))
                report = report_of(attempt.job, received, self._folders)
            case warden.NotStarted(error=error, errno=number) if number in FULL | EXHAUSTED:
                self._warden.taken(received.key)
                if not attempt.is_stopped:
                    self._put_back(attempt, error, number)
                    return
                attempt.is_spawned = False
                report = Stopped()
            case warden.NotStarted(error=error):
                report = Failed(cause="start", why=error)
            case warden.CommandLost():
                report = report_of(attempt.job, received, self._folders)
            case _:
                assert_never(received)
        if report is None:
            again = asyncio.get_running_loop().call_later(
                ROOM_RETRY_S, self._on_warden_report, received
            )
            self._unread[received.key] = again
            return
        self._settle(attempt, report, Instant(received.at))
        self._next()

    def _started(self, attempt: _Attempt, at: Instant) -> None:
        if not attempt.has_started:
            attempt.has_started = True
            attempt.on_report(Started(key=attempt.job.key, at=at))

    def _settle(self, attempt: _Attempt, report: Report, at: Instant) -> None:
        key = attempt.job.key
        self._running.pop(str(key), None)
        self._unread.pop(str(key), None)
        attempt.over = Reported(key=key, report=report, at=at)
        attempt.on_report(attempt.over)


def _attach(name: str, grace_s: float) -> warden.Spawn:
    """A request for the outcome of an attempt; its limits are the ones from its start."""
    return warden.Spawn(
        key=name,
        argv=(),
        env={},
        cwd="",
        output="",
        timeout_s=None,
        grace_s=grace_s,
        output_max=0,
        attach=True,
    )


def _folder(workspace: Path, sub_dir: str) -> Path:
    if not sub_dir:
        return workspace
    folder = inside(workspace, sub_dir)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _reason(error: Exception) -> str:
    hint = error.hint if isinstance(error, FloeError) else ""
    return f"{error}; try: {hint}" if hint else str(error)


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000_000)
