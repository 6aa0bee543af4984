"""When the ticks of a timer are due. No clock."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from floe.model.flow import Trigger
from floe.model.refs import Instant

MISSED_MAX: Final = 100_000
"""Missed ticks are counted up to this."""


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
