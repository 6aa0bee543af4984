"""Passes of a run of a judged flow: its opening, the facts between passes, and what it knows.

A pass runs every node that may run once. Between two passes the run rests.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import field

from floe.model.children import Parent
from floe.model.ids import FlowId, HostId, Instant, Json, NodeId, StoreId
from floe.model.judging import Question, RunNoted, UpdateReceived
from floe.model.nouns import dataclass
from floe.model.people import PauseAsked, RunResolved

Part = tuple[NodeId, int]
"""A node and an item of it, or `NO_ITEM`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOpened:
    """Event: a run of a judged flow began here, without a grant, a slot or a workspace."""

    at: Instant
    flow: FlowId
    ver: int
    digest: str
    trigger: NodeId
    values: Mapping[str, Json]
    by: str
    """The user, or `trigger:<id>`."""
    host: HostId
    store: StoreId
    epoch: int = 1
    title: str = ""
    verdict: str = ""
    """With which it rests until its first pass; empty if that begins at once."""
    due: Instant | None = None
    """Of a run that rests: when its first pass begins by itself; None for never."""
    parent: Parent | None = None
    """The attempt that opened it; None for a run that is no child."""
    sealed: bool = False
    """Whether the log of the run is encrypted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassBegan:
    """Event: each node that may run does so once, from here on."""

    at: Instant
    number: int
    """The first is 1."""
    by: str
    """The user, `timer` or `update`."""
    why: str = ""
    context: str = ""
    """Not read; logs of earlier versions may have it."""
    leaves_waiting: bool = False
    """What awaits updates that have not come does not run in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRested:
    """Event: nothing is left to do in this pass."""

    at: Instant
    number: int
    """Of the pass that is over; 0 before the first."""
    verdict: str
    """What it came to: that of the worst state."""
    due: Instant | None = None
    """When the next begins; None for not by itself."""
    by: str = ""
    """Who paused it; then neither an update nor an instant begins the next. Empty if no one did."""
    why: str = ""
    """The reason, if it is no state of a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunExtended:
    """Event: a person allowed further passes."""

    at: Instant
    by: str
    passes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginPass:
    """Signal: a person runs a run again that rests."""

    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend:
    """Signal: a person allows further passes."""

    by: str
    passes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """In a run of a judged flow: its passes, and what is to be judged."""

    number: int = 0
    """Of this pass, or of the last while the run rests; 0 before the first."""
    base: int = 1
    """The last event by which a state changed. A judgement sees the run as it was after it."""
    ended: Sequence[tuple[int, Question]] = ()
    """The attempts that ended, in order, with the numbers of these events."""
    judged: int = 0
    """How many of them have a verdict."""
    entries: Mapping[Part, int] = field(default_factory=dict)
    """How often each part was judged before it would enter, in this pass."""
    rechecked: Set[Part] = frozenset()
    """The parts that ran once more in this pass before the run would rest."""
    verdict: str = ""
    """With which the run rests, or ended; empty in a pass."""
    why: str = ""
    """The reason of that, if it is no state of a node."""
    due: Instant | None = None
    """When the next pass begins, while the run rests; in a pass, when it would have begun."""
    began_at: Instant | None = None
    """When the last pass began; None before the first."""
    rested_at: Instant | None = None
    """When the run last came to rest after a pass; None before that."""
    paused_by: str = ""
    """Who keeps it at rest; empty if no one does."""
    paused_at_rest: str = ""
    """With which verdict it rested when it was paused; empty if that was in a pass."""
    pausing: PauseAsked | None = None
    """In a pass: it rests when the open actions are over."""
    extended: int = 0
    """Passes that were allowed beyond those of the flow."""
    extended_in: int = 0
    """The pass in which, or after which, a person last allowed some."""
    updates: Mapping[str, UpdateReceived] = field(default_factory=dict)
    """The last update of each key."""
    fresh: Set[str] = frozenset()
    """The keys of updates that have begun no pass yet."""
    waiting: Mapping[Part, tuple[str, ...]] = field(default_factory=dict)
    """The parked parts that await updates, and their keys."""
    awaited: Mapping[str, Set[Part]] = field(default_factory=dict)
    """By key, the parts that await the update."""
    met: Set[Part] = frozenset()
    """The waiting parts of which all updates came, one of them fresh."""
    called: Set[Part] | None = None
    """In a pass that an update began: the parts that it is about; others that await updates do not
    run. None in any other pass."""
    children: Mapping[str, str] = field(default_factory=dict)
    """The keys of the child runs that its calls opened, by those of their updates."""
    child_keys: Mapping[str, str] = field(default_factory=dict)
    """The same the other way round."""
    notes: Sequence[RunNoted] = ()
    """What was noted, in order."""
    bytes: int = 0
    """Of outputs, lists, work, notes and updates in its events, as JSON."""
    resolution: RunResolved | None = None
    """How a person took the run; None before that, and for one that begins by itself."""
    ready: Set[NodeId] | None = field(default=None, compare=False)
    """Derived: the nodes about which there are questions before an attempt, or after the last item.
    None where that is not known."""
    idle: Set[NodeId] = field(default=frozenset(), compare=False)
    """Derived, with `ready`: the parked nodes that await no update."""
    counts: Mapping[str, int] | None = field(default=None, compare=False)
    """Derived, with `ready`: how many nodes are in each state, without those whose items go on."""
    asks: tuple[Question, ...] | None = field(default=None, compare=False)
    """Derived: what waits for a judgement since `base`. None where that is not known."""
