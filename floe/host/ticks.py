"""When the ticks of a timer are due. No clock."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count, islice, takewhile
from typing import Final

from floe.host.watches import Watch, watch_of
from floe.model.codec import decode
from floe.model.flow import Trigger
from floe.model.ids import Instant, Json
from floe.model.nouns import dataclass
from floe.store.base import LedgerWrite

MISSED_MAX: Final = 10_000
"""Missed ticks of a cron are counted up to this, a week of minutes, in a tenth of a second."""

LATE_MS: Final = 600_000
"""A tick is this late at most where the clock was set forward; more is missed."""

SPANS_MAX: Final = 64
"""Spans of time that a timer keeps; of older ones it does not know any more that they were."""

Span = tuple[Instant, Instant]
"""After the first instant, up to and with the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneTicks:
    """The spans of time whose ticks were fired or recorded as missed.

    There is more than one where the clock was set: what lies between them is yet to come if the
    clock goes back there.
    """

    since: Instant
    """When the present span began."""
    last: Instant
    """Up to which instant everything is done since then."""
    others: tuple[Span, ...] = ()

    def next_due(self, trigger: Trigger) -> Instant:
        """The first due instant after the present span that is in no other."""
        due = tick_after(trigger, self.last)
        for after, until in sorted(self.others):
            if after < due <= until:
                due = tick_after(trigger, until)
        return due

    def up_to(self, last: Instant) -> "DoneTicks":
        """With a longer present span, which may take in others."""
        left = tuple(s for s in self.others if not (self.since <= s[0] and s[1] <= last))
        return DoneTicks(since=self.since, last=last, others=left)

    def at(self, now: Instant) -> "DoneTicks":
        """With the span that is present after the clock was set to an instant."""
        spans = sorted((*self.others, (self.since, self.last)), key=lambda span: span[1])
        here = [span for span in spans if span[0] <= now <= span[1]]
        since, last = here[-1] if here else (now, now)
        others = tuple(s for s in spans if s != (since, last))
        return DoneTicks(since=since, last=last, others=others[-SPANS_MAX:])

    def free(self, until: Instant) -> list[Span]:
        """What is not done between the present span and an instant."""
        found, at = list[Span](), self.last
        for after, end in sorted(self.others):
            if end > at and after < until:
                if after > at:
                    found.append((at, after))
                at = end
        return [*found, (at, until)] if at < until else found

    def to_come(self, now: Instant) -> list[tuple[Instant, Instant, Instant | None]]:
        """The gaps that a clock which went back has ahead: their ticks are yet to come.

        Of each its begin, up to when its ticks are past none the less, and where the next span
        begins, if one does.
        """
        spans = sorted((*self.others, (self.since, self.last)))
        begins = [*(after for after, _ in spans[1:]), None]
        return [
            (end, max(end, now), begin)
            for (_, end), begin in zip(spans, begins, strict=True)
            if begin is None or begin > now
        ]

    def rows(self, watch: Watch, before: "DoneTicks | None") -> list[LedgerWrite]:
        """The ledger rows that change from those before; read back by `done_of`."""
        rows = [LedgerWrite(kind="mark", key=str(watch), value=self.last)]
        if before is None or (before.since, before.others) != (self.since, self.others):
            others: list[Json] = [list(span) for span in self.others]
            value: dict[str, Json] = {"since": self.since, "others": others}
            rows.append(LedgerWrite(kind="ticked", key=str(watch), value=value))
        return rows


def done_ticks_of(rows: Mapping[str, Mapping[str, Json]]) -> dict[Watch, DoneTicks]:
    """How far the ticks of each timer have come; without a row of its spans since ever."""
    found = {}
    for key, last in rows.get("mark", {}).items():
        if not isinstance(last, int) or not (watch := watch_of(key)):
            continue
        spans = rows.get("ticked", {}).get(key)
        done = DoneTicks(since=Instant(0), last=Instant(last))
        if isinstance(spans, Mapping):
            done = decode(DoneTicks, {**spans, "last": last})
        found[watch] = done
    return found


