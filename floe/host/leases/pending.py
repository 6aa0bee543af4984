"""A claim of a run that waits for a host, as its adopter keeps it."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from floe.model.ids import Instant
from floe.model.nouns import dataclass

ClaimState = Literal["asked", "held", "parking", "parked"]
"""asked: it waits. held: it is granted. parking: its return is sent.
parked: it was given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingClaim:
    """A claim of a run that waits for a host."""

    number: int
    state: ClaimState
    fences: Mapping[str, str] = field(default_factory=dict)
    """held: the fences of the grant. parking: the fences that are given back."""
    passed: Mapping[str, str] = field(default_factory=dict)
    """The fences that were given back last: a grant with these or lower ones is an old one."""
    at: Instant | None = None
    """held: since when; None for since before this host started."""

    def has_passed(self, fences: Mapping[str, str]) -> bool:
        """Whether a grant with these fences was given back, or is older than one that was."""
        passed = self.passed
        return any(
            tag in passed and _fence(fence) <= _fence(passed[tag]) for tag, fence in fences.items()
        )


def _fence(text: str) -> tuple[int, int]:
    term, _, counter = text.partition(".")
    return int(term), int(counter)
