"""A hub's surroundings as a test sets them: hands, repositories, documents, time and the store.

Hands do nothing by themselves: a test says what became of each attempt.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, get_args

from floe.dialects.registry import dialect
from floe.host.site import SiteSettings
from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.hub.flows import FlowBook, FlowFiles
from floe.hub.hub import Hub
from floe.hub.parts import Parts
from floe.model.errors import NotFound, StoreFailed
from floe.model.flow import Flow
from floe.model.ids import Instant, Json, Key
from floe.model.run import Run
from floe.model.signal import Exited, Report, Reported, Started, Stopped
from floe.model.work import Action, Git
from floe.nodes.base import Document, Executor, Job, OnReport
from floe.store.base import Batch
from floe.store.memory import MemoryStore
from tests.make import H1, NOW

ANY_COMMIT = Git()


class Hands:
    """An executor whose attempts start at once and end when the test says so."""

    def __init__(self, *, at_once: int | None = None) -> None:
        """`at_once`: the exit status that every attempt has right after its start."""
        self.at_once = at_once
        self.actions: dict[Key, Job] = {}
        self.started: list[Key] = []
        """Every call of `start`, in order."""
        self.stopped: list[Key] = []
        self.forgotten: list[Key] = []
        self.swept: frozenset[Key] | None = None
        self.in_line: list[Key] = []
        """What `waiting` says."""
        self.refusal: Exception | None = None
        """What `start`, `stop` and `forget` raise."""
        self.opening: Exception | None = None
        """What `open` raises."""
        self.held = ""
        """What `hold` was told last."""
        self.trouble = ""
        """What `problem` says."""
        self.is_open = False
        self._on_report: dict[Key, OnReport] = {}

    def problem(self) -> str:
        return self.trouble

    async def open(self) -> None:
        if self.opening:
            raise self.opening
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False

    def start(self, job: Job, on_report: OnReport) -> None:
        assert self.is_open, "an executor that is not open is given nothing"
        if self.refusal:
            raise self.refusal
        self.started.append(job.key)
        self.actions[job.key] = job
        self._on_report[job.key] = on_report
        on_report(Started(key=job.key, at=Instant(0)))
        if self.at_once is not None:
            self.exit(job.key.node, self.at_once)

    def exit(
        self,
        node: str,
        status: int = 0,
        outputs: Mapping[str, Json] | None = None,
        *,
        item: int | None = None,
    ) -> None:
        """End the newest attempt of a node, or of one item of it."""
        self.report(node, Exited(status=status, outputs=outputs or {}), item=item)

    def report(self, node: str, report: Report, *, item: int | None = None) -> None:
        """End the newest attempt of a node, or of one item of it, with any report."""
        key = [k for k in self._on_report if k.node == node and item in (None, k.item)][-1]
        self._on_report.pop(key)(Reported(key=key, report=report, at=Instant(0)))

    def recorded(self, key: Key) -> None:
        """Its start is stored."""

    def stop(self, key: Key) -> None:
        if self.refusal:
            raise self.refusal
        self.stopped.append(key)
        if on_report := self._on_report.pop(key, None):
            on_report(Reported(key=key, report=Stopped(), at=Instant(0)))

    def forget(self, key: Key) -> None:
        if self.refusal:
            raise self.refusal
        self.forgotten.append(key)

    def sweep(self, owed: frozenset[Key]) -> None:
        self.swept = owed

    def hold(self, why: str) -> None:
        self.held = why

    def stuck(self) -> dict[Key, str]:
        """None waits for a file system."""
        return {}

    def limit(self) -> None:
        """Nothing of the machine allows fewer than were asked for."""

    def waiting(self) -> list[Key]:
        return self.in_line

    def running(self) -> list[Key]:
        return list(self._on_report)


def executors(hands: Executor) -> Mapping[type[Action], Executor]:
    """The same hands for every kind of work that has any."""
    return dict.fromkeys(get_args(Action), hands)


class NoRefs:
    """Remote repositories whose refs a test sets."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.problem: Exception | None = None
        self.looks = 0

    async def refs(self, git: Git, pattern: str) -> Mapping[str, str]:
        self.looks += 1
        if self.problem:
            raise self.problem
        return dict(self.found)


