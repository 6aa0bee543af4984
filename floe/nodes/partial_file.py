"""A file under its provisional name, and the one thread that touches the disk for it."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Final, TypeVar, TypeVarTuple

from floe.files import opened_plain

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class DownloadRefused(Exception):
    """A download came to nothing for a reason that its reader can see."""


class PartialFile:
    """What has come of a file so far."""

    def __init__(self, path: Path, algo: str) -> None:
        self.path = path
        self._algo = algo
        self._file: IO[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, "floe-fetch")
        self._empty()

    def _empty(self) -> None:
        self.digest = hashlib.new(self._algo, usedforsecurity=False)
        self.size = 0

    async def run(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Call `work` in the thread; calls run one after another, also when cancelled."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def begin(self) -> None:
        """Begin from the start, whatever there was."""
        self.end()
        self._empty()
        self.path.unlink(missing_ok=True)
        self._file = os.fdopen(opened_plain(self.path, NEW, 0o666), "wb")

    def write(self, data: bytes) -> None:
        """Add to it."""
        assert self._file, "begun"
        self._file.write(data)
        self.digest.update(data)
        self.size += len(data)

    def end(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None

    async def close(self) -> None:
        """Remove what there is under the provisional name, when the thread is through."""
        await asyncio.shield(self.run(self._drop))
        self._thread.shutdown(wait=False)

    def _drop(self) -> None:
        self.end()
        self.path.unlink(missing_ok=True)
