"""Events of a run that moves to a different host, with all that it has done so far.

Source: docs/cluster-protocol.md, "Runs that move".
"""

from typing import NamedTuple

from floe.model.ids import HostId, Instant
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReturned:
    """Event: the host returned the run, which only waits, to its adopter; what stands stays."""

    at: Instant
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed:
    """Event: the run continues on a different host, with all that stands."""

    at: Instant
    host: HostId
    epoch: int
    workspace: str


class Resumed(NamedTuple):
    """In a run: how its present host came to have it."""

    seq: int
    """Of its RunResumed."""
    at: Instant
