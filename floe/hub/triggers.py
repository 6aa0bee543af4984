"""Triggers that watch the clock or a repository: when they are due, and the runs they start.

The mark of a tick and its run are stored in one transaction: each tick fires once or is missed.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import NamedTuple

import structlog

from floe.host.inputs import Incoming, Mark, Start
from floe.host.repositories import Repositories
from floe.host.ticks import (
    LATE_MS,
    DoneTicks,
    done_ticks_of,
    joined_tick_rows,
    missed_ticks,
    missed_ticks_row,
    tick_after,
    ticks_to_come_rows,
)
from floe.host.trigger_values import initial_values, ref_values, trigger_values
from floe.host.watches import Watch, looks_alike, poll_watches_of, repository_of
from floe.hub.clock import Clock, Timers
from floe.hub.flows import FlowBook
from floe.model.codec import iso
from floe.model.errors import FloeError
from floe.model.flow import Flow, Trigger
from floe.model.ids import Instant, Json
from floe.model.work import Git
from floe.nodes.base import Refs
from floe.store.base import LedgerWrite

log = structlog.get_logger()


class Armed(NamedTuple):
    """A trigger as its config has it, and when it is due."""

    flow: Flow
    trigger: Trigger
    due: Instant


class Triggers:
    """Keeps timer and poll-git triggers armed, and starts runs when they fire."""

    def __init__(
        self,
        clock: Clock,
        refs: Refs,
        spawn: Callable[[Coroutine[object, object, None]], None],
        put: Callable[[Incoming], None],
        rows: Mapping[str, Mapping[str, Json]],
        held_back: Callable[[], str] = lambda: "",
        term: Callable[[], int] = lambda: 0,
    ) -> None:
        """`rows` are rows of the ledger by kind (`repositories.KINDS`) and key. `held_back` returns
        why nothing may fire now, empty if it may. `term` is the keeper's, 0 without others."""
        self._clock = clock
        self._refs = refs
        self._spawn = spawn
        self._put = put
        self._done = done_ticks_of(rows)
        self._held_back = held_back
        self._term = term
        self._repositories = Repositories(rows)
        self._looking: dict[str, asyncio.Lock] = {}
        """One poll of a repository at a time: of two answers the older could be compared last."""
        self._gits: dict[str, set[Git]] = {}
        """The addresses and credentials with which each repository is polled."""
        self._timers = Timers(clock, self._fire)
        self._armed: dict[Watch, Armed] = {}
        self._polling: set[Watch] = set()
        self._held: dict[Watch, list[LedgerWrite]] = {}
        """Timers that do not fire for now, which is in the log, and the rows of the ticks that they
        miss: these are stored with the next tick, as one entry of the inbox."""
        self._why_missed = "no host was running"
        self._book = FlowBook()
        self.problems: dict[Watch, str] = {}
        """The present problem of each trigger; gone after a good poll or a tick."""

    def watch(self, book: FlowBook) -> None:
        """Arm the triggers of a config, and disarm those that it no longer has."""
        self._timers.look()  # triggers that are due now still fire as they were armed
        self._flush()
        self._book = book
        for watch in self._armed:
            self._timers.drop(watch)
        old, self._armed = self._armed, {}
        now = self._clock.now()
        for flow in book.flows:
            for trigger in flow.triggers:
                watch = Watch(flow.id, flow.ver, trigger.id)
                if trigger.type == "timer":
                    self._resume(watch, flow, trigger, now, self._why_missed)
                elif trigger.type == "poll-git":
                    due = old[watch].due if watch in old else now
                    self._arm(watch, flow, trigger, due)
        polls = poll_watches_of(book.flows)
        self._gits = {}
        for poll in polls.values():
            self._gits.setdefault(repository_of(poll.git.url), set()).add(poll.git)
        if rows := self._repositories.watch(polls, now):
            self._put(Incoming(input=Mark(rows=tuple(rows))))
        self._why_missed = "its flow was not in the config"
        self.problems = {w: p for w, p in self.problems.items() if w in self._armed}
        self._held = {w: rows for w, rows in self._held.items() if w in self._armed}

    def next_due(self, flow: Flow, trigger: Trigger) -> Instant | None:
        """When a trigger fires or polls next; None for a trigger without a time."""
        armed = self._armed.get(Watch(flow.id, flow.ver, trigger.id))
        return armed.due if armed else None

    def move(self, by_ms: int) -> None:
        """The clock was set. A poll stays due after the same time, and a tick at its instant.

        Ticks that the clock skipped start no run if they are late by more than `LATE_MS`. After the
        clock went back no tick fires a second time.
        """
        self._timers.move(by_ms)
        self._flush()
        now = self._clock.now()
        for watch, (flow, trigger, due) in tuple(self._armed.items()):
            if trigger.type == "poll-git":
                self._armed[watch] = Armed(flow, trigger, Instant(due + by_ms))
            elif 0 < by_ms <= LATE_MS:
                self._arm(watch, flow, trigger, due)
            else:
                self._resume(watch, flow, trigger, now, "the clock was set forward")

    def close(self) -> None:
        """Disarm all triggers."""
        self._timers.close()
        self._flush()

    def _flush(self) -> None:
        """Store the rows of timers that do not fire."""
        if rows := tuple(row for kept in self._held.values() for row in kept):
            self._put(Incoming(input=Mark(rows=rows)))
        self._held = {watch: [] for watch in self._held}

    def _arm(self, watch: Watch, flow: Flow, trigger: Trigger, due: Instant) -> None:
        self._armed[watch] = Armed(flow, trigger, due)
        self._timers.set(watch, due)

    def _resume(
        self, watch: Watch, flow: Flow, trigger: Trigger, now: Instant, reason: str
    ) -> None:
        """Continue a timer, and record the ticks missed since its last one.

        A new timer gets a mark, so that ticks it misses from now on are noticed.
        """
        rows = self._taken_over(watch)
        done = self._done.get(watch)
        if done is None:
            rows += self._did(watch, DoneTicks(since=now, last=now))
        elif now >= done.last:
            rows += self._missed(watch, trigger, now, reason)
            if rows and now - done.last > LATE_MS:
                rows += self._did(watch, done.at(now))
        else:
            rows += ticks_to_come_rows(watch, trigger, done, now)
            rows += self._did(watch, done.at(now))
        if rows:
            self._put(Incoming(input=Mark(rows=tuple(rows))))
        self._arm_tick(watch, flow, trigger, now)

    def _taken_over(self, watch: Watch) -> list[LedgerWrite]:
        """Continue from the marks of a version of the flow that is gone."""
        if watch in self._done:
            return []
        same = [w for w in self._done if (w.flow, w.trigger) == (watch.flow, watch.trigger)]
        known = {Watch(flow.id, flow.ver, t.id) for flow in self._book.flows for t in flow.triggers}
        if not (gone := [w for w in same if w not in known]):
            return []
        last = max(gone, key=lambda w: self._done[w].last)
        rows = self._did(watch, self._done[last])
        for other in gone:
            del self._done[other]
            rows += [LedgerWrite(kind=k, key=str(other), value=None) for k in ("mark", "ticked")]
        return rows

    def _arm_tick(self, watch: Watch, flow: Flow, trigger: Trigger, now: Instant) -> None:
        due = self._done[watch].next_due(trigger)
        self._arm(watch, flow, trigger, due)
        if due > tick_after(trigger, now):
            log.warning("trigger.waits_for_clock", trigger=str(watch), due=iso(due))
            self.problems[watch] = (
                f"waits until {iso(due)}: it fired up to then before the clock was set back"
            )
        else:
            self.problems.pop(watch, None)

    def _did(self, watch: Watch, done: DoneTicks) -> list[LedgerWrite]:
        """Keep how far a timer has come; return the changed rows."""
        before, self._done[watch] = self._done.get(watch), done
        return done.rows(watch, before)

    def _missed(
        self, watch: Watch, trigger: Trigger, until: Instant, reason: str, *, quiet: bool = False
    ) -> list[LedgerWrite]:
        """Record the ticks between the last one and an instant as missed.

        `quiet`: the log has the reason already, so it gets no line for each tick.
        """
        rows = []
        for after, end in self._done[watch].free(until):
            if ticks := missed_ticks(trigger, after, end):
                if not quiet:
                    log.warning("trigger.missed", trigger=str(watch), count=ticks[2], reason=reason)
                rows += self._did(watch, self._done[watch].up_to(ticks[1]))
                rows.append(missed_ticks_row(watch, ticks, reason))
        return rows

    def _fire(self, key: object) -> None:
        assert isinstance(key, Watch)
        flow, trigger, due = self._armed[key]
        now = self._clock.now()
        why_not = self._held_back()
        if trigger.type == "poll-git":
            self._report(key, f"not polled: {why_not}" if why_not else self.problems.get(key, ""))
            if why_not:
                self._arm(key, flow, trigger, Instant(now + int(trigger.period_s * 1000)))
            elif key not in self._polling:
                self._polling.add(key)
                self._spawn(self._poll(key, trigger))
            return
        if why_not:
            if key not in self._held:
                log.warning("trigger.held_back", trigger=str(key), why=why_not)
            rows = self._missed(key, trigger, now, why_not, quiet=True)
            self._held[key] = joined_tick_rows(trigger, [*self._held.get(key, ()), *rows])
            self._arm_tick(key, flow, trigger, now)
            return
        mark, *marks = self._did(key, self._done[key].up_to(due))
        if (held := self._held.pop(key, None)) is not None:
            log.info("trigger.fires_again", trigger=str(key))
            marks = [*(row for row in held if row.kind != mark.kind), *marks]
        marks = [mark, *marks, *self._missed(key, trigger, now, "the host was asleep or busy")]
        self._start(flow, trigger, trigger_values(trigger.git), marks)
        self._arm_tick(key, flow, trigger, now)

    async def _poll(self, watch: Watch, trigger: Trigger) -> None:
        problem = ""
        try:
            async with self._looking.setdefault(repository_of(trigger.git.url), asyncio.Lock()):
                found = await self._refs.refs(trigger.git, trigger.refs)
                self._compare(watch, trigger, found)
        except FloeError as error:
            problem = str(error)
        except Exception as error:  # as at the executor's border: a poll is tried again
            log.exception("trigger.poll_broken", trigger=str(watch))
            problem = f"{type(error).__name__}: {error}; the log has the traceback"
        finally:
            self._polling.discard(watch)
        if armed := self._armed.get(watch):
            due = self._clock.now()
            if looks_alike(armed.trigger, trigger):  # else the config changed: look again now
                self._report(watch, problem)
                due = Instant(due + int(armed.trigger.period_s * 1000))
            self._arm(watch, armed.flow, armed.trigger, due)

    def _report(self, watch: Watch, problem: str) -> None:
        if problem and self.problems.get(watch) != problem:
            log.warning("trigger.poll_failed", trigger=str(watch), error=problem)
        if problem:
            self.problems[watch] = problem
        elif self.problems.pop(watch, None):
            log.info("trigger.poll_works", trigger=str(watch))

    def _compare(self, watch: Watch, looked: Trigger, found: Mapping[str, str]) -> None:
        """Start one run for each ref that is new or has changed."""
        armed = self._armed.get(watch)
        if armed is None or not looks_alike(armed.trigger, looked):
            return
        alone = len(self._gits[repository_of(looked.git.url)]) == 1
        changes, rows = self._repositories.look(
            watch, armed.trigger, found, term=self._term(), alone=alone
        )
        for change in changes:
            values = ref_values(looked.git, change.ref, change.commit)
            self._start(armed.flow, armed.trigger, values, change.rows)
        if rows:
            self._put(Incoming(input=Mark(rows=tuple(rows))))

    def _start(
        self, flow: Flow, trigger: Trigger, values: Mapping[str, Json], marks: Sequence[LedgerWrite]
    ) -> None:
        start = Start(
            flow=flow,
            digest=self._book.digest_of(flow),
            trigger=trigger.id,
            values={**initial_values(trigger), **values},
            by=f"trigger:{trigger.id}",
            marks=tuple(marks),
        )
        self._put(Incoming(input=start))
