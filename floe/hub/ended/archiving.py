"""Packs ended runs into the archive, and finds their outputs there again.

A run is in the archive before RunPacked is stored, and the transaction of RunPacked notes in the
ledger that its outputs on this host are copies. Only such outputs are deleted here. So a crash at
any point leaves a run that is packed again, or a copy that is deleted later.
"""

import asyncio
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from floe.files import private, reason_of
from floe.host.inputs import Incoming, Mark
from floe.host.removal import COPIES
from floe.hub.history import History
from floe.hub.outputs import OutputSettings
from floe.model.codec import encode
from floe.model.errors import ArchiveAway, FloeError
from floe.model.refs import Key, RunRef, address_key
from floe.model.run import Run
from floe.model.summary import Summary
from floe.places import Places
from floe.store.archive import Archive, PackedOutput, PackedRun
from floe.store.base import LedgerWrite, RunStore

log = structlog.get_logger()

AT_ONCE_MAX: Final = 4
"""Runs that are packed at the same time."""

LOOK_S: Final = 5.0
"""Seconds between two looks for copies to delete, and at a bucket that was away."""

AGAIN_S: Final = 2.0
"""Seconds, at least, before a run is packed again for which that was not possible."""

USED_S: Final = 60.0
"""Seconds for which a copy stays after its last use: its reader may not have read all of it."""


