"""Runs folded from their logs in the store, with their flows. Changes nothing."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import structlog

from floe.kernel.evolve import fold
from floe.model.codec import decode
from floe.model.errors import FloeError, KeyMissing, Lost
from floe.model.flow import Flow
from floe.model.ids import FlowId, HostId, RunRef
from floe.model.nouns import replace
from floe.model.run import Run
from floe.model.summary import Summary
from floe.store.archive import PackedRun
from floe.store.base import RunQuery, RunStore, Stored

log = structlog.get_logger()

PAGE: Final = 500

FLOWS_MAX: Final = 500
"""Compiled flows kept decoded."""

PACKED_MAX: Final = 512
"""Archived runs kept folded, since one page of a run reads it many times, and a list of the newest
is read again and again."""

PACKED_EVENTS: Final = 20_000
"""The events of these runs together: some 20 MB."""


class FoundRun(NamedTuple):
    """What reads find by the name that a caller gave: a run, and the place of its log."""

    ref: RunRef
    row: Summary | None = None
    """Its row in the lists, where other hosts' logs matter."""
    host: HostId | None = None
    """The host that has the log; None for this one."""
    lost: Lost | None = None
    """The loss of the log with a host that was forgotten."""


class History:
    """Reads runs from a store."""

    def __init__(self, store: RunStore, declared: Callable[[FlowId, int], Flow | None]) -> None:
        """`declared` is the flow of the config, for runs whose flow-file is not read yet."""
        self._store = store
        self._declared = declared
        self._flows: dict[str, Flow] = {}
        self._packed: dict[RunRef, Run] = {}
        self._packed_events = 0
        self._borrowed: dict[RunRef, PackedRun] = {}
        """Ended runs of other hosts, as they are in the archive."""
        self._removals = 0
        self.unreadable: dict[RunRef, str] = {}
        """Unfinished runs that are sealed and whose keys are missing, and why. They may go on."""

    async def run(self, ref: RunRef) -> Run | None:
        """A run as it is; None for none."""
        if known := self._packed.get(ref):
            return known
        removals = self._removals
        run = await self.folded(ref)
        if run is not None and removals == self._removals:
            self._keep(run)
        return run

    async def read_together(self, refs: Iterable[RunRef]) -> None:
        """Read runs, if they are archived, so that `run` has them at once."""
        lacking = [ref for ref in refs if ref not in self._packed and ref not in self._borrowed]
        removals = self._removals
        with suppress(FloeError):  # `run` says of which run it is
            for ref, events in zip(lacking, await self._store.histories(lacking), strict=True):
                if events:
                    run = await self._folded(ref, events)
                    if removals == self._removals:
                        self._keep(run)

    def _keep(self, run: Run) -> None:
        """Keep an archived run that was not removed meanwhile: its log is closed."""
        if run.phase != "packed" or run.seq > PACKED_EVENTS or run.ref in self._packed:
            return
        self._packed[run.ref] = run
        self._packed_events += run.seq
        while len(self._packed) > PACKED_MAX or self._packed_events > PACKED_EVENTS:
            self._forget(next(iter(self._packed)))

    def _forget(self, ref: RunRef) -> None:
        if run := self._packed.pop(ref, None):
            self._packed_events -= run.seq

    def removed(self, refs: Collection[RunRef]) -> None:
        """Runs were removed from the store."""
        self._removals += 1
        for ref in refs:
            self._forget(ref)
            self._borrowed.pop(ref, None)

    def is_borrowed(self, ref: RunRef) -> bool:
        """Whether a run of a different host is known from the archive."""
        return ref in self._borrowed

    def borrow(self, packed: PackedRun) -> None:
        """Know a run of a different host from the archive: its log is closed."""
        self._borrowed[packed.ref] = packed
        if len(self._borrowed) > PACKED_MAX:
            del self._borrowed[next(iter(self._borrowed))]

    async def events(self, ref: RunRef, after: int = 0, limit: int = 0) -> Sequence[Stored]:
        """The events of a run after a sequence number; `limit` 0 for all."""
        if packed := self._borrowed.get(ref):
            found = [Stored(pos=0, record=one) for one in packed.records if one.seq > after]
            return found[: limit or None]
        return await self._store.history(ref, after, limit)

    async def folded(self, ref: RunRef, until: int = 0) -> Run | None:
        """A run as it was after a sequence number (0: as it is); None for none.

        Raises KeyMissing for a sealed run whose key is missing.
        """
        events = await self.events(ref, 0, until)
        return await self._folded(ref, events) if events else None

    async def _folded(self, ref: RunRef, events: Sequence[Stored]) -> Run:
        run = fold(ref, (stored.record.event for stored in events))
        return replace(run, flow=await self._flow(run))

    async def unfinished(
        self, stays_asleep: Callable[[Summary], Awaitable[bool]] | None = None
    ) -> list[Run]:
        """All runs that may owe something, oldest first, but for those that stay asleep."""
        keys = list(await self._store.ledger("unpacked"))
        query = RunQuery(states=frozenset({"pending", "active"}), limit=PAGE)
        while True:
            page = await self._store.runs(query)
            keys += [
                row.key for row in page.runs if stays_asleep is None or not await stays_asleep(row)
            ]
            if not page.next:
                break
            query = replace(query, cursor=page.next)
        refs = [RunRef.parse(key) for key in dict.fromkeys(keys)]
        runs: list[Run] = []
        for ref in refs:
            try:
                if run := await self.folded(ref):
                    runs.append(run)
            except KeyMissing as error:
                self.unreadable[ref] = str(error)
                log.warning("run.no_key", run=ref.key, why=str(error))
        return sorted(runs, key=lambda run: (run.pended_at, run.ref.serial))

    async def is_readable(self, ref: RunRef) -> bool:
        """Whether a run that could not be read can be read now, or is gone."""
        try:
            await self.folded(ref)
        except KeyMissing as error:
            self.unreadable[ref] = str(error)
            return False
        return True

    async def read_again(self, ref: RunRef) -> tuple[Run | None, Sequence[Stored]]:
        """A run as it is, and its events if `adopted` returns them. Raises KeyMissing."""
        run = await self.folded(ref)
        logs = await self.adopted([run]) if run else ()
        self.unreadable.pop(ref, None)
        return run, logs

    async def adopted(self, runs: Sequence[Run]) -> list[Stored]:
        """The events, in order, of runs adopted here that may have to be offered to other hosts."""
        own = self._store.store_id
        facts: list[Stored] = []
        for run in runs:
            if run.ref.store == own and (run.state == "pending" or run.store != own):
                facts += await self._store.history(run.ref)
        return facts

    async def _flow(self, run: Run) -> Flow | None:
        if (packed := self._borrowed.get(run.ref)) and packed.flow is not None:
            return decode(Flow, packed.flow)
        if run.digest is None:
            return self._declared(run.flow_id, run.ver)
        return await self.flow(run.digest)

    async def flow(self, digest: str) -> Flow | None:
        """A stored flow; None for none."""
        if digest not in self._flows:
            shape = await self._store.row("flow", digest)
            if not isinstance(shape, Mapping):
                return None
            if len(self._flows) >= FLOWS_MAX:
                self._flows.clear()
            self._flows[digest] = decode(Flow, shape)
        return self._flows[digest]

    def check(self, ref: RunRef) -> None:
        """Raise KeyMissing for an unfinished run that cannot be read now."""
        if why := self.unreadable.get(ref):
            raise KeyMissing(why, "the run goes on once the key is back")
