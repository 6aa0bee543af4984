"""The states of the nodes of a judged flow: a table that its dialect compiles.

A flow with a table is judged: what an attempt came to is a state by name, which a judgement
chooses. The table says what follows from each state, so the kernel knows none of them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import Final, Literal

from floe.model.nouns import dataclass
from floe.model.outcome import Result
from floe.model.result import RunResult

FINAL: Final = "final"
"""The label of the tag that a node has in each final state, beside that of its state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """In a flow: one row of its table of states."""

    name: str
    """The label of a tag, without a dot."""
    final: bool = False
    """A node in it is done: its tag `.final` stands."""
    again: Literal["never", "pass", "now"] = "never"
    """When a node in it runs again: not by itself, once in the next pass, or at once."""
    result: Result = "good"
    """What the node came to, for people and lists."""
    verdict: str = ""
    """What a pass comes to if no node is in a worse state; empty if the state does not count."""
    rank: int = 0
    """The state with the highest rank is the worst."""
    retries: bool = False
    """If it is the worst, the next pass is due when the first node in such a state is."""
    settable: bool = False
    """A judgement of another node may set it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StateTable:
    """In a flow: the states of its nodes, and those that the kernel itself sets."""

    rows: tuple[State, ...]
    dialect: str = ""
    """The name of the evaluator that judges."""
    initial: str = ""
    """The state of a node that has not run; empty if such a node counts for nothing."""
    wakes: tuple[str, ...] = ()
    """The verdicts with which a run rests until an update begins its next pass; empty for all."""
    pruned: str
    """The state of a node that was pruned; a final one."""
    fatal: str
    """The state of a node that ran too often, whose work could not be judged, or about which a
    verdict is wrong."""
    condition_failed: str = ""
    """The state of a node whose condition could not be judged; empty for `fatal`."""
    verdict_failed: str = ""
    """The state of a node that ran and could not be judged after that; empty for `fatal`. If it
    runs again with a pass, the node is only judged again, and its action does not run again."""
    crashed: str
    """The state of a node that is not idempotent and of which an attempt was lost."""
    ends: Mapping[str, RunResult] = field(default_factory=dict)
    """The verdicts with which a run is over, and its result; a run rests with each other one."""
    passes_max: int = 0
    """How many passes a run may have before an instant begins no more, until a person extends it; 0
    for no limit. A person, and an update, begin a pass nevertheless."""
    passes_verdict: str = ""
    """The verdict of a run that has had them."""
    told: frozenset[str] = frozenset()
    """The labels with which a child run at rest is news for its parent, a run of this flow."""
    rest_longest_s: float = 3600.0
    """The longest time until a pass is due after a rest."""

    by_name: Mapping[str, State] = field(init=False, repr=False, compare=False)
    """Derived: the rows by name."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {row.name: row for row in self.rows})
