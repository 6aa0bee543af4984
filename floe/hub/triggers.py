"""Triggers that watch the clock or a repository: when they are due, and what they start.

A tick's mark and its pending run are stored in one transaction, so each due instant fires once
or is recorded as missed, whatever restarts.
"""

import re
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count, islice, takewhile
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import structlog

from floe.hub.clock import Clock, Timers
from floe.hub.flows import FlowBook
from floe.hub.words import Addressed, Mark, Start
from floe.model.codec import encode
from floe.model.errors import FloeError
from floe.model.flow import Flow, Git, Trigger
from floe.model.refs import FlowId, Instant, Json, NodeId
from floe.nodes.base import Refs
from floe.store.base import LedgerWrite

log = structlog.get_logger()

MISSED_MAX: Final = 100_000
"""Missed ticks are counted up to this."""


class Watch(NamedTuple):
    """A trigger that is due at instants: the key of its timer and of its marks."""

    flow: FlowId
    ver: int
    trigger: NodeId

    def __str__(self) -> str:
        return f"{self.flow}@{self.ver}/{self.trigger}"


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
        say: Callable[[Addressed], None],
        marks: Mapping[str, Json],
        held_back: Callable[[], str] = lambda: "",
    ) -> None:
        """`marks` are the ledger rows of kind `mark` as stored; `held_back` says why nothing may
        fire now, empty if it may."""
        self._clock = clock
        self._refs = refs
        self._spawn = spawn
        self._say = say
        self._marks = dict(marks)
        self._held_back = held_back
        self._timers = Timers(clock, self._fire)
        self._armed: dict[Watch, Armed] = {}
        self._polling: set[Watch] = set()
        self._why_missed = "no host was running"
        self._book = FlowBook()
        self.problems: dict[Watch, str] = {}
        """What is wrong with a poll now; empty again after a good one."""

    def watch(self, book: FlowBook) -> None:
        """Arm the triggers of a config, and let go of those it no longer has."""
        self._timers.look()  # what is due now is still fired as it was armed
        self._book = book
        for watch in self._armed:
            self._timers.drop(watch)
        old, self._armed = self._armed, {}
        now = self._clock.now()
        for flow in book.flows:
            for trigger in flow.triggers:
                watch = Watch(flow.id, flow.ver, trigger.id)
                if trigger.type == "timer":
                    after = self._resume(watch, trigger, now)
                    self._arm(watch, flow, trigger, due_after(trigger, after))
                elif trigger.type == "poll-git":
                    due = old[watch].due if watch in old else now
                    self._arm(watch, flow, trigger, due)
        self._why_missed = "its flow was not in the config"
        self.problems = {w: p for w, p in self.problems.items() if w in self._armed}

    def next_due(self, flow: Flow, trigger: Trigger) -> Instant | None:
        """When a trigger fires or polls next; None for one that waits for others."""
        armed = self._armed.get(Watch(flow.id, flow.ver, trigger.id))
        return armed.due if armed else None

    def close(self) -> None:
        """Fire nothing any more."""
        self._timers.close()

    def _arm(self, watch: Watch, flow: Flow, trigger: Trigger, due: Instant) -> None:
        self._armed[watch] = Armed(flow, trigger, due)
        self._timers.set(watch, due)

    def _resume(self, watch: Watch, trigger: Trigger, now: Instant) -> Instant:
        """After which instant a timer goes on; ticks missed since its mark are written down.

        A timer that is new gets a mark, so that nothing it misses from here on goes unnoticed.
        """
        mark = self._marks.get(str(watch))
        if not isinstance(mark, int):
            self._marks[str(watch)] = now
            self._say(Addressed(word=Mark(rows=(_mark(str(watch), now),))))
            return now
        if rows := self._missed(watch, trigger, Instant(mark), now, self._why_missed):
            self._say(Addressed(word=Mark(rows=tuple(rows))))
        return max(now, Instant(mark))  # a clock that was set back repeats no tick

    def _missed(
        self, watch: Watch, trigger: Trigger, after: Instant, until: Instant, reason: str
    ) -> list[LedgerWrite]:
        ticks = missed(trigger, after, until)
        if not ticks:
            return []
        first, last, count = ticks
        self._marks[str(watch)] = last
        log.warning("trigger.missed", trigger=str(watch), count=count, reason=reason)
        row: dict[str, Json] = {"from": first, "to": last, "count": count, "reason": reason}
        return [
            _mark(str(watch), last),
            LedgerWrite(kind="missed", key=f"{watch}/{first}", value=row),
        ]

    def _fire(self, key: object) -> None:
        assert isinstance(key, Watch)
        flow, trigger, due = self._armed[key]
        now = self._clock.now()
        why_not = self._held_back()
        if trigger.type == "poll-git":
            self._note(key, f"not polled: {why_not}" if why_not else self.problems.get(key, ""))
            if why_not:
                self._arm(key, flow, trigger, Instant(now + int(trigger.period_s * 1000)))
            elif key not in self._polling:
                self._polling.add(key)
                self._spawn(self._poll(key, trigger))
            return
        if why_not:
            rows = self._missed(key, trigger, Instant(due - 1), now, why_not)
            self._say(Addressed(word=Mark(rows=tuple(rows))))
            self._arm(key, flow, trigger, due_after(trigger, now))
            return
        marks = [_mark(str(key), due)]
        self._marks[str(key)] = due
        marks += self._missed(key, trigger, due, now, "the host was asleep or busy")
        self._start(flow, trigger, trigger_values(trigger.git), marks)
        self._arm(key, flow, trigger, due_after(trigger, now))

    async def _poll(self, watch: Watch, trigger: Trigger) -> None:
        problem, found = "", None
        try:
            found = await self._refs.refs(trigger.git, trigger.refs)
        except FloeError as error:
            problem = str(error)
        finally:
            self._polling.discard(watch)
        armed = self._armed.get(watch)
        if armed is None:
            return
        if armed.trigger == trigger:  # else the config was read again meanwhile: look anew
            self._note(watch, problem)
            if found is not None:
                self._compare(watch, armed.flow, trigger, wanted(trigger, found))
        due = Instant(self._clock.now() + int(armed.trigger.period_s * 1000))
        self._arm(watch, armed.flow, armed.trigger, due)

    def _note(self, watch: Watch, problem: str) -> None:
        if problem and self.problems.get(watch) != problem:
            log.warning("trigger.poll_failed", trigger=str(watch), error=problem)
        if problem:
            self.problems[watch] = problem
        elif self.problems.pop(watch, None):
            log.info("trigger.poll_works", trigger=str(watch))

    def _compare(
        self, watch: Watch, flow: Flow, trigger: Trigger, found: Mapping[str, str]
    ) -> None:
        """Start one run for each new or changed ref; the first look only records."""
        key = f"{watch}:{trigger.git.url}"
        seen = self._marks.get(key)
        if seen == found:
            return
        changed = {r: h for r, h in found.items() if isinstance(seen, Mapping) and seen.get(r) != h}
        kept: dict[str, Json] = dict(seen) if isinstance(seen, Mapping) else dict(found)
        for ref, commit in changed.items():
            kept = {**kept, ref: commit}
            values = ref_values(trigger.git, ref, commit)
            self._start(flow, trigger, values, [_mark(key, kept)])
        self._marks[key] = dict(found)
        self._say(Addressed(word=Mark(rows=(_mark(key, dict(found)),))))

    def _start(
        self,
        flow: Flow,
        trigger: Trigger,
        values: Mapping[str, Json],
        marks: Sequence[LedgerWrite],
    ) -> None:
        word = Start(
            flow=flow,
            digest=self._book.digest_of(flow),
            trigger=trigger.id,
            values=values,
            by=f"trigger:{trigger.id}",
            marks=tuple(marks),
        )
        self._say(Addressed(word=word))


