"""Attempts that are tasks on the loop of this process: they end with it, and are then lost.

An executor of work that must not be done twice begins it when the start of the attempt is stored
(`recorded`). So a start that is not stored did nothing, and can be repeated after a crash.
"""

import asyncio
import time
from typing import Final

from floe.model.ids import Instant, Key
from floe.model.nouns import dataclass
from floe.model.signal import Failed, Report, Reported, Started, Stopped
from floe.nodes.base import Job, OnReport
from floe.places import Places

NO_LIMIT: Final = 1 << 31


@dataclass(slots=True)
class LoopAttempt:
    """An attempt in this process, and its task."""

    job: Job
    on_report: OnReport
    task: asyncio.Task[Report] | None = None
    place: str = ""
    """A file system that it uses and that may hang."""
    is_stopped: bool = False
    over: Reported | None = None


class InProcess:
    """An executor whose attempts are tasks of this process. A subclass carries them out."""

    def __init__(
        self, what: str, places: Places | None = None, *, at_once: int = NO_LIMIT, once: bool
    ) -> None:
        """`what`: the work in the sentence about a lost attempt, such as `the download`.

        `at_once`: how many attempts run at once. `once`: the work waits until its start is stored.
        """
        self._what = what
        self._places = places or Places()
        self._at_once = at_once
        self._once = once
        self._attempts: dict[Key, LoopAttempt] = {}
        self._waiting: dict[Key, LoopAttempt] = {}
        self._delayed: dict[Key, asyncio.TimerHandle] = {}
        self._unrecorded: dict[Key, asyncio.Event] = {}
        self._open = 0
        self._held = ""

    async def _carry_out(self, attempt: LoopAttempt) -> Report:
        """Carry out one attempt. Every failure becomes its report; a cancellation is raised."""
        raise NotImplementedError

    def _delay_s(self, job: Job) -> float:
        """How long an attempt waits before its start."""
        return 0.0

    def _is_kept(self, job: Job) -> bool:
        """Whether an attempt that an earlier process started can be found again."""
        return False

    async def open(self) -> None:
        """Nothing to get ready."""

    async def close(self) -> None:
        """Cancel all attempts without a report; after a restart they are reported lost."""
        self._waiting.clear()
        for delayed in self._delayed.values():
            delayed.cancel()
        tasks = [a.task for a in self._attempts.values() if a.task and not a.task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def start(self, job: Job, on_report: OnReport) -> None:
        """Start an attempt. If an earlier process started it, it is reported lost.

        If it is over and not yet forgotten, its report is sent again.
        """
        if known := self._attempts.get(job.key):
            known.on_report = on_report
            if known.over:
                on_report(known.over)
            return
        attempt = self._attempts[job.key] = LoopAttempt(job, on_report)
        if job.started and not self._is_kept(job):
            self._settle(attempt, Failed(cause="lost", why=f"floe stopped during {self._what}"))
        elif delay_s := self._delay_s(job):
            loop = asyncio.get_running_loop()
            self._delayed[job.key] = loop.call_later(delay_s, self._due, attempt)
        else:
            self._due(attempt)

    def recorded(self, key: Key) -> None:
        """The start of an attempt is stored."""
        if unrecorded := self._unrecorded.pop(key, None):
            unrecorded.set()

    def hold(self, why: str) -> None:
        """Start no attempt while `why` is not empty."""
        self._held = why
        self._fill()

    def stop(self, key: Key) -> None:
        """Cancel an attempt."""
        attempt = self._attempts.get(key)
        if attempt and (delayed := self._delayed.pop(key, None)):
            delayed.cancel()
            self._settle(attempt, Stopped())
        elif attempt and self._waiting.pop(key, None):
            self._settle(attempt, Stopped())
        elif attempt and attempt.task and not attempt.over:
            attempt.is_stopped = True
            attempt.task.cancel()

    def forget(self, key: Key) -> None:
        """Drop an attempt whose report is stored."""
        attempt = self._attempts.get(key)
        if attempt and attempt.over:
            del self._attempts[key]

    def sweep(self, owed: frozenset[Key]) -> None:
        """Do nothing: no attempt outlives the process."""

    def limit(self) -> None:
        """None: the machine does not limit these attempts."""

    def waiting(self) -> tuple[Key, ...]:
        """Attempts that have not started: `hold` keeps them back, or too many run."""
        return tuple(self._waiting)

    def running(self) -> tuple[Key, ...]:
        """Attempts in progress."""
        before = self._waiting.keys() | self._delayed.keys()
        return tuple(k for k, a in self._attempts.items() if not a.over and k not in before)

    def stuck(self) -> dict[Key, str]:
        """Attempts that wait for a file system that hangs, with its problem."""
        problem_of, each = self._places.problem_of, self._attempts.items()
        return {k: why for k, a in each if not a.over and (why := problem_of(a.place))}

    def problem(self) -> str:
        """Empty: these attempts can always start."""
        return ""

    def _due(self, attempt: LoopAttempt) -> None:
        self._delayed.pop(attempt.job.key, None)
        self._waiting[attempt.job.key] = attempt
        self._fill()

    def _fill(self) -> None:
        """Begin waiting attempts while there is room."""
        while self._waiting and not self._held and self._open < self._at_once:
            self._begin(self._waiting.pop(next(iter(self._waiting))))

    def _begin(self, attempt: LoopAttempt) -> None:
        self._open += 1
        if not attempt.job.started:
            if self._once:
                self._unrecorded[attempt.job.key] = asyncio.Event()
            attempt.on_report(Started(key=attempt.job.key, at=_now()))
        attempt.task = asyncio.get_running_loop().create_task(self._run(attempt))
        attempt.task.add_done_callback(lambda task: self._ended(attempt, task))

    async def _run(self, attempt: LoopAttempt) -> Report:
        if unrecorded := self._unrecorded.get(attempt.job.key):
            await unrecorded.wait()
        return await self._carry_out(attempt)

    def _ended(self, attempt: LoopAttempt, task: asyncio.Task[Report]) -> None:
        self._open -= 1
        self._unrecorded.pop(attempt.job.key, None)
        if not task.cancelled():
            self._settle(attempt, task.result())
        elif attempt.is_stopped:
            self._settle(attempt, Stopped())
        self._fill()

    def _settle(self, attempt: LoopAttempt, report: Report) -> None:
        attempt.over = Reported(key=attempt.job.key, report=report, at=_now())
        attempt.on_report(attempt.over)


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000_000)
