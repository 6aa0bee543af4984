"""How one attempt of a node ended."""

from dataclasses import dataclass
from typing import Literal

Result = Literal["good", "bad", "error", "stopped"]
"""`good`, `bad`: it ran to its end. `error`: it could not start, timed out, was lost or printed
too much. `stopped`: the run ended first; no tag is issued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an attempt came to, before `ignore-fail` and `use-status` are applied."""

    result: Result
    status: int | None = None
    """Exit status; a signal as 128 + n. None where no process ended."""
    why: str = ""
    """For a reader; empty where the status says all."""
