"""A run, which is the fold of its events, and the record of a removed run."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import field
from typing import Literal, NamedTuple

from floe.model.answers import CallAnswer
from floe.model.children import Parent
from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, FlowId, HostId, Instant, Json, NodeId, RunRef, StoreId
from floe.model.moving import Resumed
from floe.model.nouns import dataclass
from floe.model.outcome import Outcome
from floe.model.passes import Passes
from floe.model.result import RunResult
from floe.model.tags import Tag
from floe.model.taken import ItemsTaken, NodeTaken, RerunOf
from floe.model.work import Work

Phase = Literal["reading", "pending", "granted", "active", "resting", "ending", "ended", "packed"]
"""reading: its flow-file is being read. pending: waits for a host. granted: offered to a host.
resting: between two passes. ending: its result is decided, and its processes are being stopped."""

State = Literal["pending", "active", "archive"]
"""The three lists of runs."""

NodePhase = Literal[
    "entered", "started", "asking", "armed", "judging", "parked", "settled", "again"
]
"""entered: not started yet. asking: its form is open. armed: a retry is due later. judging: its
action is over, its verdict is not. parked: it runs again with a later pass. settled: it is done,
or was skipped. again: it settled and may enter again."""

STATE_OF: Mapping[Phase, State] = {
    "reading": "pending",
    "pending": "pending",
    "granted": "pending",
    "active": "active",
    "resting": "active",
    "ending": "active",
    "ended": "archive",
    "packed": "archive",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """In a run: one finished attempt of a node."""

    attempt: int
    outcome: Outcome
    started_at: Instant | None
    ended_at: Instant
    output_bytes: int = 0
    child: str = ""
    """The key of its child run; empty for none."""


class Given(NamedTuple):
    """In a run: an output of a node, for the nodes after it."""

    value: Json
    node: NodeId
    """The node that gave it."""
    level: int
    """That node's distance from the start; of two outputs the one with the higher level is
    nearer to the nodes after both."""


Layers = tuple[Mapping[str, Given], ...]
"""Outputs by name; a later map overrides the earlier ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takes:
    """In a run: the takes of one attempt of outside work."""

    take: str = ""
    """The take that holds it; empty while it is offered."""
    by: str = ""
    """Who took it."""
    through: HostId | None = None
    """The host that was asked for it; None for unknown."""
    void: tuple[str, ...] = ()
    """Takes that were given back. None of them takes it again, however late it arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemStates:
    """In a run: the items of one visit of a node."""

    values: tuple[Json, ...]
    """The list, in order; an item is named by its index."""
    states: Mapping[int, "NodeState"] = field(default_factory=dict)
    """Those that have begun."""
    open: Set[int] = frozenset()
    """Those that have begun and not settled."""
    next: int = 0
    """No item from here on has begun."""
    failed: int = 0
    """How many settled with a different result than good."""
    outputs_bytes: int = 0
    """Of the outputs of those that settled, as JSON."""
    again: Set[int] = frozenset()
    """In a judged run: those that ran and may run again in this pass."""
    parked: Set[int] = frozenset()
    """In a judged run: those that run again with a later pass."""
    awaiting: Set[int] = frozenset()
    """In a judged run: those that run again with the pass that their updates begin, or with a later
    one that no update began."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """In a judged run: how many of these three are in each state."""
    dues: Mapping[int, Instant] = field(default_factory=dict)
    """In a judged run: when those of these three are due that are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """In a run: one visit of a node, or one item of it, as it is since it entered."""

    phase: NodePhase
    work: Work | None
    """None for a visit that was skipped."""
    visit: int
    attempt: int
    woke: int
    """Sequence number at which it entered; tags that arrived later are new to it."""
    sources: tuple[NodeId, ...]
    """The nodes that it listens to and that settled, in the order of its `wait`."""
    inherits: bool = False
    """Whether it sees the outputs of all nodes before it, or only those of its sources."""
    level: int = 0
    """The longest way to it from the trigger; 0 unless it inherits."""
    seen: Layers = ()
    """The outputs that reach it, if it inherits."""
    gives: Layers = ()
    """The outputs that reach the nodes after it, once it has settled."""
    entered_at: Instant
    queued_at: Instant
    """When the current attempt became due."""
    started_at: Instant | None = None
    asked_at: Instant | None = None
    due: Instant | None = None
    """armed: when the next attempt is due."""
    settled_at: Instant | None = None
    outcome: Outcome | None = None
    tag: Tag | None = None
    good: bool = False
    outputs: Mapping[str, Json] = field(default_factory=dict)
    output_bytes: int = 0
    by: str = ""
    tries: int = 0
    """Attempts that counted against `retry.max` or `repeat.max` and were not the last."""
    attempts: Sequence[Attempt] = ()
    """The finished attempts, in order."""
    tags: tuple[Tag, ...] = ()
    """Issued in addition to `tag`."""
    taken_from: str = ""
    """The key of the run in which it ran, if this run took it over."""
    child: str = ""
    """The key of the child run of the current attempt; empty for none."""
    why_new: str = ""
    """Why that child takes nothing over, although a child of the earlier run was to start again."""
    timed_out: int = 0
    """The attempt whose child was cancelled because its time was over; 0 for none."""
    takes: Takes | None = None
    """Of the current attempt of outside work; None while it was never taken."""
    item: int = NO_ITEM
    """Which item of the visit this is."""
    items: ItemStates | None = None
    """The items of the visit; None for a node that runs once."""
    state: str = ""
    """Its state by name, in a judged run; empty while it runs."""
    lost: bool = False
    """The result of its last attempt is unknown, in a judged run."""
    unjudged: int = 0
    """How many judgements about it in a row failed, in a judged run."""
    answer: CallAnswer | None = None
    """Of a call whose request is not over yet."""
    metadata: Mapping[str, Json] = field(default_factory=dict)
    """What its dialect keeps about the answer of its last attempt, in a judged run."""

    def parts(self) -> "tuple[NodeState, ...]":
        """The visit, and those of its items that have begun: all that has attempts."""
        return (self, *self.items.states.values()) if self.items else (self,)

    @property
    def is_skipped(self) -> bool:
        """Whether the visit was skipped."""
        return self.outcome is not None and self.outcome.result == "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """Facts beside a run that a decision needs and no event holds; the caller supplies them."""

    flow: Flow | None = None
    """The flow that the run's digest names; None until it is read."""
    host_tags: frozenset[str] = frozenset()
    """The tags of the host that decides, which is the run's own once it is active."""
    hosts: Mapping[HostId, frozenset[str]] = field(default_factory=dict)
    """The tags of all hosts that it knows, itself included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The fold of a log. The caller attaches `flow`, which `digest` names."""

    ref: RunRef
    flow_id: FlowId
    ver: int
    digest: str | None
    flow: Flow | None = field(default=None, compare=False, repr=False)
    phase: Phase
    seq: int
    """Of the last event; the first is 1."""
    epoch: int = 0
    trigger: NodeId
    values: Mapping[str, Json]
    by: str
    title: str = ""
    """What the flow's `run-name` came to; empty without one."""
    group: str = ""
    """The runs that count together for the flow's `max-runs`, as a tag; empty without it."""
    host: HostId | None = None
    store: StoreId | None = None
    """The store of the host it is granted to, which has or may have the pen."""
    workspace: str = ""
    moved_from: str = ""
    """The workspace of an earlier run that becomes this one's, if it still exists."""
    fences: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[NodeId, NodeState] = field(default_factory=dict)
    """The latest visit of those that have entered, in order of entry."""
    earlier: Mapping[NodeId, tuple[NodeState, ...]] = field(default_factory=dict)
    """The visits before it, oldest first, of those that entered more than once."""
    open: Set[NodeId] = frozenset()
    """Those that have entered and not settled."""
    standing: Mapping[Tag, int] = field(default_factory=dict)
    """Tags that are true now, with the sequence number of their last arrival."""
    cancelled_by: str = ""
    good: bool | None = None
    result: RunResult | None = None
    why: str = ""
    end_tag: Tag | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    """What the flow's `outputs` came to, once the run has ended."""
    pended_at: Instant
    started_at: Instant | None = None
    ending_at: Instant | None = None
    ended_at: Instant | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    revoked: int = 0
    """How many grants were revoked because their hosts were forgotten."""
    rerun_of: RerunOf | None = None
    """The run that this one repeats; None for a run that a trigger started."""
    taken: tuple[NodeTaken, ...] = ()
    """What every activation takes over from earlier runs."""
    items_taken: tuple[ItemsTaken, ...] = ()
    """The good items that nodes take over when they enter."""
    children_again: Mapping[tuple[NodeId, int], str] = field(default_factory=dict)
    """By node and item, the keys of failed child runs of the earlier run, which start again."""
    parent: Parent | None = None
    """The attempt that it belongs to; None for a run that is no child."""
    only: HostId | None = None
    """The one host that may run it; None for any."""
    passes: Passes | None = None
    """Of a judged run; None for a run of floe's own flows."""
    sealed: bool = False
    """Whether its log is encrypted: its values go into no row, frame or file."""
    resumed: Resumed | None = None
    """None for a run that is on the host on which it began, or on none."""
    superseded: int = 0
    """The last event before this copy of the log became a branch: the run may have continued
    elsewhere from there. 0 if it is not a branch."""

    @property
    def state(self) -> State:
        """Which of the three lists the run is on."""
        return STATE_OF[self.phase]

    def visits(self, node: NodeId) -> tuple[NodeState, ...]:
        """All visits of a node, oldest first; none if it has not entered."""
        latest, earlier = self.nodes.get(node), self.earlier.get(node, ())
        return (*earlier, latest) if latest is not None else earlier

    @property
    def has_output(self) -> bool:
        """Whether any attempt of this run printed anything."""
        nodes = dict.fromkeys((*self.nodes, *self.earlier))
        each = (visit for node in nodes for visit in self.visits(node))
        return any(
            attempt.output_bytes
            for visit in each
            for part in visit.parts()
            for attempt in part.attempts
        )

    def settled(self, node: NodeId) -> NodeState:
        """The latest visit of a node that has settled, or the latest if none has."""
        latest = self.nodes[node]
        if latest.outcome is not None:
            return latest
        return next((v for v in reversed(self.visits(node)) if v.outcome is not None), latest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """The record of a run that was removed with its log."""

    key: str
    flow: FlowId
    at: Instant
    """When it was removed."""
    why: str
    """The rule that it fell under, as the end of a sentence."""
    epoch: int | None = None
    """Of the log that was removed. None: an older floe removed it."""

    def leaves(self, epoch: int) -> bool:
        """Whether an epoch of the run is left: the run went on in it after what was removed."""
        return self.epoch is not None and epoch > self.epoch
