"""What people do to a run of a judged flow: signals, and the facts that follow.

Each names the person. A judged run is taken, edited and started over only while it rests.
"""

from collections.abc import Mapping
from dataclasses import field

from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, Instant, Json, NodeId
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """Signal: a person takes a run that waits for one before its first pass, and begins that."""

    by: str
    resolution: str
    """Names what begins here, for the dialect."""
    values: Mapping[str, Json] = field(default_factory=dict)
    """What the person adds to the values of the run."""
    due: Instant | None = None
    """When the first pass begins; None for at once."""
    verdict: str = ""
    """With which it rests until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Signal: a person starts a run at rest over, as if it were taken for the first time."""

    by: str
    resolution: str
    values: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateEdit:
    """In an edit: the state that a node, or an item of it, is to have."""

    node: NodeId
    state: str
    item: int = NO_ITEM
    why: str = ""
    outputs: Mapping[str, Json] = field(default_factory=dict)
    """Empty for those that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Signal: a person changes a run at rest."""

    by: str
    base: int
    """The last event by which a state changed when the person read the run, `Passes.base`. After
    any further such event the edit has no effect."""
    digest: str
    flow: Flow
    """The flow from here on, which the digest names."""
    values: Mapping[str, Json] | None = None
    """All values from here on; None for no change."""
    states: tuple[StateEdit, ...] = ()
    """In order. A node that is not among them keeps its state; one that is loses its items."""
    gone: tuple[NodeId, ...] = ()
    """The nodes that lose their state: all that have one and are not in the flow, and those that
    are to run as for the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote:
    """Signal: a person adds something to the record of a run that is not over."""

    by: str
    kind: str
    """`comment`, `watcher`, …"""
    key: str = ""
    value: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRun:
    """Signal: a person ends a run under a name of the dialect, such as WONTFIX."""

    by: str
    label: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Signal: a person keeps a run at rest, whatever is due or comes, until one begins a pass."""

    by: str
    verdict: str
    """With which it rests, such as PAUSED."""
    force: bool = False
    """Also in a pass: nothing enters any more, and the run rests when the open actions are over."""


PeopleSignal = Resolve | Restart | Edit | AddNote | EndRun | Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResolved:
    """Event: a person took a run. Its first pass begins."""

    at: Instant
    by: str
    resolution: str
    values: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseAsked:
    """Event: nothing enters in this pass any more; the run rests when the open actions are over."""

    at: Instant
    by: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRestarted:
    """Event: a run is as before its first pass. Its values and its notes stay."""

    at: Instant
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEdited:
    """Event: a run has a different flow, different values, or nodes without their state.

    Each state that the person changed is a NodeSet after it.
    """

    at: Instant
    by: str
    digest: str
    flow: Flow | None = None
    """The flow, for hosts that do not have it; None if it did not change."""
    values: Mapping[str, Json] | None = None
    """All values from here on; None for no change."""
    gone: tuple[NodeId, ...] = ()
