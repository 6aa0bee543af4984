"""The result of a run, and the sentence about a node that failed."""

from typing import Final, Literal

RunResult = Literal["good", "bad", "cancelled", "rejected", "stalled"]
"""`cancelled`: by a person. `rejected`: a person rejected a form, and that ended the run.
`stalled`: nothing failed, but an `end` that had to be reached was not. Only `good` is good."""

FAILING: Final[tuple[RunResult, ...]] = ("bad", "stalled")
"""Results that say that something is wrong with a flow; people caused the others."""


def failure(name: str, how: str) -> str:
    """The result of a node that failed, as a sentence: `Unit Tests failed: exit status 1`."""
    if how.startswith("rejected by "):
        return f"{name} was {how}"
    return f"{name} failed: {how}" if how else f"{name} failed"
