"""The port of an archive: ended runs, packed, at a place that all hosts of a cluster can read.

`tests/conformance` runs against every implementation.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from floe.model.ids import Key, RunRef, Shape
from floe.model.nouns import dataclass
from floe.store.base import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedRun:
    """An ended run in the archive, without its outputs."""

    ref: RunRef
    epoch: int
    """The epoch in which it ended."""
    records: tuple[Record, ...]
    """Its whole log up to its end."""
    flow: Shape | None
    """Its compiled flow; None if the flow was never read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedOutput:
    """The output of one attempt in the archive."""

    name: str
    """As `Key.name`."""
    path: Path
    """The file with the output. More than `bytes` may be in it."""
    bytes: int
    """The bytes that the attempt printed."""


class Archive(Protocol):
    """Keeps ended runs. Each call is bounded in time, and raises ArchiveAway if it is not possible
    now. After a failure, calls are refused until the next try is due."""

    @property
    def name(self) -> str:
        """The place, for people: `s3://ci-runs/floe`."""
        ...

    def problem(self) -> str:
        """Why the last call failed, as a sentence without a subject; empty after a success."""
        ...

    def retry_s(self) -> float:
        """Seconds until the next call is tried; 0 for now."""
        ...

    async def check(self) -> None:
        """Check that the archive answers. Raises ArchiveAway."""
        ...

    async def put(self, run: PackedRun, outputs: Sequence[PackedOutput]) -> None:
        """Keep a run with its outputs: completely, or not at all.

        Idempotent: the same run gives the same bytes. Raises ArchiveAway, OSError for an output
        that cannot be read.
        """
        ...

    async def read(self, ref: RunRef, epoch: int) -> PackedRun | None:
        """A run; None if it is not in the archive. Raises ArchiveAway."""
        ...

    async def fetch(self, key: Key, to: Path) -> bool:
        """Write the output of an attempt to a file; False if it is not in the archive.

        The file is complete as soon as it exists. Raises ArchiveAway, OSError.
        """
        ...

    async def remove(self, refs: Collection[RunRef]) -> Mapping[RunRef, str]:
        """Delete some runs, whatever their epoch; return those that may not be deleted, and why.

        Idempotent. Raises ArchiveAway.
        """
        ...
