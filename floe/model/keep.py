"""How long ended runs and their workspaces stay."""

from typing import Final, Literal

from floe.model.nouns import dataclass

SpacesKept = Literal["all", "failed", "none"]
"""Whose workspaces stay: of all runs, of those that did not end good, or of none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """The limits of one flow, or of a host. None: the limit is not set here; 0: no limit."""

    runs: int | None = None
    """Ended runs of a flow, the newest ones."""
    age_s: float | None = None
    """Seconds since the end of a run."""
    bytes: int | None = None
    """Outputs, logs and workspaces: of a flow's ended runs, or of all that a host has."""
    workspaces: SpacesKept | None = None

    def over(self, other: "Keep", *, bytes: bool = False) -> "Keep":
        """These limits, and another's where they are not set.

        `bytes` is taken over on demand: a flow and its host have different ones.
        """
        return Keep(
            runs=other.runs if self.runs is None else self.runs,
            age_s=other.age_s if self.age_s is None else self.age_s,
            bytes=other.bytes if bytes and self.bytes is None else self.bytes,
            workspaces=self.workspaces or other.workspaces,
        )


NO_KEEP: Final = Keep()
"""No limit is set."""
