"""Removes ended runs and workspaces that the config does not keep, a few at a time.

The rule is `host/retention`. A run is removed in the store first, with a note of its files in the
same transaction; the files go after that, and the note last. So a crash at any point leaves either
the run or the note, and the next start continues.
"""

import asyncio
import shutil
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from floe.host.inputs import Incoming, Mark, Prune
from floe.host.peers.whereabouts import pen_of
from floe.host.removal import SWEEP, is_removed_here, repeated_in
from floe.host.retention import (
    BATCH,
    EVENT_BYTES,
    EndedRun,
    Expiry,
    Retention,
    RetentionRemovals,
    Wanted,
    batches,
)
from floe.host.run_notices import NOTICES
from floe.hub.clock import Clock
from floe.hub.ended.archiving import Archiving
from floe.hub.flows import Flows
from floe.hub.loop import Busy, Loop
from floe.hub.parts import Parts
from floe.model.errors import FloeError, World
from floe.model.host import DiskUse
from floe.model.ids import FlowId, address_key, ref_of
from floe.model.summary import Summary
from floe.nodes.base import Space, Spaces
from floe.store.base import LedgerWrite, RunQuery, RunStore

log = structlog.get_logger()

START_S: Final = 10.0
"""Seconds after a start before the first look."""

EVERY_S: Final = 60.0
"""Seconds between two looks, at least."""

REST: Final = 50
"""The rest after a look, in its own duration: a look takes at most 2 % of the time."""

IDLE_S: Final = 3_600.0
"""Seconds after which a look is taken although nothing was recorded: runs grow old."""

PAGE: Final = 200
"""Rows read at once."""

PAGE_NAP_S: Final = 0.01
"""Seconds between two pages, in which other readers get the store."""

BATCH_REST: Final = 4
"""The rest after a batch, in the duration of its transaction: others get most of the store's
time."""

BUSY_S: Final = 1.0
"""Seconds for which a batch waits for an empty inbox; then it is taken anyway, since a host that is
always busy must not fill its disk."""

ASKED_S: Final = 10.0
"""Seconds for which a request waits until everything is removed."""


