"""Runs exec, git-checkout, git-merge and ssh as commands of the warden.

Rules of this file: an attempt is waiting (in `_waiting`, in order), running (in `_running`: the
warden has it) or over (`over` is set). The warden's reports move it on; nothing here blocks.
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar, assert_never

import structlog

from floe.files import EXHAUSTED, FULL, FileFolders
from floe.model.errors import FloeError
from floe.model.ids import Instant, Key
from floe.model.nouns import dataclass
from floe.model.signal import Failed, Report, Reported, Started, Stopped
from floe.nodes import warden
from floe.nodes.attempt_files import LongOutputs, drop_files
from floe.nodes.base import NO_SECRETS, Job, Limit, OnReport, Secrets
from floe.nodes.preparation import CommandSettings, Preparation, attach, prepared_apart, reason
from floe.nodes.reports import files_of, report_of, reported_apart
from floe.nodes.workspaces import Workspaces
from floe.places import Places

T = TypeVar("T")

log = structlog.get_logger()

ROOM_RETRY_S: Final = 2.0
"""Seconds until floe retries an attempt that found no disk space, memory or process."""


@dataclass(slots=True)
class _Attempt:
    job: Job
    on_report: OnReport
    has_started: bool = False
    """Started was reported by this process. An earlier one may have died before that was stored."""
    is_spawned: bool = False
    is_stopped: bool = False
    """The warden was asked to stop it."""
    over: Reported | None = None
    spawn: warden.Spawn | None = None
    """Its command, if a thread prepared it."""
    place: str = ""
    """The file system that its files are on, if it may hang; empty if not."""


WardenOf = Callable[
    [Path, Callable[[warden.WardenReport], None], Callable[[], None]], warden.WardenClient
]


class Commands:
    """The executor of exec, git-checkout, git-merge and ssh, which all run commands."""

    def __init__(
        self,
        warden_root: Path,
        settings: CommandSettings,
        warden_of: WardenOf = warden.WardenClient,
        *,
        places: Places | None = None,
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        """`warden_root` holds the warden's folder, with its socket and attempts."""
        self.workspaces = Workspaces(settings.workspace_root)
        self._folders = FileFolders()
        self._settings = settings
        self._root = warden_root
        places = self._file_systems = places or Places()
        self.preparation = Preparation(settings, self.workspaces, places, self._folders, secrets)
        self._warden = warden_of(warden_root, self._on_warden_report, self._placed)
        self._attempts: dict[str, _Attempt] = {}
        self._waiting: dict[str, _Attempt] = {}
        self._running: dict[str, _Attempt] = {}
        self._apart: dict[str, _Attempt] = {}
        """Attempts whose files a thread prepares or reads, because the file system may hang. They
        take no place among the commands."""
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
        self.preparation.install_programs(self._root)
        await self._warden.open()

    async def close(self) -> None:
        """Disconnect from the warden; commands keep running."""
        self._drop_again()
        self.workspaces.close()
        await self._warden.close()
        self.preparation.inputs.clear()
        self._folders.close()

    async def shutdown(self) -> None:
        """Stop every command and the warden itself; for `floe run` and for tests."""
        self._drop_again()
        self.workspaces.close()
        await self._warden.shutdown()
        self.preparation.inputs.clear()
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
        attempt = self._attempts[key] = _Attempt(job, on_report)
        if job.started:
            attempt.place = self.preparation.place_of(job)
            self._running[key] = attempt
            self._spawn(attempt, attach(key, job.grace_s))
        else:
            self._waiting[key] = attempt
            self._next()

    def stop(self, key: Key) -> None:
        """End an attempt and all its processes; a waiting attempt is over at once."""
        name = str(key)
        attempt = self._attempts.get(name)
        if attempt is None or attempt.over:
            return
        if self._waiting.pop(name, None) or (
            not attempt.is_spawned and self._apart.pop(name, None)
        ):
            self._settle(attempt, Stopped(), _now())
        else:
            attempt.is_stopped = True
            self._warden.stop(name)

    def recorded(self, key: Key) -> None:
        """Do nothing: the warden finds a command again whose start was not stored."""

    def forget(self, key: Key) -> None:
        """Drop an attempt whose report is stored, here and at the warden."""
        name = str(key)
        attempt = self._attempts.get(name)
        if attempt is None or not attempt.over:
            return
        del self._attempts[name]
        if place := self._file_systems.on_way(attempt.job.output):
            self._file_systems.call(place, prepared_apart, drop_files, attempt.job)
        else:
            self.preparation.inputs.release(attempt.job)
        if attempt.is_spawned:
            self._warden.taken(name)

    def sweep(self, owed: frozenset[Key]) -> None:
        """Have the warden drop the attempts that are not owed; running ones are stopped first."""
        known = {str(key) for key in owed} | self._attempts.keys()
        kept = self._warden.kept()
        if not kept:
            self.preparation.drop_earlier_programs()
        for name in kept:
            if name not in known:
                log.info("attempt.leftover_removed", key=name)
                self._warden.spawn(attach(name, 0.0))
                self._warden.stop(name)

    def waiting(self) -> tuple[Key, ...]:
        """Attempts that wait for a free slot, in order, and then those that wait for files."""
        apart = (attempt for attempt in self._apart.values() if not attempt.is_spawned)
        return tuple(attempt.job.key for attempt in (*self._waiting.values(), *apart))

    def stuck(self) -> dict[Key, str]:
        """Attempts that wait for a file system, with its problem."""
        problem_of = self._file_systems.problem_of
        attempts = (*self._apart.values(), *self._running.values())
        each = ((attempt.job.key, problem_of(attempt.place)) for attempt in attempts)
        return {key: problem for key, problem in each if problem}

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
        present = (*self._running.values(), *self._waiting.values())
        for place in {attempt.place for attempt in present} - {""}:
            self._file_systems.probe(place)  # the warden's calls into it are not seen here
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
            is_ready = attempt.spawn and not self._file_systems.problem_of(attempt.place)
            if not is_ready and (place := self.preparation.place_of(attempt.job)):
                work = partial(self.preparation.prepared, is_apart=True)
                prepared = self._begin_apart(attempt, place, work)
                prepared.add_done_callback(partial(self._prepared_apart, attempt))
                continue
            try:
                spawn = attempt.spawn or self.preparation.prepared(attempt.job, self._folders)
            except (FloeError, OSError, ValueError) as error:
                self._unprepared(attempt, error)
            else:
                self._running[name] = attempt
                self._spawn(attempt, spawn)

    def _begin_apart(
        self, attempt: _Attempt, place: str, work: Callable[[Job, FileFolders], T]
    ) -> "asyncio.Future[T]":
        """Work on an attempt's files in a thread for their file system."""
        self._apart[str(attempt.job.key)], attempt.place = attempt, place
        return self._file_systems.call(place, prepared_apart, work, attempt.job)

    def _prepared_apart(self, attempt: _Attempt, done: "asyncio.Future[warden.Spawn]") -> None:
        name, error = str(attempt.job.key), done.exception()
        if self._apart.pop(name, None) is None:  # it was stopped meanwhile
            return
        if error is None:
            attempt.spawn = done.result()
            self._waiting = {name: attempt, **self._waiting}
        elif isinstance(error, Exception):
            self._unprepared(attempt, error)
        self._next()

    def _unprepared(self, attempt: _Attempt, error: Exception) -> None:
        if isinstance(error, OSError) and error.errno in FULL | EXHAUSTED:
            self._put_back(attempt, str(error), error.errno or 0)
        else:
            self._settle(attempt, Failed(cause="start", why=reason(error)), _now())

    def _put_back(self, attempt: _Attempt, why: str, number: int) -> None:
        """Put an attempt back at the head of the queue: the machine has no room for it now."""
        name = str(attempt.job.key)
        self._running.pop(name, None)
        self._waiting = {name: attempt, **self._waiting}
        attempt.is_spawned, attempt.spawn = False, None
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

    def _on_warden_report(self, received: warden.WardenReport) -> None:
        attempt = self._attempts.get(received.key)
        if attempt is None:
            if not isinstance(received, warden.Spawned):  # swept
                self._warden.taken(received.key)
            return
        if attempt.over:
            return
        if self._waiting.pop(received.key, None) or (
            not attempt.is_spawned and self._apart.pop(received.key, None)
        ):  # it started before a crash that lost the record of the start
            attempt.is_spawned = True
            self._running[received.key] = attempt
        report: Report
        match received:
            case warden.Spawned(at=at):
                self._full = ""
                self._started(attempt, Instant(at))
                return
            case warden.CommandExited(at=at):
                self._started(attempt, Instant(at))
                self._read_report(attempt, received)
                return
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
                self._read_report(attempt, received)
                return
            case _:
                assert_never(received)
        self._report(attempt, received, report)

    def _read_report(
        self, attempt: _Attempt, received: warden.CommandExited | warden.CommandLost
    ) -> None:
        job = attempt.job
        place = self._file_systems.on_way(job.output, *files_of(job, received))
        if not place:
            with suppress(LongOutputs):
                self._report(attempt, received, report_of(received, job, self._folders))
                return

        def read(done: "asyncio.Future[Report | None]") -> None:
            self._apart.pop(received.key, None)
            self._report(attempt, received, done.result())

        self._running.pop(received.key, None)
        reading = self._begin_apart(attempt, place, partial(reported_apart, received))
        reading.add_done_callback(read)
        self._next()

    def _report(
        self, attempt: _Attempt, received: warden.WardenReport, report: Report | None
    ) -> None:
        """Settle an attempt; without a report, read its files again later."""
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
        self.preparation.drop_secrets(attempt.job)
        attempt.over = Reported(key=key, report=report, at=at)
        attempt.on_report(attempt.over)


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000_000)
