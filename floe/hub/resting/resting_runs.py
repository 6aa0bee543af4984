"""Lets runs that only wait leave memory, and reads them again before a step that needs them.

Those that changed last stay, since the next input of a run often follows soon.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import structlog

from floe.host.asleep import Sleeper, may_stay_asleep, waits_outside
from floe.host.core import HostCore
from floe.host.inputs import Incoming, TakeOldest
from floe.hub.clock import Clock, Timers
from floe.hub.history import History
from floe.kernel.judged.owed import timers_at_rest
from floe.kernel.owed import WHOLE, longest_of_flow_s
from floe.model.effect import SetTimer
from floe.model.errors import KeyMissing
from floe.model.ids import Key, RunRef
from floe.model.run import Run
from floe.model.summary import Summary
from floe.store.sealing import HostSeals

log = structlog.get_logger()

AWAKE_MAX: Final = 256
"""Runs at rest that stay in memory."""

OPEN_MAX: Final = 2_048
"""Runs that stay in memory while they wait for outside work alone."""


class RestingRuns:
    """The runs at rest of a host at work."""

    def __init__(self, core: HostCore, history: History, seals: HostSeals) -> None:
        self._core = core
        self._history = history
        self._seals = seals
        self._awake: dict[RunRef, None] = {}
        """Those that came to rest, or were woken, while this process runs; the oldest first."""
        self._open: dict[RunRef, None] = {}
        """The same of those that wait for outside work alone."""
        self._rows: list[Summary] = []
        """Of those that are asleep since the start, until their timers are set."""

    def __len__(self) -> int:
        return len(self._core.table.runs.asleep)

    async def unfinished(self) -> list[Run]:
        """At a start: all runs that may owe something, but for those at rest. Raises FloeError."""
        return await self._history.unfinished(self._stays_asleep)

    def set_timers(self, timers: Timers, clock: Clock) -> None:
        """At a start: set the timers of the runs that are asleep."""
        for row in self._rows:
            ref = RunRef.parse(row.key)
            flow = self._core.table.runs.asleep[ref].flow
            key = Key(ref, row.epoch, WHOLE, 0, 0)
            assert row.started_at is not None, "it was opened"
            for timer in timers_at_rest(key, flow, row.started_at, row.due):
                assert isinstance(timer, SetTimer)
                longest_ms = round(longest_of_flow_s(flow, timer) * 1000)
                timers.set(timer, clock.due(timer.due, longest_ms))
        self._rows.clear()

    async def prepare(self, inputs: Sequence[Incoming]) -> None:
        """Before a step: wake the runs that its inputs are about. Raises StoreFailed."""
        asleep = self._core.table.runs.asleep
        if asleep:
            wanted = (*(one.run for one in inputs), *self._takeable(inputs))
            for ref in dict.fromkeys(ref for ref in wanted if ref in asleep):
                assert ref is not None, "it is asleep"
                await self.wake(ref)

    def _takeable(self, inputs: Sequence[Incoming]) -> Iterator[RunRef]:
        """The runs whose work the takes among some inputs will get."""
        takes = [one.input for one in inputs if isinstance(one.input, TakeOldest)]
        for (queue, labels, name), count in Counter(
            (take.queue, take.labels, take.name) for take in takes
        ).items():
            offers = self._core.table.offers.fitting(queue, labels, name)
            yield from (offer.key.run for offer in islice(offers, count))

    async def wake(self, ref: RunRef) -> None:
        """Read a run that is asleep. Raises StoreFailed."""
        try:
            run = await self._history.folded(ref)
        except KeyMissing as error:
            self._history.unreadable[ref] = str(error)
            log.warning("run.no_key", run=ref.key, why=str(error))
            run = None
        self._core.wake(ref, run)
        self._note([ref])

    def stored(self, changed: Iterable[RunRef]) -> None:
        """After a step: let those leave memory that changed longest ago."""
        self._note(changed)
        for waiting, most in ((self._awake, AWAKE_MAX), (self._open, OPEN_MAX)):
            while len(waiting) > most:
                ref = next(iter(waiting))
                del waiting[ref]
                self._core.let_sleep(ref)

    def _note(self, changed: Iterable[RunRef]) -> None:
        runs = self._core.table.runs.awake
        for ref in changed:
            self._awake.pop(ref, None)
            self._open.pop(ref, None)
            if (run := runs.get(ref)) is None or run.passes is None:
                continue
            if run.phase == "resting":
                self._awake[ref] = None
            elif waits_outside(run):
                self._open[ref] = None

    async def _stays_asleep(self, row: Summary) -> bool:
        """Whether a run at rest needs no reading at a start, by its row."""
        if row.phase != "resting" or not self._is_readable(row.key):
            return False
        flow = await self._history.flow(row.digest)
        if flow is None or not may_stay_asleep(row, flow, self._core.site.store):
            return False
        self._core.table.runs.put_asleep(RunRef.parse(row.key), Sleeper(flow, row.digest))
        self._rows.append(row)
        return True

    def _is_readable(self, key: str) -> bool:
        """Whether a run is not sealed, or this host has the key that wraps its key."""
        sealed = self._seals.row(RunRef.parse(key))
        return not sealed or sealed.partition(" ")[0] in self._seals.known
