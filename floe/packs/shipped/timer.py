"""The pack `Ticker`: events at equal times, or by cron; one a minute, as flyte's own pack.

An event names the time at which it was due. While the server is away the pack tries again until the
next one is due; what was missed is a number in the next event, not a flood of old ones.
"""

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from floe.packs.pack import Pack
from floe.packs.shipped.configuration import WrongSetting, configured, start
from floe.packs.shipped.due import Cron, Every, WrongTime, cron, every
from floe.packs.wire import NotSent

LOG: Final = logging.getLogger("floe.packs")

LOOK_S: Final = 30.0
"""The longest sleep: the clock may be set, and the machine may sleep."""
AGAIN_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
AHEAD: Final = timedelta(hours=1)
"""A last time so far in the future was that of a wrong clock."""
COUNTED: Final = timedelta(days=1)
"""How far back missed events are counted."""


@dataclass(frozen=True)
class Timer:
    """A timer: one of `every` and `cron`."""

    every: str = ""
    cron: str = ""
    zone: str = "UTC"
    event: str = "Tick"
    """The name of its event."""


@dataclass(frozen=True)
class TimerSettings:
    """Settings of the pack, by TIMER_CONFIG; one of them by variables."""

    every: str = ""
    """The time between events, without a file: `1m` is that of flyte's own pack."""
    timers: dict[str, Timer] = field(default_factory=dict)
    state: str = ""
    """A file for the time of the last events, so that a restart counts what it missed."""


def timer_pack(environment: Mapping[str, str] = os.environ) -> Pack:
    """The pack, with the settings of an environment. Raises WrongSetting."""
    settings = configured(TimerSettings, "TIMER", environment)
    timers = dict(settings.timers)
    if settings.every or not timers:
        timers["minute" if not settings.every else "every"] = Timer(every=settings.every or "1m")
    plans = {name: _plan(name, timer) for name, timer in timers.items()}
    names = list(dict.fromkeys(timer.event for timer in timers.values()))
    pack = Pack(environment.get("PACK_NAME", "") or "Ticker", events=names)
    kept = KeptTimes(settings.state)

    @pack.background
    async def tick() -> None:
        async with asyncio.TaskGroup() as group:
            for name, plan in plans.items():
                group.create_task(_send_all(pack, name, timers[name].event, plan, kept))

    return pack


def main() -> None:
    """Run the pack until it is stopped."""
    start(timer_pack)


def due_after(plan: Every | Cron, last: datetime, now: datetime) -> tuple[datetime, int]:
    """The newest time that is due, or else the next one, and how many before it were missed."""
    due, missed = plan.after(max(last, now - COUNTED)), 0
    while (following := plan.after(due)) <= now:
        due, missed = following, missed + 1
    return due, missed


async def _send_all(
    pack: Pack, name: str, event: str, plan: Every | Cron, kept: "KeptTimes"
) -> None:
    """Send the events of one timer, permanently."""
    last = kept.last(name) or datetime.now(UTC)
    while True:
        now = datetime.now(UTC)
        if last > now + AHEAD:
            last = now
        due, missed = due_after(plan, last, now)
        if due > now:
            await asyncio.sleep(min((due - now).total_seconds(), LOOK_S))
            continue
        time = due.isoformat().replace("+00:00", "Z")
        payload = {"time": time, "timer": name, "missed": missed}
        if await _is_sent(pack, event, payload, plan.after(due)):
            last = due
            kept.keep(name, due)


async def _is_sent(pack: Pack, event: str, payload: dict[str, Any], following: datetime) -> bool:
    """Send an event; false if the next one is due before the server has it."""
    number = 0
    while True:
        left = (following - datetime.now(UTC)).total_seconds()
        try:
            async with asyncio.timeout(max(0.0, left)):  # it waits for the registration too
                await pack.send(event, payload)
            return True
        except (NotSent, TimeoutError) as error:
            pause_s = AGAIN_S[min(number, len(AGAIN_S) - 1)]
            LOG.warning("the event of %s: %s", payload["timer"], str(error) or "the server is away")
        number += 1
        if left <= pause_s:
            await asyncio.sleep(max(0.0, left))
            return False
        await asyncio.sleep(pause_s)


class KeptTimes:
    """The time of the last event of each timer, in a file if there is one."""

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._times: dict[str, str] = {}
        if self._path is not None and self._path.exists():
            with suppress(ValueError):  # a file that is none counts nothing as missed
                found = json.loads(self._path.read_text())
                self._times = found if isinstance(found, dict) else {}

    def last(self, name: str) -> datetime | None:
        """The time of the last event of a timer, if it is known."""
        try:
            found = datetime.fromisoformat(self._times[name])
        except (KeyError, ValueError, TypeError):
            return None
        return found if found.tzinfo is not None else None

    def keep(self, name: str, due: datetime) -> None:
        """Keep a time."""
        self._times[name] = due.isoformat()
        if self._path is None:
            return
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            part.write_text(json.dumps(self._times))
            part.replace(self._path)
        except OSError as error:
            LOG.warning("the times of the timers are not kept: %s", error)


def _plan(name: str, timer: Timer) -> Every | Cron:
    if bool(timer.every) == bool(timer.cron):
        raise WrongSetting(f"TIMER_CONFIG: timers.{name} needs one of every and cron")
    try:
        return every(timer.every) if timer.every else cron(timer.cron, timer.zone)
    except WrongTime as error:
        raise WrongSetting(f"TIMER_CONFIG: timers.{name}: {error}") from error


if __name__ == "__main__":
    main()
