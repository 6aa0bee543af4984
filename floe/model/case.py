"""A test of a flow: what a run of it is given, and what is expected of the run."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from floe.model.ids import FlowId, HostId, Json, NodeId
from floe.model.nouns import dataclass
from floe.model.result import RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAttempt:
    """In a case: how one attempt of a node ends. By default it is good at once."""

    result: Literal["good", "bad", "error"] = "good"
    status: int | None = None
    """The exit status, which then decides between good and bad."""
    outputs: Mapping[str, Json] = field(default_factory=dict)
    """Its outputs; for a form, the answers."""
    after_s: float = 0.0
    """How long it takes, in virtual seconds."""
    why: str = ""
    """The reason of an error or of a rejection."""


Attempts = tuple[GivenAttempt, ...]
"""The attempts of a node or an item, in order. The last one counts for all further attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenNode:
    """In a case: how a node ends."""

    attempts: Attempts = (GivenAttempt(),)
    """Those of a node without items, and those of items that are not given."""
    items: tuple[Attempts, ...] = ()
    """Those of its items, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """In a case: what the run must have done. None stands for anything."""

    starts: bool = True
    """False: the `if` of the trigger starts no run. Then `why` is a part of its reason."""
    enters: tuple[NodeId, ...] | None = None
    """The tasks that enter, in this order, without `end` tasks; merges and `end` tasks count where
    they are named."""
    never: tuple[NodeId, ...] = ()
    """Nodes that do not enter."""
    skipped: Mapping[NodeId, str] = field(default_factory=dict)
    """Nodes that are skipped, each with a part of the reason."""
    ends: RunResult | None = None
    why: str = ""
    """A part of the sentence that says why the run ended."""
    title: str | None = None
    after_s: float | None = None
    """How long the run takes in virtual seconds, within `AFTER_SHARE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test."""

    name: str
    file: str
    line: int
    flow: FlowId
    ver: int
    trigger: NodeId | None = None
    """None for the first data trigger, else the first trigger."""
    values: Mapping[str, Json] = field(default_factory=dict)
    hosts: Mapping[HostId, frozenset[str]] = field(default_factory=dict)
    """The hosts of the cluster with their tags; empty for one with the tags of the flow."""
    given: Mapping[NodeId, GivenNode] = field(default_factory=dict)
    expected: Expected = Expected()
