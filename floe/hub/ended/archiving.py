"""Packs ended runs into the archive, and reads and removes them there.

A run is in the archive before RunPacked is stored, and the transaction of RunPacked notes in the
ledger that its outputs on this host are copies. So a crash at any point leaves a run that is packed
again, or a copy that is deleted later.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from floe.files import reason_of
from floe.hub.ended.output_copies import OutputCopies
from floe.hub.history import History
from floe.model.codec import encode
from floe.model.errors import ArchiveAway, FloeError
from floe.model.ids import RunRef
from floe.model.run import Run
from floe.model.summary import Summary
from floe.store.archive import Archive, PackedOutput, PackedRun
from floe.store.base import RunStore

log = structlog.get_logger()

AT_ONCE_MAX: Final = 4
"""Runs that are packed at the same time."""

LOOK_S: Final = 5.0
"""Seconds between two looks at a bucket that was away."""

AGAIN_S: Final = 2.0
"""Seconds, at least, before a run is packed again for which that was not possible."""


class Archiving:
    """The way of ended runs to the archive and back."""

    def __init__(
        self, archive: Archive, copies: OutputCopies, store: RunStore, history: History
    ) -> None:
        """`copies`: of outputs in the archive, which this host has too."""
        self.archive = archive
        self.copies = copies
        self._store = store
        self._history = history
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)
        self._waiting = 0
        self._unreadable = ""
        self._refused: dict[str, str] = {}
        """Removed runs that the archive refused to delete, by key, and why; the last try last."""

    def problem(self) -> str:
        """Why ended runs are not packed now, as a sentence without a subject; empty for nothing."""
        problem = self.archive.problem() or self._unreadable
        if not problem and self._refused:
            count, why = len(self._refused), next(reversed(self._refused.values()))
            runs = "1 removed run" if count == 1 else f"{count} removed runs"
            return f"cannot delete {runs} from its bucket {self.archive.name}: {why}"
        if not problem or not self._waiting:
            return problem
        runs = "1 ended run waits" if self._waiting == 1 else f"{self._waiting} ended runs wait"
        return f"{problem}; {runs} to be packed"

    async def watch(self) -> None:
        """Look at a bucket that was away, and log its problems, until cancelled."""
        known = ""
        await self._look()
        while True:
            now = self.archive.problem() or self._unreadable
            if now and now != known:
                log.error("archive.problem", problem=now, waiting=self._waiting)
            elif known and not now:
                log.info("archive.problem_over", problem=known)
            known = now
            await asyncio.sleep(LOOK_S)
            if self.archive.problem() and not self._waiting:
                await self._look()

    async def _look(self) -> None:
        with suppress(ArchiveAway):  # its problem is shown
            await self.archive.check()

    async def pack(
        self, run: Run, outputs: Sequence[tuple[Path, int]], digests: Collection[str]
    ) -> int:
        """Put a run into the archive, however long that takes; return the bytes of its outputs.

        `digests` names those outputs that can be read. A run that lacks some replaces no earlier
        object: the store may be from a backup, and the outputs were deleted here since.
        """
        readable = [
            PackedOutput(name=name, path=path, bytes=size)
            for path, size in outputs
            if (name := path.name.removesuffix(".log")) in digests
        ]
        whole = len(readable) == len(outputs)
        self._waiting += 1
        try:
            while True:
                if await self._is_put(run, readable, whole=whole):
                    return sum(output.bytes for output in readable)
                await asyncio.sleep(max(AGAIN_S, self.archive.retry_s()))
        finally:
            self._waiting -= 1

    async def _is_put(self, run: Run, outputs: Sequence[PackedOutput], *, whole: bool) -> bool:
        async with self._turns:
            if self.archive.retry_s():
                return False
            try:
                records = tuple(one.record for one in await self._store.history(run.ref))
                flow = encode(run.flow) if run.flow else None
                packed = PackedRun(ref=run.ref, epoch=run.epoch, records=records, flow=flow)
                if whole or await self.archive.read(run.ref, run.epoch) is None:
                    await self.archive.put(packed, outputs)
            except OSError as error:
                self._unreadable = f"cannot pack {run.ref}: {reason_of(error)}"
                return False
            except FloeError as error:
                if not isinstance(error, ArchiveAway):
                    self._unreadable = f"cannot pack {run.ref}: {error}"
                return False
        self._unreadable = ""
        return True

    async def has(self, row: Summary | None) -> bool:
        """Whether an ended run of a different host is in the archive; then it can be read here.

        Raises ArchiveAway.
        """
        if row is None or row.state != "archive":
            return False
        ref, history = RunRef.parse(row.key), self._history
        if not history.is_borrowed(ref) and (packed := await self.archive.read(ref, row.epoch)):
            history.borrow(packed)
        return history.is_borrowed(ref)

    async def remove(self, keys: Sequence[str]) -> Collection[str] | None:
        """Delete some runs from the archive, and their copies here; return those that are deleted.

        None while the archive is away.
        """
        await self.copies.remove(keys)
        try:
            refused = await self.archive.remove([RunRef.parse(key) for key in keys])
        except ArchiveAway as error:
            log.warning("prune.postponed", runs=len(keys), error=str(error))
            return None
        done = set(keys) - {ref.key for ref in refused}
        if done & self._refused.keys():
            self._refused.clear()  # the rights are different now: all are tried again
        for ref, why in refused.items():
            self._refused.pop(ref.key, None)
            self._refused[ref.key] = why
            log.warning("prune.refused", run=ref.key, error=why)
        return done

    def without_refused(self, keys: Iterable[str]) -> list[str]:
        """Those of some removed runs that are worth a try: of the refused ones the first alone."""
        first = next(iter(self._refused), None)
        return [key for key in keys if key == first or key not in self._refused]
