"""Copies of outputs that are in the archive too, up to a size: here they are read faster.

The transaction of RunPacked notes in the ledger that the outputs of a run on this host are copies.
Only such outputs, and those that were fetched to be read, are deleted here.
"""

import asyncio
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from floe.files import private
from floe.host.inputs import Incoming, Mark
from floe.host.removal import COPIES
from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.kernel.items import attempts_of
from floe.model.errors import FloeError
from floe.model.ids import Key, RunRef, address_key
from floe.model.run import Run
from floe.places import Places
from floe.store.archive import Archive
from floe.store.base import LedgerWrite, RunStore

log = structlog.get_logger()

LOOK_S: Final = 5.0
"""Seconds, at most, between two looks for copies to delete."""

USED_S: Final = 60.0
"""Seconds for which a copy stays after its last use: its reader may not have read all of it."""


class OutputCopies:
    """The copies on this host, the longest unused of which are deleted first."""

    def __init__(
        self,
        archive: Archive,
        bytes_max: int,
        attempts: OutputSettings,
        store: RunStore,
        places: Places,
        runs: Mapping[RunRef, Run],
        put: Callable[[Incoming], None],
        own: str,
    ) -> None:
        """`runs` are those that are not packed; `own` is this host and its store, as `h1@k3f9`."""
        self._archive = archive
        self._bytes_max = bytes_max
        self._attempts = attempts
        self._store = store
        self._places = places
        self._runs = runs
        self._put = put
        self._own = own
        self._copies: OrderedDict[str, int] = OrderedDict()
        """Their bytes by run, the longest unused first."""
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

    def bytes(self) -> int:
        """The bytes of all copies."""
        return sum(self._copies.values())

    async def watch(self) -> None:
        """Delete copies beyond the limit, until cancelled."""
        with suppress(FloeError):  # it is deleted by a later start
            await self._places.read(self._folder, _delete, [self._folder])
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                async with self._deleting:
                    await self._trim()
            except FloeError as error:
                log.warning("archive.copies_not_deleted", error=str(error))

    def packed(self, rows: Iterable[LedgerWrite]) -> None:
        """Some rows were stored: the outputs of packed runs are copies now."""
        for row in rows:
            if row.kind == COPIES and isinstance(row.value, int):
                self._own_copies.add(row.key)
                self._copies[row.key] = self._copies.get(row.key, 0) + row.value
                self._wake.set()

    async def output(self, run: Run, key: Key) -> Path:
        """The file with an attempt's output, fetched if it is only in the archive.

        It may not exist. Raises ArchiveAway, OSError.
        """
        path = self._attempts.output_path(key)
        name = key.run.key
        while dropping := self._dropping.get(name):
            await dropping.wait()
        self._used_at[name] = time.monotonic()
        if key.run in self._runs or not _output_bytes(run, key):
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
                    if not await self._archive.fetch(key, copy):
                        return path
                    self._copies[name] = self._copies.get(name, 0) + _output_bytes(run, key)
                self._used_at[name] = time.monotonic()  # a large output takes its time
            finally:
                self._fetching.pop(copy, None)
        return copy

    @property
    def _folder(self) -> Path:
        return self._attempts.root / "cache" / "outputs"

    async def remove(self, keys: Sequence[str]) -> None:
        """Delete the copies of some runs."""
        async with self._deleting:
            await self._drop(keys)

    async def _trim(self) -> None:
        now, excess = time.monotonic(), self.bytes() - self._bytes_max
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


def _output_bytes(run: Run, key: Key) -> int:
    """The bytes that an attempt printed."""
    return sum(attempt.output_bytes for one, attempt in attempts_of(run) if one.name == key.name)


def _delete(folders: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _delete_fetched(folder: Path, keys: Sequence[str]) -> None:
    _delete([one for key in keys for one in folder.glob(f"{key}.*")])
