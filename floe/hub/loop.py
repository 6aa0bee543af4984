"""The one writer of a host: it has the core decide inputs, and stores and publishes the result.

Everything that happens on a host goes through one inbox. Inputs that arrive while a batch is being
stored become the next batch: one commit for many inputs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

import structlog

from floe.host.asleep import Asleep
from floe.host.core import HostCore
from floe.host.inputs import Incoming, Input, Reply, TakeOldest
from floe.host.opening_inputs import AnswerHeard, HearEvent, OpenJudged
from floe.host.step_result import StepResult
from floe.hub.clock import Clock
from floe.model.errors import FloeError, StoreConflict, StoreFailed, World, Yours
from floe.model.ids import RunRef
from floe.model.run import Run
from floe.store.base import Batch, RunStore

log = structlog.get_logger()

INBOX_MAX: Final = 20_000
"""Inputs that wait for the writer. One more request is refused as busy; one more message from a
host is dropped, since hosts repeat messages until they are answered."""

BATCH_MAX: Final = 256
"""Inputs of one batch, so that the first of many does not wait for the last."""

PATIENT: Final = (AnswerHeard, HearEvent, OpenJudged, TakeOldest)
"""Inputs of programs outside: of hundreds in a second each would cost a step and a sync."""

SHARE_S: Final = 0.008
"""Seconds from a step of such inputs to the next, if nothing else comes: those that come in between
share it. One that comes after a pause waits for nothing."""

STORE_RETRY_S: Final = 1.0
"""Seconds before a refused append is tried again."""

STOPPING: Final = "this host is stopping"


class Busy(World):
    """The inbox of the loop is full, or the host is stopping; try again."""


class Loop:
    """The inbox of a host and the task that empties it."""

    def __init__(
        self,
        core: HostCore,
        store: RunStore,
        clock: Clock,
        stored: Callable[[StepResult, int], Awaitable[None]],
        recall: Callable[[Collection[RunRef]], Awaitable[None]],
        complete: Callable[[Sequence[Incoming]], Awaitable[Sequence[Incoming]]] | None = None,
        wake: Callable[[RunRef], Awaitable[None]] | None = None,
    ) -> None:
        """`stored` publishes and carries out a result whose last event is at a position. `recall`
        reads runs again whose log differs from the state of the core. `complete` adds facts that
        only the shell knows to the inputs of a step; it may raise StoreFailed. `wake` reads a run
        that is asleep into the core; so may it."""
        self.core = core
        self.store_problem = ""
        """Why the last append was refused; empty while the store takes them."""
        self.storing: Mapping[RunRef, Run | None] = {}
        """Runs that are being stored, as they were before: readers see this state until then."""
        self._store = store
        self._clock = clock
        self._stored = stored
        self._recall = recall
        self._complete = complete
        self._read_asleep = wake
        self._due = clock.now() if core.site.settings.peers else None
        """When to step again without an input."""
        self._inbox: list[Incoming] = []
        self._between: list[Callable[[], None]] = []
        self._is_taking = False
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._closing = asyncio.Event()
        self._over = asyncio.Event()
        self._next_s = 0.0  # when a step of patient inputs may begin, by the clock of asyncio
        self._is_sharing = False
        self._tickets: dict[int, asyncio.Future[Reply]] = {}
        self._last_ticket = 0

    def __len__(self) -> int:
        return len(self._inbox)

    @property
    def is_full(self) -> bool:
        """Whether the inbox takes no more requests and messages."""
        return len(self._inbox) >= INBOX_MAX

    def put(self, incoming: Incoming) -> None:
        """Put an input in the inbox; from the loop's thread only."""
        self._inbox.append(incoming)
        self._idle.clear()
        if not (self._is_sharing and isinstance(incoming.input, PATIENT)):
            self._wake.set()

    def between(self, call: Callable[[], None]) -> None:
        """Call between two batches: when every decision is stored and carried out."""
        if self._is_taking:
            self._between.append(call)
        else:
            call()

    def look(self) -> None:
        """Step now without an input, where there are other hosts: the clock was set."""
        if self._due is not None:
            self._due = self._clock.now()
            self._wake.set()

    async def ask(self, incoming: Input, run: RunRef | None = None, once: str = "") -> Reply:
        """Put an input in the inbox and wait until its effect is stored.

        Raises Busy, StoreFailed where the store refused it, Yours where no store could hold it.
        """
        if self._closing.is_set():
            raise Busy(STOPPING)
        if self.is_full:
            raise Busy(f"this host is overloaded: {INBOX_MAX} inputs wait", "try again in a moment")
        self._last_ticket += 1
        ticket = self._last_ticket
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._tickets[ticket] = future
        self.put(Incoming(input=incoming, run=run, once=once, ticket=ticket))
        try:
            return await future
        finally:
            del self._tickets[ticket]

    async def write(self) -> None:
        """Empty the inbox, a batch at a time, until `drain` has been called."""
        try:
            while await self._wait_input():
                inputs, self._inbox = self._inbox[:BATCH_MAX], self._inbox[BATCH_MAX:]
                self._is_taking = True
                try:
                    await self._take(inputs)
                except ValueError:
                    if not inputs:  # a mistake of floe: retrying would never end
                        raise
                    await self._take_singly(inputs)
                self._is_taking = False
                calls, self._between = self._between, []
                for call in calls:
                    call()
        finally:
            self._over.set()
            for ticket in tuple(self._tickets):
                self._fail(ticket, Busy(STOPPING))

    async def wait_idle(self) -> None:
        """Wait until the inbox is empty and stored."""
        await self._idle.wait()

    async def drain(self, timeout_s: float) -> None:
        """Take no more requests; wait until the inbox is stored, or time is up.

        Then the writer has stopped, or is about to be cancelled, and later inputs are lost.
        """
        self._closing.set()
        self._wake.set()
        try:
            async with asyncio.timeout(timeout_s):
                await self._over.wait()
        except TimeoutError:
            log.warning("hub.close_timeout", waiting=len(self._inbox))

    async def _wait_input(self) -> bool:
        """Wait for work; False if there will be none."""
        while not self._inbox and not self.core.is_behind and not self._is_due():
            self._idle.set()
            if self._closing.is_set():
                return False
            self._wake.clear()
            unwake = self._clock.wake(self._due, self._wake.set) if self._due else None
            try:
                await self._wake.wait()
            finally:
                if unwake:
                    unwake()
        await self._share()
        return not (self._closing.is_set() and self.store_problem)

    async def _share(self) -> None:
        """Wait a moment for others while all inputs are patient."""
        if not self._inbox or not all(isinstance(one.input, PATIENT) for one in self._inbox):
            return
        time = asyncio.get_running_loop().time
        if self._next_s > time():
            self._is_sharing = True
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._next_s):
                    await self._wake.wait()
            self._is_sharing = False
        self._next_s = time() + SHARE_S

    def _is_due(self) -> bool:
        is_closing = self._closing.is_set()
        return self._due is not None and not is_closing and self._due <= self._clock.now()

    async def _take(self, inputs: Sequence[Incoming]) -> None:
        """Decide some inputs, store the result, publish it and have it carried out."""
        try:
            completed = await self._complete(inputs) if self._complete else inputs
            decided = await self._decide(completed)
        except StoreFailed as error:
            await self._refused(inputs, StepResult(), error)
            return
        self._due = decided.next_due
        self.storing = decided.before
        try:
            last = await self._append(decided)
        except (StoreFailed, StoreConflict) as error:
            await self._refused(inputs, decided, error)
            return
        except ValueError:
            self.core.undo(decided)
            raise
        finally:
            self.storing = {}
        for what in decided.refused:
            log.warning("peer.refused", what=what)
        for reply in decided.replies:
            if (future := self._tickets.get(reply.ticket)) and not future.done():
                future.set_result(reply)
        await self._stored(decided, last)

    async def _decide(self, inputs: Sequence[Incoming]) -> StepResult:
        """Decide some inputs, again after each run that has to be woken for it."""
        while True:
            try:
                return self.core.step(inputs, self._clock.now())
            except Asleep as asleep:
                if self._read_asleep is None:
                    raise
                await self._read_asleep(asleep.run)

    async def _take_singly(self, inputs: Sequence[Incoming]) -> None:
        """Refuse the input that no store can hold, so that it does not stop the others."""
        for incoming in inputs:
            try:
                await self._take([incoming])
            except ValueError as error:
                log.warning(
                    "input.refused",
                    run=str(incoming.run),
                    ticket=incoming.ticket,
                    error=str(error),
                )
                what = "a value cannot be stored: NaN, Infinity or a lone surrogate"
                self._fail(incoming.ticket, Yours(what))

    async def _append(self, decided: StepResult) -> int:
        if not (decided.appends or decided.ledger or decided.prunes or decided.promise):
            return 0
        last = await self._store.append(
            Batch(
                appends=decided.appends,
                ledger=decided.ledger,
                prunes=decided.prunes,
                promise=decided.promise,
            )
        )
        if self.store_problem:
            log.info("store.recovered")
            self.store_problem = ""
        return last

    async def _refused(
        self, inputs: Sequence[Incoming], decided: StepResult, error: FloeError
    ) -> None:
        """Undo a step that was not stored, fail its callers, keep inputs that none repeats."""
        if self.store_problem != str(error):
            log.error("store.refused", error=str(error), hint=error.hint)
        self.store_problem = str(error)
        self.core.undo(decided)
        for incoming in inputs:
            self._fail(incoming.ticket, error)
        self._inbox = [w for w in inputs if not w.ticket] + self._inbox
        with suppress(TimeoutError):
            async with asyncio.timeout(STORE_RETRY_S):
                await self._closing.wait()
        if isinstance(error, StoreConflict):
            with suppress(StoreFailed):  # then the next append is refused too
                await self._recall(decided.before)

    def _fail(self, ticket: int, error: FloeError) -> None:
        if (future := self._tickets.get(ticket)) and not future.done():
            future.set_exception(error)
