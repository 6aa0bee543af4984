"""How one attempt of a node, or a node that was skipped, ended."""

from typing import Literal

from floe.model.nouns import dataclass

Result = Literal["good", "bad", "error", "stopped", "skipped"]
"""`good`, `bad`: the attempt ran to its end. `error`: it could not start, timed out, was lost or
printed too much. `stopped`: the run ended first; no tag is issued. `skipped`: the node ran no
attempt, by its `if` or because nodes before it were skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of an attempt, before `ignore-fail` and `use-status` apply."""

    result: Result
    status: int | None = None
    """Exit status; a signal as 128 + n. None if no process ended."""
    why: str = ""
    """The reason for people; empty if the status explains it."""
    kind: str = ""
    """What kind of answer a call gave, in the words of its dialect; empty for none."""
