"""Child runs: the work that starts one, what it knows of the runs above it, and the events of its
attempt."""

from collections.abc import Mapping
from dataclasses import field

from floe.model.ids import NO_ITEM, FlowId, Instant, Json, NodeId
from floe.model.nouns import dataclass
from floe.model.template import Template, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildValue:
    """A value of a child run that is filled in when its node enters."""

    name: str
    template: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class SubFlow:
    """Run a flow as a child run, on any host of the cluster."""

    flow: str
    """`id`, for its highest version, or `id@ver`: a flow of the host that has the run."""
    values: Mapping[str, Json] = field(default_factory=dict)
    """The values of the child run."""
    texts: tuple[ChildValue, ...] = ()
    """Further ones; empty once they are filled in."""
    wait: bool = True
    """Whether the node settles when the child has ended, and not when it waits for a host."""
    host: Text = ""
    """The one host that may run the child; empty for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Above:
    """A run above a child run: its parent, the parent of that, and so on."""

    run: str
    """Its key."""
    flow: FlowId
    holds: tuple[str, ...] = ()
    """The resource tags that it holds until the child has ended; none if it does not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The parent of a child run: the attempt of a node that the run belongs to."""

    key: str
    """The key of the attempt: `h1-12@k3f9.1.deploy.1.1`."""
    waits: bool
    """Whether the attempt ends with the run; else the run goes on when its parent ends."""
    above: tuple[Above, ...]
    """The parent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPended:
    """The child run of an attempt waits for a host; stored with the child's RunPended."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    run: str
    """The key of the child."""
    item: int = NO_ITEM
    why_new: str = ""
    """Why it is a new child, where a re-run was to start a child of the earlier run again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildTimedOut:
    """The time of an attempt is over: its child run is cancelled, and its end settles the
    attempt."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    item: int = NO_ITEM
