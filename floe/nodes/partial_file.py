"""A file that is being downloaded, under a provisional name, with its own thread for the disk."""

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
    """A download, partial or not, failed for a reason that the user can act on."""


class PartialFile:
    """The part of a file that was received so far."""

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
        """Call `work` in the thread. Calls run one after the other, even if they are cancelled."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def begin(self) -> None:
        """Start with an empty file; drop earlier content."""
        self.end()
        self._empty()
        self.path.unlink(missing_ok=True)
        self._file = os.fdopen(opened_plain(self.path, NEW, 0o666), "wb")

    def write(self, data: bytes) -> None:
        """Append data."""
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
        """Remove the file under its provisional name once the thread is done."""
        await asyncio.shield(self.run(self._drop))
        self._thread.shutdown(wait=False)

    def _drop(self) -> None:
        self.end()
        self.path.unlink(missing_ok=True)