class Documents:
    """Documents by name, as a test sets them."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.reads = 0

    async def read(self, name: str, *, relative_to: str = "", git: Git = ANY_COMMIT) -> Document:
        self.reads += 1
        if name not in self.texts:
            raise NotFound(f"no document {name}")
        return Document(text=self.texts[name], origin=name, pinned=f"{name}@{git.hash or 'here'}")


class HandClock:
    """A clock that a test moves: time stands still until then."""

    def __init__(self, now: Instant = NOW) -> None:
        self._now = now
        self._calls: list[tuple[Instant, int, Callable[[], None]]] = []
        self._count = count()
        self._taken_back: set[int] = set()

    def now(self) -> Instant:
        return self._now

    def wake(self, due: Instant, call: Callable[[], None]) -> Callable[[], None]:
        number = next(self._count)
        heapq.heappush(self._calls, (due, number, call))
        return lambda: self._taken_back.add(number)

    def set(self, seconds: float) -> int:
        """Be set ahead, or back; return by how many ms, as all timers have to be moved then."""
        self.slip(seconds)
        return round(seconds * 1000)

    def stamp(self, at: Instant) -> Instant:
        return at

    def accept(self) -> int:
        return 0

    def due(self, due: Instant, longest_ms: int) -> Instant:
        return due

    def problem(self) -> str:
        return ""

    def row(self) -> Json:
        return None

    def go_on(self, row: Json) -> None:
        """Nothing is kept."""

    def advance(self, seconds: float) -> None:
        """Move on, calling whatever comes due on the way at its own instant."""
        until = Instant(self._now + round(seconds * 1000))
        while self._calls and self._calls[0][0] <= until:
            due, number, call = heapq.heappop(self._calls)
            if number not in self._taken_back:
                self._now = max(self._now, due)
                call()
        self._now = until

    def slip(self, seconds: float) -> None:
        """Move on while the process is too busy to be called."""
        self._now = Instant(self._now + round(seconds * 1000))

    def jump(self, seconds: float) -> None:
        """Move on as a machine does that was asleep: what came due is called at the end."""
        self.slip(seconds)
        self.advance(0)


class RefusingStore(MemoryStore):
    """A store in memory that refuses as many appends as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = 0
        self.error: Exception = StoreFailed("the disk is full", "make room")
        self.batches: list[Batch] = []
        """Those that were stored."""

    async def append(self, batch: Batch) -> int:
        await asyncio.sleep(0)  # a disk takes its time: words pile up meanwhile
        if self.refusals:
            self.refusals -= 1
            raise self.error
        last = await super().append(batch)
        self.batches.append(batch)
        return last


async def never_read() -> FlowBook:
    """For hubs whose config is not read again."""
    raise AssertionError("this hub's config is not read again")


def parts_of(*flows: Flow, **others: Any) -> Parts:
    """What a hub on h1 is put together from, with a clock that stands still."""
    hands = others.pop("hands", None) or Hands()
    documents = others.pop("documents", None) or Documents()
    host: dict[str, Any] = {"id": H1, "tags": frozenset(), "workspace_root": "/srv/floe"}
    made: dict[str, Any] = {
        "host": SiteSettings(**(host | others.pop("host", {}))),
        "attempts": OutputSettings(root=Path("/nowhere")),
        "store": MemoryStore(),
        "executors": executors(hands),
        "refs": NoRefs(),
        "flow_files": FlowFiles(documents, dialect(), retry_s=0),
        "clock": HandClock(),
        "book": FlowBook(flows=flows),
        "read_book": never_read,
    }
    return Parts(**(made | others))


@asynccontextmanager
async def a_hub(*flows: Flow, **others: Any) -> AsyncIterator[Hub]:
    """A hub at work on some flows. See `parts_of` for what else can be said."""
    async with Hub(parts_of(*flows, **others)) as hub:
        yield hub


async def until(fact: Callable[[], object], deadline_s: float = 60.0) -> None:
    """Wait for a fact, with a deadline that a busy machine meets."""
    async with asyncio.timeout(deadline_s):
        while not fact():  # noqa: ASYNC110  # facts of many kinds, none with an event of its own
            await asyncio.sleep(0)


async def settled(hub: Hub) -> None:
    """Wait until nothing is left to be written."""
    await hub.loop.wait_idle()


def live(hub: Hub, run: str) -> Run | None:
    """A run that is not archived, as the hub has it; None for one that is over."""
    return hub.loop.core.table.runs.get(hub.reads.ref(run))


def over(hub: Hub, run: str) -> Callable[[], bool]:
    """Whether a run has ended and its outputs are packed."""
    return lambda: live(hub, run) is None
