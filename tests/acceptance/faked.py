"""A wall clock that a test sets while a host runs: libfaketime from the system's packages."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LIBRARIES: Final = "/usr/lib/*/faketime/libfaketime.so.1"


class FakedClock:
    """The wall clock of processes that are started with `env`; the boot clock stays right."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set(0)

    def set(self, seconds: int) -> None:
        """Set it ahead of the machine's, or back, within a second."""
        part = self._file.with_suffix(".part")
        part.write_text(f"{seconds:+d}\n")
        part.replace(self._file)

    @property
    def env(self) -> Mapping[str, str]:
        """For the processes that are to see it."""
        library = next(iter(Path("/").glob(LIBRARIES[1:])))
        return {
            **os.environ,
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