def _mark(key: str, value: Json) -> LedgerWrite:
    return LedgerWrite(kind="mark", key=key, value=value)


def due_after(trigger: Trigger, after: Instant) -> Instant:
    """The first due instant after another."""
    return next(ticks(trigger, after))


def ticks(trigger: Trigger, after: Instant) -> Iterator[Instant]:
    """The due instants after another: multiples of the period since 1970, or by cron.

    The dialect refuses a cron that never comes.
    """
    if not trigger.cron:
        period_ms = _period_ms(trigger)
        yield from map(Instant, count((after // period_ms + 1) * period_ms, period_ms))
        return
    from cronsim import CronSim  # loaded on first use: few flows have a cron

    local = datetime.fromtimestamp(after / 1000, UTC).astimezone(ZoneInfo(trigger.timezone))
    for due in CronSim(trigger.cron, local):
        yield Instant(int(due.timestamp() * 1000))


def missed(trigger: Trigger, after: Instant, until: Instant) -> tuple[Instant, Instant, int] | None:
    """First, last and number of the due instants in (after, until]; None where there are none.

    A cron's are counted up to `MISSED_MAX`.
    """
    first = due_after(trigger, after)
    if first > until:
        return None
    if not trigger.cron:
        period_ms = _period_ms(trigger)
        number = (until - first) // period_ms + 1
        return first, Instant(first + (number - 1) * period_ms), number
    last, number = first, 0
    for due in islice(takewhile(until.__ge__, ticks(trigger, after)), MISSED_MAX):
        last, number = due, number + 1
    return first, last, number


def _period_ms(trigger: Trigger) -> int:
    return max(1, int(trigger.period_s * 1000))


def wanted(trigger: Trigger, found: Mapping[str, str]) -> dict[str, str]:
    """The refs that a poll looks at: without those that `exclude-refs` matches as a whole."""
    excluded = re.compile(trigger.exclude_refs) if trigger.exclude_refs else None
    return {r: h for r, h in sorted(found.items()) if not (excluded and excluded.fullmatch(r))}


def trigger_values(git: Git) -> dict[str, Json]:
    """A trigger's own repository as values, spelt as in the documents; never its key."""
    shape = {k.replace("_", "-"): v for k, v in encode(git).items() if k != "key_file"}
    return dict(shape)


def ref_values(git: Git, ref: str, commit: str) -> dict[str, Json]:
    """What a changed ref starts a run with.

    Source: the original's poll-git: `url`, `branch` (the short name), `hash`.
    """
    branch = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    return {**trigger_values(git), "branch": branch, "ref": ref, "hash": commit}
