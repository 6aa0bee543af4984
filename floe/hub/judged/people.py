"""What people do to runs of judged flows at this host, and what is judged before a run exists."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from floe.evaluators.base import EvaluatorFailed, Evaluators
from floe.host.inputs import Mark, Prune
from floe.host.removal import LATE
from floe.hub.attempts.masked_inputs import MaskedInputs
from floe.hub.ended.pruning import Pruning
from floe.hub.loop import Loop
from floe.hub.reads import Reads
from floe.kernel.judged.limits import NOTE_BYTES_MAX
from floe.model.codec import to_text
from floe.model.errors import Conflict
from floe.model.ids import Json, RunRef
from floe.model.judging import RunNoted, Update
from floe.model.passes import BeginPass, Extend
from floe.model.people import AddNote, Edit, EndRun, Pause, Resolve, Restart
from floe.model.run import Pruned, Run
from floe.store.base import LedgerWrite, RunStore

PersonSignal = Resolve | Restart | Edit | AddNote | EndRun | Pause | BeginPass | Extend | Update


LATE_MAX: Final = 1000
"""Notes of one run that is over."""


class People:
    """The acts of people on runs whose log is here."""

    def __init__(
        self,
        loop: Loop,
        store: RunStore,
        reads: Reads,
        masked: MaskedInputs,
        pruning: Pruning,
        evaluators: Evaluators | None,
    ) -> None:
        self._loop = loop
        self._store = store
        self._reads = reads
        self._masked = masked
        self._pruning = pruning
        self._evaluators = evaluators
        self._noting = asyncio.Lock()
        """One change of late notes at a time."""

    async def act(self, run: RunRef, signal: PersonSignal, *, once: str = "") -> None:
        """Do something to a run; it is on the disk when this returns.

        Raises Conflict, with the reason, where it is refused; Yours where a value holds a secret;
        Busy, StoreFailed.
        """
        self._masked.check_values(_values_of(signal))
        reply = await self._loop.ask(signal, run=run, once=once)
        if not reply.changed:
            raise Conflict(reply.why or "the run did not change")

    async def note(self, run: RunRef, note: AddNote) -> None:
        """Add to the record of a run, also of one that is over: a row beside its log has that.

        Raises as `act`, and NotFound.
        """
        row = await self._reads.summary(run)
        if row.state != "archive":
            await self.act(run, note)
            return
        self._masked.check_values(_values_of(note))
        async with self._noting:
            late = [*(await self._late(run))]
            size = len(to_text([note.kind, note.key, note.value]).encode())
            if len(late) >= LATE_MAX or size > NOTE_BYTES_MAX:
                what = f"{LATE_MAX:,} notes of at most {NOTE_BYTES_MAX:,} bytes"
                raise Conflict(f"a run that is over takes {what}")
            at: Json = int(self._reads.now())
            late.append([at, note.by, note.kind, note.key, note.value])
            await self._loop.ask(Mark(rows=(LedgerWrite(kind=LATE, key=run.key, value=late),)))

    async def notes(self, run: Run) -> Sequence[RunNoted]:
        """All that was added to the record of a run, in order."""
        assert run.passes is not None, "its flow is judged"
        late = await self._late(run.ref) if run.phase in ("ended", "packed") else ()
        return (
            *run.passes.notes,
            *(
                RunNoted(at=at, by=by, kind=kind, key=key, value=value)
                for at, by, kind, key, value in cast(Sequence[Any], late)
            ),
        )

    async def _late(self, run: RunRef) -> Sequence[Json]:
        found = await self._store.row(LATE, run.key)
        return found if isinstance(found, list) else ()

    async def judge_text(self, dialect: str, kind: str, body: Json) -> Json:
        """Have an evaluator of a dialect judge what belongs to no run yet. Raises World."""
        if self._evaluators is None:
            raise EvaluatorFailed("this host has no evaluators")
        return await self._evaluators.judge_text(dialect, kind, body)

    async def remove(self, run: RunRef, why: str) -> None:
        """Remove a run that is over, with its log. `why` is the end of a sentence.

        Raises Conflict where it must stay yet, NotFound, Busy, StoreFailed.
        """
        row = await self._reads.summary(run)
        if row.state != "archive":
            raise Conflict(f"{row.id} is not over")
        now = self._reads.now()
        one = Pruned(key=row.key, flow=row.flow, at=now, why=why, epoch=row.epoch)
        async with self._pruning.one:
            reply = await self._loop.ask(Prune(runs=(one,)))
            if row.key not in reply.removed:
                raise Conflict(f"{row.id} has work of this host left", "try again in a moment")
            await self._pruning.delete({row.key: row.flow})


def _values_of(signal: PersonSignal) -> Mapping[str, Json]:
    match signal:
        case Resolve(values=values) | Restart(values=values):
            return values
        case Edit(values=values):
            return values or {}
        case AddNote(value=value) | Update(value=value):
            return {"value": value}
        case _:
            return {}