class Archiving:
    """The way of ended runs to the archive and back."""

    def __init__(
        self,
        archive: Archive,
        copies_bytes: int,
        attempts: OutputSettings,
        store: RunStore,
        history: History,
        places: Places,
        runs: Mapping[RunRef, Run],
        put: Callable[[Incoming], None],
        own: str,
    ) -> None:
        """`copies_bytes`: outputs that stay on this host too. `runs` are those that are not
        packed; `own` is this host and its store, as `h1@k3f9`."""
        self.archive = archive
        self._copies_bytes = copies_bytes
        self._attempts = attempts
        self._store = store
        self._history = history
        self._places = places
        self._runs = runs
        self._put = put
        self._own = own
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)
        self._waiting = 0
        self._unreadable = ""
        self._copies: OrderedDict[str, int] = OrderedDict()
        """The bytes of copies on this host by run, the longest unused first."""
        self._own_copies: set[str] = set()
        """Those of them that a row of the ledger notes."""
        self._used_at: dict[str, float] = {}
        self._deleting = asyncio.Lock()
        self._dropping: dict[str, asyncio.Event] = {}
        """Runs whose copies are being deleted; their readers wait."""
        self._fetching: dict[Path, asyncio.Lock] = {}
        self._wake = asyncio.Event()

    async def open(self) -> None:
        """Find the copies of an earlier process."""
        rows = await self._store.ledger(COPIES)
        self._copies |= {key: size for key, size in rows.items() if isinstance(size, int)}
        self._own_copies |= rows.keys()

    def problem(self) -> str:
        """Why ended runs are not packed now, as a sentence without a subject; empty for nothing."""
        problem = self.archive.problem() or self._unreadable
        if not problem or not self._waiting:
            return problem
        runs = "1 ended run waits" if self._waiting == 1 else f"{self._waiting} ended runs wait"
        return f"{problem}; {runs} to be packed"

    def bytes(self) -> int:
        """The bytes of copies on this host."""
        return sum(self._copies.values())

    async def watch(self) -> None:
        """Delete copies and look at a bucket that was away, until cancelled."""
        known = ""
        with suppress(FloeError):  # it is deleted by a later start
            await self._places.read(self._folder, _delete, [self._folder])
        await self._look()
        while True:
            now = self.archive.problem() or self._unreadable
            if now and now != known:
                log.error("archive.problem", problem=now, waiting=self._waiting)
            elif known and not now:
                log.info("archive.problem_over", problem=known)
            known = now
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            self._wake.clear()
            if self.archive.problem() and not self._waiting:
                await self._look()
            try:
                async with self._deleting:
                    await self._trim()
            except FloeError as error:
                log.warning("archive.copies_not_deleted", error=str(error))

    async def _look(self) -> None:
        with suppress(ArchiveAway):  # its problem is shown
            await self.archive.check()

    # --- packing ---

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

    def packed(self, rows: Iterable[LedgerWrite]) -> None:
        """Some rows were stored: the outputs of packed runs are copies now."""
        for row in rows:
            if row.kind == COPIES and isinstance(row.value, int):
                self._own_copies.add(row.key)
                self._copies[row.key] = self._copies.get(row.key, 0) + row.value
                self._wake.set()

    # --- reading ---

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

    async def output(self, run: Run, key: Key) -> Path:
        """The file with an attempt's output, fetched if it is only in the archive.

        It may not exist. Raises ArchiveAway, OSError.
        """
        path = self._attempts.output_path(key)
        name = key.run.key
        while dropping := self._dropping.get(name):
            await dropping.wait()
        self._used_at[name] = time.monotonic()
        if key.run in self._runs or not _printed(run, key):
            return path
        if name in self._copies:
            self._copies.move_to_end(name)
        is_own = address_key(run.host, run.store) == self._own if run.host else False
        if is_own and await self._places.quick(path, path.exists):
            return path
        copy = self._folder / f"{name}.{key.epoch}" / f"{key.name}.log"
        async with self._fetching.setdefault(copy, asyncio.Lock()):
            try:
                if not await self._places.quick(copy, copy.exists):
                    await self._places.quick(copy, private, copy.parent)
                    if not await self.archive.fetch(key, copy):
                        return path
                    self._copies[name] = self._copies.get(name, 0) + _printed(run, key)
                self._used_at[name] = time.monotonic()  # a large output takes its time
            finally:
                self._fetching.pop(copy, None)
        return copy

    @property
    def _folder(self) -> Path:
        return self._attempts.root / "cache" / "outputs"

    # --- deleting ---

    async def remove(self, keys: Sequence[str]) -> bool:
        """Delete some runs from the archive, and their copies here; False while it is away."""
        async with self._deleting:
            await self._drop(keys)
        try:
            await self.archive.remove([RunRef.parse(key) for key in keys])
        except ArchiveAway as error:
            log.warning("prune.postponed", runs=len(keys), error=str(error))
            return False
        return True

    async def _trim(self) -> None:
        now, excess = time.monotonic(), self.bytes() - self._copies_bytes
        self._used_at = {key: at for key, at in self._used_at.items() if now - at < USED_S}
        keys: list[str] = []
        for key, size in self._copies.items():
            if excess <= 0:
                break
            if key not in self._used_at:
                keys.append(key)
                excess -= size
        if keys:
            await self._drop(keys)

    async def _drop(self, keys: Sequence[str]) -> None:
        own = [key for key in keys if key in self._own_copies]
        for key in keys:
            self._copies.pop(key, None)
            self._used_at.pop(key, None)
            self._own_copies.discard(key)
        over, runs = asyncio.Event(), self._attempts.root / "runs"
        self._dropping |= dict.fromkeys(keys, over)
        try:
            await self._places.read(runs, _delete, [runs / key for key in own])
            await self._places.read(self._folder, _delete_fetched, self._folder, keys)
        finally:
            for key in keys:
                del self._dropping[key]
            over.set()
        if own:
            rows = tuple(LedgerWrite(kind=COPIES, key=key, value=None) for key in own)
            self._put(Incoming(input=Mark(rows=rows, promise=False)))


def _printed(run: Run, key: Key) -> int:
    """The bytes that an attempt printed."""
    return sum(
        attempt.output_bytes
        for state in run.visits(key.node)
        if state.visit == key.visit
        for attempt in state.attempts
        if attempt.attempt == key.attempt
    )


def _delete(folders: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _delete_fetched(folder: Path, keys: Sequence[str]) -> None:
    _delete([one for key in keys for one in folder.glob(f"{key}.*")])
