"""Sends the notices that ended runs owe, and tries again until each is sent or given up.

A notice is sent at least once: a crash between the sending and its record repeats it, with the
same id. `host.notices` decides which notices are owed, and when each is tried.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Final

import structlog

from floe.expr.masking import Masks
from floe.host.inputs import Incoming, Mark
from floe.host.run_notices import (
    EARLIER_MAX,
    NOTICES,
    NOTIFIED,
    after_try,
    failed_output,
    is_recovery,
    message_of,
    notice_rows,
    without_unwanted,
)
from floe.hub.attempts.attempt_outputs import last_lines
from floe.hub.clock import Clock, Timers
from floe.hub.history import History
from floe.model.codec import decode
from floe.model.errors import ArchiveAway, FloeError
from floe.model.ids import Instant, Key, RunRef
from floe.model.notice import NoticeMessage, OwedNotice, OwedNotices
from floe.model.run import Run
from floe.model.summary import Summary
from floe.nodes.base import NoticeRefused, Notifier
from floe.places import Places
from floe.store.base import LedgerWrite, RunQuery, RunStore

log = structlog.get_logger()

AT_ONCE_MAX: Final = 4
"""Runs whose notices are being sent at once."""


AGAIN_S: Final = 60
"""Seconds before notices are tried again for which the store could not be read."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Notices:
    """Sends the notices that runs owe, at the host where they ended."""

    notifier: Notifier
    store: RunStore
    history: History
    clock: Clock
    output: Callable[[Run, Key], Awaitable[Path]]
    """The file with the output of an attempt."""
    places: Places
    spawn: Callable[[Coroutine[object, object, None]], None]
    put: Callable[[Incoming], None]
    masks: Callable[[], Masks]
    """Of secrets in outputs, and in what a server answered."""
    named: Callable[[RunRef], str]
    """The name of a run for people."""
    public_url: str
    """Of the dashboard, without a slash at the end."""
    timers: Timers = field(init=False)
    _owed: dict[str, OwedNotices] = field(init=False, default_factory=dict)
    _places: asyncio.Semaphore = field(
        init=False, default_factory=lambda: asyncio.Semaphore(AT_ONCE_MAX)
    )

    def __post_init__(self) -> None:
        self.timers = Timers(self.clock, self._fire)

    async def open(self) -> None:
        """Send the notices that were owed before this start."""
        for key, shape in (await self.store.ledger(NOTICES)).items():
            self.take(LedgerWrite(kind=NOTICES, key=key, value=shape))

    def take(self, row: LedgerWrite) -> None:
        """Send the notices in the entry of a run that has just ended."""
        assert isinstance(row.value, Mapping), "the entry of a run that owes notices"
        self._owed[row.key] = notices = decode(OwedNotices, row.value)
        self._arm(row.key, _next_due(notices))

    async def of(self, ref: RunRef) -> OwedNotices | None:
        """The notices of a run that has ended here; None for none."""
        if owed := self._owed.get(ref.key):
            return owed
        for kind in (
            NOTICES,
            NOTIFIED,
        ):  # what was sent just now is in the first until it is stored
            shape = await self.store.row(kind, ref.key)
            if isinstance(shape, Mapping):
                return decode(OwedNotices, shape)
        return None

    def close(self) -> None:
        """Send nothing more. Idempotent."""
        self.timers.close()

    def _arm(self, key: str, due: Instant | None) -> None:
        if due is not None and due <= self.clock.now():
            self._fire(key)
        elif due is not None:
            self.timers.set(key, due)

    def _fire(self, key: Hashable) -> None:
        self.spawn(self._send_due(str(key)))

    async def _send_due(self, key: str) -> None:
        async with self._places:
            try:
                await self._send_all(key)
            except FloeError as error:  # the store cannot be read now
                log.warning("notice.not_read", run=key, error=str(error))
                self.timers.set(key, Instant(self.clock.now() + AGAIN_S * 1000))
                return
        self._arm(key, _next_due(self._owed.get(key, _NONE)))

    async def _send_all(self, key: str) -> None:
        """Try every notice of a run that is due."""
        row = await self.store.find(RunRef.parse(key))
        if row is None or row.result is None:  # the run was removed
            self._keep(key, _NONE)
            return
        recovered = row.result == "good" and is_recovery(row, await self._ended(row))
        self._keep(key, without_unwanted(self._owed[key], row, recovered=recovered))
        due = [n for n, owed in enumerate(self._owed.get(key, _NONE).notices) if self._is_due(owed)]
        if not due:
            return
        run = await self.history.run(RunRef.parse(key))
        if run is None:
            self._keep(key, _NONE)
            return
        lines, name = await self._lines(run), self.named(run.ref)
        for number in due:
            owed = self._owed[key].notices[number]
            message = message_of(
                run,
                row,
                owed.notice,
                number=number,
                name=name,
                link=f"{self.public_url}/app/dash/runs/{name}",
                recovered=recovered,
                lines=lines,
            )
            await self._send(key, number, owed, message)

    def _is_due(self, owed: OwedNotice) -> bool:
        return owed.state == "owed" and (owed.due is None or owed.due <= self.clock.now())

    async def _ended(self, row: Summary) -> Sequence[Summary]:
        query = RunQuery(flow=row.flow, states=frozenset({"archive"}), limit=EARLIER_MAX)
        return (await self.store.runs(query)).runs

    async def _send(self, key: str, number: int, owed: OwedNotice, message: NoticeMessage) -> None:
        """Try one notice, and record the result."""
        why, is_final = "", False
        try:
            await self.notifier.send(owed.notice, message)
        except NoticeRefused as error:
            why, is_final = self.masks().text(str(error)), error.is_final  # a server may quote one
        except Exception as error:  # the executor's border: no notice stops a host
            log.exception("notice.broken", run=message.run, to=owed.notice.place)
            why, is_final = f"{type(error).__name__}", True
        now = self.clock.now()
        after = after_try(self._owed[key], number, now, why=why, is_final=is_final)
        one = after.notices[number]
        facts = {"run": message.run, "to": owed.notice.place, "tries": one.tries}
        if one.state == "sent":
            log.info("notice.sent", **facts)
        elif one.state == "failed":
            log.warning("notice.given_up", **facts, why=why)
        else:
            log.warning("notice.failed", **facts, why=why)
        self._keep(key, after)

    def _keep(self, key: str, notices: OwedNotices) -> None:
        if notices.is_open:
            if self._owed.get(key) == notices:
                return
            self._owed[key] = notices
        else:
            self._owed.pop(key, None)
        self.put(Incoming(input=Mark(rows=notice_rows(key, notices), promise=False)))

    async def _lines(self, run: Run) -> tuple[str, ...]:
        key = None if run.sealed else failed_output(run)
        if key is None:
            return ()
        try:
            path = await self.output(run, key)
            return await self.places.read(path, last_lines, path, self.masks())
        except (OSError, ArchiveAway) as error:
            log.info("notice.no_output", run=str(run.ref), error=str(error))
            return ()


_NONE: Final = OwedNotices(ended_at=Instant(0), notices=())


def _next_due(notices: OwedNotices) -> Instant | None:
    """When the next try is due; None if nothing is owed, or something is at once."""
    dues = [one.due or Instant(0) for one in notices.notices if one.state == "owed"]
    return min(dues, default=None)