class Pruning:
    """Looks for what is not kept any more, and removes it."""

    def __init__(
        self,
        parts: Parts,
        store: RunStore,
        loop: Loop,
        flows: Flows,
        clock: Clock,
        forgotten: Callable[[], Collection[str]],
        archiving: Archiving | None = None,
    ) -> None:
        """`forgotten` are the stores that were forgotten, as `h2@k3f9`."""
        self._parts = parts
        self._store = store
        self._loop = loop
        self._flows = flows
        self._clock = clock
        self._forgotten = forgotten
        self._archiving = archiving
        self.one = asyncio.Lock()  # removes, or looks what to remove
        self._asked: deque[tuple[Wanted, asyncio.Event]] = deque()
        self._wake = asyncio.Event()
        self._looked_at = (0, 0.0)
        self.removed = 0  # runs, since the start
        self.use: DiskUse | None = None  # what the host's files take; None until it was measured

    async def watch(self) -> None:
        """Remove what the config does not keep, until cancelled."""
        await self._pause(START_S)
        while True:
            began = time.monotonic()
            try:
                await self._sweep()
                while self._asked:
                    wanted, done = self._asked.popleft()
                    await self.prune(wanted)
                    done.set()
                if await self._may_find():
                    await self.prune(Wanted())
            except Busy:
                pass  # the next look finds it
            except (FloeError, OSError) as error:
                log.warning("prune.failed", error=str(error))
            await self._pause(max(EVERY_S, REST * (time.monotonic() - began)))

    async def ask(self, wanted: Wanted) -> bool:
        """Have something removed soon; return whether that was done in the next seconds."""
        done = asyncio.Event()
        self._asked.append((wanted, done))
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(ASKED_S):
                await done.wait()
        return done.is_set()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    async def prune(self, wanted: Wanted, *, dry_run: bool = False) -> RetentionRemovals:
        """Remove what is not kept, or only look. Raises FloeError, OSError."""
        async with self.one:
            found = await self._look(wanted, dry_run=dry_run)
        if not dry_run and (found.runs or found.workspaces):
            log.info("runs.pruned", runs=found.runs, workspaces=found.workspaces, bytes=found.bytes)
        return found

    async def _may_find(self) -> bool:
        """Whether anything was recorded since the last look, or that was long ago."""
        now, (head, at) = time.monotonic(), self._looked_at
        if (newest := await self._store.head()) == head and now - at < IDLE_S:
            return False
        self._looked_at = newest, now
        return True

    async def _look(self, wanted: Wanted, *, dry_run: bool) -> RetentionRemovals:
        found, parts = RetentionRemovals(), self._parts
        flows = {f.id: f.keep for f in sorted(self._flows.book.flows, key=lambda f: f.ver)}
        rule = wanted.rule(self._clock.now(), parts.keep, flows, parts.keep_shares)
        spaces = await self._spaces()
        query = RunQuery(flow=wanted.flow, limit=PAGE)
        digests, outputs = set[str](), 0
        while True:
            page = await self._store.runs(query)
            digests |= {row.digest for row in page.runs}
            owed = await self._store.ledger(NOTICES)
            ended = [row for row in page.runs if row.key not in owed and self._is_ours(row)]
            outputs += sum(row.output_bytes for row in ended)
            judged = await self._judge(rule, ended, spaces)
            for run, verdict in judged:
                found.add(run, verdict)
            if not dry_run:
                await self._remove([(r, v.run) for r, v in judged if v.run])
                await self._drop([Space(r.flow, r.key) for r, v in judged if not v.run])
            if not page.next:
                break
            query = replace(query, cursor=page.next)
            await asyncio.sleep(PAGE_NAP_S)
        if not dry_run and wanted.flow is None:
            await self._drop_flows(digests)
            self.use = DiskUse(
                at=self._clock.now(),
                workspaces=sum(spaces.values()),
                outputs=self._unfinished_bytes()
                + (self._archiving.copies.bytes() if self._archiving else outputs),
                store=await self._store.size(),
            )
        return found

    async def _judge(
        self, rule: Retention, rows: Sequence[Summary], spaces: Mapping[Space, int]
    ) -> list[tuple[EndedRun, Expiry]]:
        """The runs of which something goes."""
        if not rows:
            return []
        shown = await self._store.repeated([row.key for row in rows])
        moving, forgotten = repeated_in(self._loop.core.table), self._forgotten()
        runs = [
            EndedRun(
                key=row.key,
                flow=row.flow,
                result=row.result,
                ended_at=row.ended_at or row.pended_at,
                epoch=row.epoch,
                events=row.seq,
                bytes=row.output_bytes + row.seq * EVENT_BYTES,
                space_bytes=spaces.get(Space(row.flow, row.key)),
                is_shown=row.key in shown,
                is_lost=pen_of(row) in forgotten,
                is_moving=row.key in moving,
                is_sealed=self._parts.seals.has(row.key),
            )
            for row in rows
        ]
        return [(run, verdict) for run in runs if any(verdict := rule.judge(run))]

    def _is_ours(self, row: Summary) -> bool:
        """Whether a run has ended, and this host is the one to remove it."""
        own = address_key(self._parts.host.id, self._store.store_id)
        is_alone = self._parts.peers is None
        return is_removed_here(row, own, self._forgotten(), is_alone=is_alone)

    async def _remove(self, runs: Sequence[tuple[EndedRun, str]]) -> None:
        for some in batches(runs):
            await self._wait_quiet()
            began, now = time.monotonic(), self._clock.now()
            own = tuple(run.removed(now, why) for run, why in some if not run.is_lost)
            lost = tuple(run.removed(now, why) for run, why in some if run.is_lost)
            reply = await self._loop.ask(Prune(runs=own, lost=lost))
            took_s = time.monotonic() - began
            self.removed += len(reply.removed)
            await self.delete({p.key: p.flow for p in (*own, *lost) if p.key in reply.removed})
            await asyncio.sleep(BATCH_REST * took_s)

    async def _wait_quiet(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(BUSY_S):
                await self._loop.wait_idle()

    async def _sweep(self) -> None:
        """Delete the files of removed runs that an earlier process left."""
        rows = await self._store.ledger(SWEEP)
        left = self._archiving.without_refused(rows) if self._archiving else [*rows]
        for start in range(0, len(left), BATCH):
            batch = left[start : start + BATCH]
            if not await self.delete({key: FlowId(str(rows[key])) for key in batch}):
                break

    async def delete(self, runs: Mapping[str, FlowId]) -> bool:
        """Delete the files of removed runs, then the notes of them; False if the bucket is away."""
        assert None not in map(ref_of, runs), "the name of a folder is the key of a run"
        outputs = self._parts.attempts.root / "runs"
        await self._parts.places.read(outputs, _delete_outputs, [outputs / key for key in runs])
        await self._drop([Space(flow, key) for key, flow in runs.items()])
        done = await self._archiving.remove([*runs]) if self._archiving else [*runs]
        if done is None:
            return False  # the notes stay, and a later look continues
        rows = tuple(LedgerWrite(kind=SWEEP, key=key, value=None) for key in runs if key in done)
        self._loop.put(Incoming(input=Mark(rows=rows, promise=False)))
        return True

    async def _drop(self, dropped: Sequence[Space]) -> None:
        """Delete the workspaces of runs, unless a run that repeats one has just come to need it."""
        spaces, moving = self._parts.spaces, repeated_in(self._loop.core.table)
        found = [space for space in dropped if space.run not in moving]
        if spaces is not None and found:
            await self._parts.places.read(spaces.root, _delete_spaces, spaces, found)

    async def _drop_flows(self, needed: Collection[str]) -> None:
        """Remove the stored flows that no row, no unfinished run and no config names."""
        needed = {*needed, *filter(None, self._flows.book.digests.values())}
        needed |= self._loop.core.table.digests()
        unused = [digest for digest in await self._store.ledger("flow") if digest not in needed]
        if unused:
            await self._loop.ask(Prune(flows=tuple(unused)))

    async def _spaces(self) -> Mapping[Space, int]:
        sizes, spaces = self._parts.space_sizes, self._parts.spaces
        if sizes is None or spaces is None:
            return {}
        unfinished = {ref.key for ref in self._loop.core.table.refs()}
        return await self._parts.places.read(spaces.root, sizes.measure, unfinished)

    def _unfinished_bytes(self) -> int:
        nodes = (n for run in self._loop.core.table.runs.values() for n in run.nodes.values())
        return sum(one.output_bytes for node in nodes for s in node.parts() for one in s.attempts)


def _delete_outputs(folders: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _delete_spaces(spaces: Spaces, found: Sequence[Space]) -> None:
    for space in found:
        try:
            spaces.remove(spaces.path(space))
        except (World, OSError) as error:
            log.warning("workspace.not_removed", run=space.run, error=str(error))