def missed_ticks_row(watch: Watch, ticks: tuple[Instant, Instant, int], reason: str) -> LedgerWrite:
    """Missed ticks, as one row to store: the first, the last and how many."""
    first, last, count = ticks
    row: dict[str, Json] = {"from": first, "to": last, "count": count, "reason": reason}
    return LedgerWrite(kind="missed", key=f"{watch}/{first}", value=row)


def ticks_to_come_rows(
    watch: Watch, trigger: Trigger, done: DoneTicks, now: Instant
) -> list[LedgerWrite]:
    """Ticks that come again after the clock went back: the rows to store of them."""
    rows = []
    for after, until, begin in done.to_come(now):
        first = tick_after(trigger, after)
        if begin is not None and first > begin:
            continue  # no tick was missed there
        if ticks := missed_ticks(trigger, after, until):
            rows.append(missed_ticks_row(watch, ticks, "the clock was set forward, and back"))
        else:
            rows.append(LedgerWrite(kind="missed", key=f"{watch}/{first}", value=None))
    return rows


def joined_tick_rows(trigger: Trigger, rows: Iterable[LedgerWrite]) -> list[LedgerWrite]:
    """Rows of ticks: the latest of each key; ticks missed one after the other share one."""
    found: dict[tuple[str, str], LedgerWrite] = {}
    before: LedgerWrite | None = None
    for row in rows:
        if row.kind == "missed":
            row = before = (before and _longer(trigger, before, row)) or row
        found[row.kind, row.key] = row
    return [*found.values()]


def _longer(trigger: Trigger, row: LedgerWrite, more: LedgerWrite) -> LedgerWrite | None:
    """A row of missed ticks with those of `more`; None if they do not follow for one reason."""
    one, other = row.value, more.value
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return None
    last, count, added = one["to"], one["count"], other["count"]
    assert isinstance(last, int)
    assert isinstance(count, int)
    assert isinstance(added, int)
    if one["reason"] != other["reason"] or tick_after(trigger, Instant(last)) != other["from"]:
        return None
    value: dict[str, Json] = {**one, "to": other["to"], "count": count + added}
    return LedgerWrite(kind=row.kind, key=row.key, value=value)


def tick_after(trigger: Trigger, after: Instant) -> Instant:
    """The first tick of a trigger after an instant."""
    return next(ticks(trigger, after))


def ticks(trigger: Trigger, after: Instant) -> Iterator[Instant]:
    """The due instants after an instant: multiples of the period since 1970, or by cron.

    The dialect refuses a cron that never comes.
    """
    if not trigger.cron:
        period_ms = _period_ms(trigger)
        yield from map(Instant, count((after // period_ms + 1) * period_ms, period_ms))
        return
    from zoneinfo import ZoneInfo  # these two are loaded on first use: few flows have a cron

    from cronsim import CronSim

    local = datetime.fromtimestamp(after / 1000, UTC).astimezone(ZoneInfo(trigger.timezone))
    for due in CronSim(trigger.cron, local):
        yield Instant(int(due.timestamp() * 1000))


def missed_ticks(
    trigger: Trigger, after: Instant, until: Instant
) -> tuple[Instant, Instant, int] | None:
    """First, last and number of the ticks in (after, until]; None where there are none.

    A cron's are counted up to `MISSED_MAX`.
    """
    first = tick_after(trigger, after)
    if first > until:
        return None
    if not trigger.cron:
        period_ms = _period_ms(trigger)
        number = (until - first) // period_ms + 1
        return first, Instant(first + (number - 1) * period_ms), number
    found = takewhile(until.__ge__, ticks(trigger, after))
    return first, _last(trigger, first, until), sum(1 for _ in islice(found, MISSED_MAX))


def _last(trigger: Trigger, first: Instant, until: Instant) -> Instant:
    """The last tick of a cron up to an instant, sought from ever longer before it."""
    back_ms = 3_600_000
    while until - back_ms > first:
        found = deque(takewhile(until.__ge__, ticks(trigger, Instant(until - back_ms))), maxlen=1)
        if found:
            return found[0]
        back_ms *= 8
    return max(takewhile(until.__ge__, ticks(trigger, Instant(first - 1))), default=first)


def _period_ms(trigger: Trigger) -> int:
    return max(1, int(trigger.period_s * 1000))
