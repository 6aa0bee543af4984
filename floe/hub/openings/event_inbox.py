"""Has the events of the inbox judged, oldest first, and opens their runs. Decides nothing.

The core keeps the events. What is judged and not stored yet is judged again after a crash.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, repeat
from typing import Final, NamedTuple

import structlog

from floe.dialects.base import Around, EventFlows
from floe.evaluators.base import Evaluators, EventQuestion
from floe.host.core import HostCore
from floe.host.inbox import FlowFindings, InboxEvent
from floe.host.inputs import Reply
from floe.host.opening_inputs import (
    EVENT_BYTES_MAX,
    EventFinding,
    EventStart,
    HearEvent,
    JudgedEvent,
    OpeningInput,
    OpenJudged,
    OpenRun,
)
from floe.hub.attempts.masked_inputs import MaskedInputs
from floe.hub.clock import Clock
from floe.hub.loop import Busy
from floe.model.codec import from_text, to_text
from floe.model.errors import FloeError, TooLarge, Yours
from floe.model.flow import Flow
from floe.model.ids import Json, RunRef
from floe.model.opening import Opened

log = structlog.get_logger()

BATCH: Final = 64
"""Events that are judged together."""

PACE_S: Final = 0.01
"""Seconds from the beginning of a group of events to that of the next: what comes in between shares
a question to a process, a step and a transaction. An event after a pause waits for nothing."""

RUNS_MAX: Final = 20
"""Runs that are opened in one step, so that other requests do not wait long; of one event, all."""

WAIT_S: Final = 0.03
"""Seconds that the sender of an event waits for its runs."""

AHEAD_MAX: Final = 4
"""Events that wait when a sender still waits for its runs; with more, they would take too long."""

START_S: Final = 2.0
"""The same where an evaluator process has to start first, as after a minute without events."""

AGAIN_S: Final = 1.0
"""Seconds before events are judged again that could not be judged or stored."""

RECENT_MAX: Final = 1000
"""Events whose runs are remembered, for senders that ask a moment later."""


class Heard(NamedTuple):
    """The answer to the sender of an event, which is on the disk."""

    number: int
    runs: tuple[RunRef, ...] | None
    """The runs that it opened; None if they are not open yet."""


class EventInbox:
    """The inbox of a host at work."""

    def __init__(
        self,
        core: HostCore,
        evaluators: Evaluators | None,
        flows: Mapping[str, EventFlows],
        ask: Callable[[OpeningInput], Awaitable[Reply]],
        masked: MaskedInputs,
        clock: Clock,
        starts: Callable[[str, str], Sequence[EventStart]] = lambda dialect, body: (),
    ) -> None:
        """`flows` by dialect; `ask` waits until the effect of an input is stored. `starts`: what an
        event of a dialect starts of floe's own flows, by its body."""
        self._core = core
        self._inbox = core.site.inbox
        self._evaluators = evaluators
        self._flows = flows
        self._ask = ask
        self._masked = masked
        self._clock = clock
        self._starts = starts
        self._news = asyncio.Event()
        self._waiters: dict[int, asyncio.Future[tuple[RunRef, ...]]] = {}
        self._recent: OrderedDict[int, tuple[RunRef, ...]] = OrderedDict()

    # --- senders ---

    def event(self, dialect: str, body: Json) -> HearEvent:
        """An event as the core keeps it. Raises Yours, TooLarge."""
        if dialect not in self._flows:
            raise Yours(f"this host has no dialect {dialect!r} with events")
        self._masked.check_values({"event": body})
        try:
            text = to_text(body)
            size = len(text.encode())
        except ValueError as error:
            what = "a value cannot be stored: NaN, Infinity or a lone surrogate"
            raise Yours(what) from error
        if size > EVENT_BYTES_MAX:
            raise TooLarge(f"an event has at most {EVENT_BYTES_MAX >> 20} MiB")
        return HearEvent(dialect=dialect, body=text)

    async def hear(self, dialect: str, body: Json, *, wait_s: float | None = None) -> Heard:
        """Keep an event; it is on the disk when this returns. Waits a moment for its runs, by
        default `WAIT_S`.

        Raises Yours, TooLarge, Busy where the inbox is full, StoreFailed.
        """
        reply = await self._ask(self.event(dialect, body))
        if not reply.changed:
            raise Busy(reply.why, "try again in a moment")
        return await self.opened(reply.number, wait_s=wait_s)

    async def opened(self, number: int, *, wait_s: float | None = None) -> Heard:
        """The runs of an event that was kept, if they are open within a time.

        While many events wait, its sender does not: that is no use.
        """
        self._news.set()
        if wait_s is None:
            is_cold = self._evaluators is not None and not self._evaluators.counts().running
            wait_s = START_S if is_cold else WAIT_S
        if number in self._recent or not wait_s or len(self._inbox) > AHEAD_MAX:
            return Heard(number, self._recent.get(number))
        waiter = self._waiters.setdefault(number, asyncio.get_running_loop().create_future())
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await asyncio.shield(waiter)
        self._waiters.pop(number, None)
        return Heard(number, self._recent.get(number))

    @property
    def waiting(self) -> int:
        """How many events wait for their runs."""
        return len(self._inbox)

    def findings(self, flow: str) -> FlowFindings:
        """What was wrong when events were judged for a flow."""
        return self._inbox.findings(flow)

    # --- work ---

    async def work(self) -> None:
        """Judge what waits, until cancelled."""
        time = asyncio.get_running_loop().time
        while True:
            events = self._inbox.first(BATCH)
            if not events:
                self._news.clear()
                await self._news.wait()
                continue
            next_at = time() + PACE_S
            judged = await self._judged(events)
            is_stored = bool(judged)
            for chunk in _chunks(judged):
                is_stored = is_stored and await self._store(chunk)
            await asyncio.sleep(next_at - time() if is_stored else AGAIN_S)

    async def _judged(self, events: Sequence[InboxEvent]) -> list[JudgedEvent]:
        """What the oldest events come to; those from which on it cannot be said now are left."""
        if self._core.sharing.lags(self._clock.now()):
            self._inbox.stuck = "flows and items of the cluster are still copied to this host"
            return []
        self._inbox.stuck = ""
        asked: list[tuple[InboxEvent, Mapping[str, Flow], str]] = []
        for event in events:
            try:
                asked.append((event, await self._flows_of(event), ""))
            except FloeError as error:
                log.warning("event.no_flows", dialect=event.dialect, why=error.what)
                self._inbox.stuck = error.what
                break
            except Exception as error:  # the border of a dialect: the event opens nothing
                log.exception("event.not_judged", dialect=event.dialect)
                asked.append((event, {}, f"{type(error).__name__}: {error}"))
        questions = [
            self._question(event, flow, digest)
            for event, flows, _ in asked
            for digest, flow in flows.items()
        ]
        answers = iter(await self._answers(questions))
        return [
            self._judged_event(event, why, [(*one, next(answers)) for one in flows.items()])
            for event, flows, why in asked
        ]

    def _question(self, event: InboxEvent, flow: Flow, digest: str) -> EventQuestion:
        around = self.around(event.dialect, flow, digest)
        return EventQuestion(
            dialect=event.dialect,
            flow=flow,
            digest=f"{digest} {around.digest}" if around else digest,
            event=event.body.encode(),
            around=around.body if around else b"",
        )

    def around(self, dialect: str, flow: Flow, digest: str) -> Around | None:
        """What the judgements of a flow read besides it; None for nothing."""
        flows = self._flows.get(dialect)
        return flows.around(flow, digest, self._core.shared_rows) if flows else None

    async def _flows_of(self, event: InboxEvent) -> Mapping[str, Flow]:
        flows = self._flows.get(event.dialect)
        if flows is None:
            raise LookupError(f"this host has no dialect {event.dialect!r} with events")
        return await flows.flows_of(from_text(event.body), self._core.shared_rows)

    async def _answers(self, questions: Sequence[EventQuestion]) -> Sequence[Opened]:
        if self._evaluators is None:
            return [Opened(failed="this host has no evaluators")] * len(questions)
        return await self._evaluators.open(questions) if questions else ()

    def _judged_event(
        self, event: InboxEvent, why: str, answers: Sequence[tuple[str, Flow, Opened]]
    ) -> JudgedEvent:
        findings = [EventFinding(event.dialect, why)] if why else []
        opens: list[OpenRun] = []
        for digest, flow, opened in answers:
            if opened.failed:
                fault = f"an event could not be judged: {opened.failed}"
                findings.append(EventFinding(flow.id, fault, flow.name))
                continue
            known = chain(opened.about, repeat(None))
            for finding, about in zip(opened.findings, known, strict=False):
                log.warning("event.finding", flow=flow.name, why=finding)
                findings.append(EventFinding(flow.id, finding, flow.name, about))
            for one in opened.openings:
                asked = OpenRun(
                    flow=flow,
                    digest=digest,
                    trigger=one.trigger,
                    values=one.values,
                    by=one.by,
                    title=one.title,
                    verdict=one.verdict,
                    enters=one.enters,
                )
                if fault := self._masked.fault_of(asked):
                    findings.append(EventFinding(flow.id, fault, flow.name))
                else:
                    opens.append(asked)
        starts = tuple(self._starts(event.dialect, event.body))
        return JudgedEvent(
            number=event.number, opens=(*opens,), starts=starts, findings=(*findings,)
        )

    async def _store(self, events: Sequence[JudgedEvent]) -> bool:
        """Open the runs of some events; False where that is to be tried again."""
        try:
            reply = await self._ask(OpenJudged(events=tuple(events)))
        except Yours as error:
            if len(events) > 1:
                return all([await self._store([one]) for one in events])
            [event] = events
            if not event.runs:
                return False
            flow = (event.opens or event.starts)[0].flow
            finding = EventFinding(flow.id, error.what, flow.name)
            return await self._store([JudgedEvent(number=event.number, findings=(finding,))])
        except FloeError as error:
            log.warning("event.not_stored", why=error.what)
            self._inbox.stuck = error.what
            return False
        for number, runs in reply.opened.items():
            self._recent[number] = runs
            if (waiter := self._waiters.get(number)) and not waiter.done():
                waiter.set_result(runs)
        while len(self._recent) > RECENT_MAX:
            self._recent.popitem(last=False)
        return True


def _chunks(events: Sequence[JudgedEvent]) -> Iterator[Sequence[JudgedEvent]]:
    """The events of each step, in order."""
    chunk: list[JudgedEvent] = []
    count = 0
    for event in events:
        if chunk and count + event.runs > RUNS_MAX:
            yield chunk
            chunk, count = [], 0
        chunk.append(event)
        count += event.runs
    if chunk:
        yield chunk
