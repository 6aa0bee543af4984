"""One evaluator process at a time, and what waits for it, in order."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Final

import structlog

from floe.evaluators.base import EvaluatorFailed
from floe.evaluators.child import EvaluatorProcess, ProcessSettings
from floe.evaluators.exchange import Exchange
from floe.model.errors import FloeError
from floe.model.ids import RunRef

log = structlog.get_logger()

IDLE_S: Final = 60.0
"""Seconds without work after which a process ends."""

AGAIN_S: Final = 0.2
"""Seconds before a start that failed is tried again; doubled each time."""

AGAIN_MAX_S: Final = 30.0

SLOW_S: Final = 1.0
"""Seconds after which people see for how long a run has been judged."""

ONE_FIRST: Final = "1 other judgement comes first"

FACTS_S: Final = 5.0
"""Seconds before the facts of a run are read again that could not be read."""


class EvaluatorQueue:
    """A process that is started when there is work, and replaced when it fails."""

    def __init__(
        self,
        settings: ProcessSettings,
        spawn: Callable[[Coroutine[object, object, None]], None],
        idle_s: float,
    ) -> None:
        self.waiting: deque[Exchange] = deque()
        self.now: Exchange | None = None
        """What the process is asked."""
        self.since_s = 0.0
        """When that began, by the loop's clock."""
        self.process: EvaluatorProcess | None = None
        self.problem = ""
        """Why no process could be started at the last try; empty if it could."""
        self.killed = 0
        """Processes that failed after their start."""
        self._settings = settings
        self._spawn = spawn
        self._idle_s = idle_s
        self._wake = asyncio.Event()
        self._is_working = False
        self._starts_failed = 0
        self._postponed: list[Exchange] = []
        """Those whose facts could not be read, for a moment."""
        self._alive: list[EvaluatorProcess] = []
        """Those that are not gone yet."""

    def __len__(self) -> int:
        return len(self.waiting) + len(self._postponed) + (self.now is not None)

    def put(self, exchange: Exchange) -> None:
        """Have something asked after what waits already."""
        self.waiting.append(exchange)
        self._wake.set()
        if not self._is_working:
            self._is_working = True
            self._spawn(self._work())

    def drop(self, run: RunRef) -> None:
        """Forget the judgement of a run."""
        if self.now is not None and self.now.run == run and not self.now.is_over:
            self.now.is_over = True
            self._wake.set()
            if self.process is not None:
                self.process.kill("its judgement was dropped")
        for held in (self.waiting, self._postponed):
            for exchange in [one for one in held if one.run == run]:
                held.remove(exchange)

    def end(self) -> None:
        """End the process, and forget what waits."""
        self.waiting.clear()
        self._postponed.clear()
        self._close()

    def _close(self) -> None:
        if self.process is not None:
            self.process.kill("it is of no more use")
            self.process = None

    def wait_of(self, run: RunRef) -> str:
        """What delays the judgement of a run, as a sentence; empty for nothing."""
        if self.problem:
            return f"no evaluator process can be started: the last one {self.problem}"
        if self.now is not None and self.now.run == run:
            taken_s = asyncio.get_running_loop().time() - self.since_s
            again = f"; the process before {self.now.why}" if self.now.why else ""
            return f"judged for {taken_s:.0f} s{again}" if again or taken_s >= SLOW_S else ""
        for ahead, exchange in enumerate(self.waiting, 1):
            if exchange.run == run:
                return f"{ahead} other judgements come first" if ahead > 1 else ONE_FIRST
        return next((one.why for one in self._postponed if one.run == run), "")

    async def wait_gone(self) -> None:
        """Wait for the end of all processes that were killed."""
        for process in self._alive:
            await process.wait_gone()

    async def _work(self) -> None:
        try:
            while await self._has_work():
                self.now = self.waiting.popleft()
                self.since_s = asyncio.get_running_loop().time()
                while self.now is not None and not self.now.is_over:
                    await self._attempt(self.now)
                self.now = None
        finally:
            self.now = None
            self._is_working = False
            self._close()

    async def _has_work(self) -> bool:
        """Wait for work; False if none comes for a while."""
        try:
            async with asyncio.timeout(self._idle_s):
                while not self.waiting:
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            return False
        return True

    async def _attempt(self, exchange: Exchange) -> None:
        """Question a process once. What waits is kept where none can be started."""
        process = self.process
        try:
            if process is None or process.why:
                process = self.process = await self._started()
            if process is not None and not exchange.is_over:
                await exchange.attempt(process)
        except EvaluatorFailed as error:
            if not exchange.is_over:
                self.killed += 1
                why = error.what
                log.warning("evaluator.failed", run=str(exchange.run or ""), why=why)
                exchange.failed(why)
            self._close()
        except FloeError as error:  # of the store, or of this run; the others go on
            log.warning("evaluator.no_facts", run=str(exchange.run or ""), why=error.what)
            exchange.why = f"its events cannot be read: {error.what}"
            self._postponed.append(exchange)
            self.now = None
            asyncio.get_running_loop().call_later(FACTS_S, self._put_back, exchange)

    def _put_back(self, exchange: Exchange) -> None:
        if exchange in self._postponed:
            self._postponed.remove(exchange)
            self.put(exchange)

    async def _started(self) -> EvaluatorProcess | None:
        """A new process; None after a pause where none can be started."""
        process = EvaluatorProcess(self._settings)
        self._alive = [*(one for one in self._alive if not one.is_gone), process]
        try:
            await process.start()
        except EvaluatorFailed as error:
            pause_s = min(AGAIN_MAX_S, AGAIN_S * 2.0**self._starts_failed)
            self._starts_failed += 1
            self.problem = error.what
            log.warning("evaluator.not_started", why=error.what, again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            return None
        self.problem, self._starts_failed = "", 0
        return process
