"""Outside work: programs take it, answer it, or give it back.

A caller that may ask twice, since it lost an answer, names its take.
"""

import asyncio
import secrets
from typing import Final

from floe.host.inputs import GiveBack, Incoming, TakeOldest
from floe.host.opening_inputs import AnswerHeard, HearEvent
from floe.host.takes import taken_before
from floe.hub.attempts.masked_inputs import MaskedInputs
from floe.hub.loop import Busy, Loop
from floe.hub.reads import Reads
from floe.model.call import TakenWork
from floe.model.errors import Conflict, HostAway, NotFound, Removed
from floe.model.ids import Key
from floe.model.nouns import replace
from floe.model.signal import Answered, Failed, Reported
from floe.store.base import RunStore

ONCE: Final = "take:"
"""Begins the idempotency keys of takes, among those of other requests."""


class Outside:
    """What programs outside do with the work that this host offers."""

    def __init__(self, loop: Loop, reads: Reads, store: RunStore, masked: MaskedInputs) -> None:
        self._loop = loop
        self._reads = reads
        self._store = store
        self._masked = masked

    async def take(
        self,
        queue: str,
        labels: frozenset[str] = frozenset(),
        *,
        by: str,
        take: str = "",
        name: str = "",
        is_repeat: bool = False,
    ) -> TakenWork | None:
        """Take the oldest work of a queue that needs only these labels; None if there is none.

        It is on the disk before this returns. `name`: only work of this name. `take`: a second call
        with this name of the take gets the same work, also that of a different host. `is_repeat`:
        the caller knows that it is a second call. Raises Conflict where that take has it no more,
        the work is over, or a repeated take is unknown to this host of a cluster: it gets nothing
        then, ever. Raises HostAway where the host with the work does not answer, Busy, StoreFailed.
        """
        once = f"{ONCE}{take}" if take else ""
        ref = await self._store.row("once", once) if once else None
        named = take or secrets.token_hex(8)
        wanted = TakeOldest(
            queue=queue,
            labels=labels,
            take=named,
            by=by,
            name=name,
            once=once,
            is_repeat=is_repeat and bool(take),
        )
        if ref is None:
            try:
                reply = await self._loop.ask(wanted)
            except asyncio.CancelledError:
                if not take:  # the caller cannot ask for it again
                    self.give_back_nowait(named)
                raise
            if reply.is_void:
                raise Conflict(f"the take {take} is void", "take under a new name")
            if reply.why:
                raise Busy(reply.why, "take it again in a moment")
            if reply.taken or reply.run is None:
                return reply.taken
            ref = reply.run.key
        if found := await self._taken_before(wanted, str(ref)):
            return found
        raise Conflict(f"the take {take} is over: its work has an end, or is offered again")

    async def _taken_before(self, wanted: TakeOldest, run: str) -> TakenWork | None:
        """What a named take has in a run. Raises HostAway, Busy, StoreFailed."""
        try:
            at = await self._reads.find(run)
            if at.host is None:
                return taken_before(await self._reads.run(run), wanted.take)
        except (NotFound, Removed):
            return None
        reply = await self._loop.ask(replace(wanted, run=run, run_at=at.host))
        if reply.why:
            raise HostAway(reply.why, "take it again in a moment", host=at.host)
        return reply.taken

    async def answer(
        self,
        key: str,
        report: Answered | Failed,
        *,
        take: str = "",
        event: HearEvent | None = None,
    ) -> int:
        """Answer work that was taken, once. `take`: the answer counts only while that take has it.

        `event`: the answer is an event too, which is kept in the same transaction; its number in
        the inbox is returned, 0 for none.

        Raises NotFound for an unknown run, Conflict where the work is answered already or is not
        this taker's, Yours where an output holds a secret, Busy, StoreFailed.
        """
        if isinstance(report, Answered):
            self._masked.check_values(report.outputs)
        at = await self._here(key, take)
        signal = Reported(key=at, report=report, at=self._reads.now(), take=take)
        given = AnswerHeard(answer=signal, event=event) if event else signal
        reply = await self._loop.ask(given, run=at.run)
        if reply.why:
            raise Busy(reply.why, "try again in a moment")
        if not reply.changed:
            why = f"the work {at.name} of {at.run} is not open for this answer"
            raise Conflict(why, "it was answered, given back or ended before: see floe why")
        return reply.number

    def give_back_nowait(self, take: str) -> None:
        """Offer work again, wherever it was taken through this process: its taker never got it."""
        self._loop.put(Incoming(input=GiveBack(take=take)))

    async def give_back(self, key: str, take: str) -> bool:
        """Offer work of this host again; False where the take had it no more.

        Raises NotFound for an unknown run, Busy, StoreFailed.
        """
        at = await self._here(key, take)
        reply = await self._loop.ask(GiveBack(take=take, key=str(at)))
        return reply.changed

    async def _here(self, key: str, take: str) -> Key:
        """The key of an attempt under the present epoch of its run, if its take is named: the run
        may have moved. Raises NotFound, IdInvalid."""
        at = Key.parse(key)
        run = await self._reads.run(at.run.key)
        return replace(at, epoch=run.epoch) if take else at
