"""The tasks that a host runs beside requests. One place owns them, so that none ends unnoticed.

- `spawn` starts work that changes the state of the host. After an error that no code foresaw this
  state is unknown: the error leaves the context, and the host stops.
- `keep` starts work that only watches or repeats, and may begin afresh at any time. The same error
  is logged and shown as a trouble, and the work begins again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Final, Self

import structlog

from floe.model.nouns import dataclass

log = structlog.get_logger()

FIRST_S: Final = 1.0
"""Seconds before failed work begins again; they double with each failure in a row."""

MOST_S: Final = 60.0

WELL_S: Final = 60.0
"""Seconds that work must run before an earlier failure counts as over."""


@dataclass(slots=True)
class KeptTask:
    """Work that begins again after errors that no code foresaw."""

    name: str
    work: Callable[[], Awaitable[None]]
    why: str = ""
    """The last error; empty for none."""
    failures: int = 0
    """In a row."""
    began_s: float | None = None
    """When it began last, by the loop's clock; None while it waits to begin again."""

    async def run(self) -> None:
        """Do the work until it is done, or until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self.began_s = loop.time()
            try:
                await self.work()
                return
            except Exception as error:  # no caller is left to raise it to
                self.failures = 1 if self.is_well() else self.failures + 1
                self.why = "; ".join(causes(error))
                pause_s = min(MOST_S, FIRST_S * 2.0 ** (self.failures - 1))
                log.exception("task.failed", task=self.name, again_in_s=pause_s)
            self.began_s = None
            await asyncio.sleep(pause_s)

    def is_well(self) -> bool:
        """Whether no failure is left that an operator should know."""
        began_s, now = self.began_s, asyncio.get_running_loop().time()
        return not self.why or (began_s is not None and now - began_s >= WELL_S)


class Tasks:
    """The tasks of one host. Leaving the context cancels them, and waits."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self._kept: dict[asyncio.Task[None], KeptTask] = {}

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Start a task whose unforeseen error ends the host."""
        self._begin(work)

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Start a task that begins again after an unforeseen error. `name` is a noun phrase."""
        kept = KeptTask(name, work)
        task = self._begin(kept.run())
        self._kept[task] = kept
        return task

    def troubles(self) -> tuple[str, ...]:
        """The tasks that failed lately, as sentences without a subject."""
        return tuple(
            f"has failed in its {kept.name}, and tries again: {kept.why}; its log has the traceback"
            for kept in self._kept.values()
            if not kept.is_well()
        )

    def _begin(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._kept.pop(task, None)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in tuple(self._running):
            task.cancel()
        await self._group.__aexit__(kind, error, trace)


def causes(error: BaseException) -> Iterator[str]:
    """Why tasks failed: the causes in a group of errors, each with its type."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from causes(one)
    else:
        yield f"{type(error).__name__}: {error}"
