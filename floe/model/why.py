"""The answer to `floe why`: why a run waits, or why it ended."""

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from floe.model.ids import HostId
from floe.model.nouns import dataclass
from floe.model.tags import Tag


class NeverRan(NamedTuple):
    """A node that never entered in a run that has ended, and was not skipped."""

    tags: tuple[Tag, ...]
    """The tags that it waited for."""
    why: str
    """The reason, as a sentence: `Approval by Ops was not rejected`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The answer to `floe why`: one sentence and its parts."""

    text: str
    hosts: Mapping[HostId, tuple[str, ...]] = field(default_factory=dict)
    """Pending: each host and the reasons it does not take the run."""
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Active: each unfinished node (`task.build`) and what it waits for."""
    never: Mapping[str, NeverRan] = field(default_factory=dict)
    """Ended: each node that never entered."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Each node that was skipped, with the reason as the end of a sentence."""
