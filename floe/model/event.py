"""Events: facts about a run, in the past tense. A run is the fold of its log of events.

Each has `at`, the instant of its recording. Adding a field with a default is always safe. Nothing
is ever removed or renamed, because the logs of every release must stay readable.
"""

from collections.abc import Mapping
from dataclasses import field

from floe.model.answers import CallAnswered, DataAsked
from floe.model.children import ChildPended, ChildTimedOut, Parent
from floe.model.ids import NO_ITEM, FlowId, HostId, Instant, Json, NodeId, StoreId
from floe.model.judging import ActionEnded, NodeSet, RunNoted, UpdateReceived
from floe.model.moving import RunResumed, RunReturned
from floe.model.nouns import dataclass
from floe.model.outcome import Outcome
from floe.model.passes import PassBegan, RunExtended, RunOpened, RunRested
from floe.model.people import PauseAsked, RunEdited, RunResolved, RunRestarted
from floe.model.result import RunResult
from floe.model.tags import Tag
from floe.model.taken import ChildAgain, ItemsTaken, NodeTaken, RerunOf
from floe.model.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPended:
    """Event: a trigger was accepted; the run waits for a host."""

    at: Instant
    flow: FlowId
    ver: int
    trigger: NodeId
    values: Mapping[str, Json]
    by: str
    """The user, or `trigger:<id>`."""
    digest: str | None = None
    """Of the compiled flow; None until its flow-file is read."""
    rerun_of: RerunOf | None = None
    """None for a run that a trigger started."""
    taken: tuple[NodeTaken, ...] = ()
    """What every activation of a re-run takes over, in the order in which it settled."""
    items_taken: tuple[ItemsTaken, ...] = ()
    """The good items of nodes that run again, which take them over when they enter."""
    children: tuple[ChildAgain, ...] = ()
    """The failed child runs that nodes of a re-run start again when they enter."""
    title: str = ""
    """What the flow's `run-name` came to; empty without one."""
    group: str = ""
    """The runs that count together for the flow's `max-runs`, as a tag; empty without it."""
    parent: Parent | None = None
    """None for a run that is no child."""
    only: HostId | None = None
    """The one host that may run it; None for any."""
    sealed: bool = False
    """Whether its log is encrypted, under a key of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPinned:
    """Event: the flow-file was read; later edits do not affect this run."""

    at: Instant
    digest: str
    source: str
    title: str = ""
    """What the flow's `run-name` came to; empty without one."""
    group: str = ""
    """The runs that count together for the flow's `max-runs`, as a tag; empty without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunGranted:
    """Event: the adopter granted the run to a host, under a new epoch."""

    at: Instant
    host: HostId
    store: StoreId
    epoch: int
    fences: Mapping[str, str]
    """Fences (`term.counter`) by resource tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantReturned:
    """Event: the host refused the grant."""

    at: Instant
    epoch: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRevoked:
    """Event: the host was forgotten, so its grant is void."""

    at: Instant
    epoch: int
    keeps: bool = False
    """The run only waited: it continues from here, with all that stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantSuperseded:
    """Event: this copy of the run was forgotten and continued elsewhere under a higher epoch,
    or it came from a store's backup and was abandoned."""

    at: Instant
    epoch: int
    by: str = ""
    """The person who abandoned it; empty if it was forgotten."""
    why: str = ""
    """Empty if it was forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunActivated:
    """Event: the run began on a host; `trigger.good` stands."""

    at: Instant
    host: HostId
    epoch: int
    workspace: str
    moved_from: str = ""
    """The workspace of the earlier run, which becomes this one's if it still exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntered:
    """Event: a node entered. `work` is rendered; `sources` are the nodes whose outputs it sees, the
    later over the earlier, on top of the trigger's values."""

    at: Instant
    node: NodeId
    visit: int
    work: Work
    sources: tuple[NodeId, ...] = ()
    inherits: bool = False
    """It also sees, below these, the outputs of all nodes before its sources."""
    items: tuple[Json, ...] = ()
    """The list for whose items it runs; empty for a node that runs once."""
    attempt: int = 1
    """The attempt that may start; above 1 in a judged run alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEntered:
    """Event: an item of a node began; its first attempt may start."""

    at: Instant
    node: NodeId
    visit: int
    item: int
    """Its index in the list."""
    work: Work | None = None
    """Rendered for this item; None for that of the node."""
    attempt: int = 1
    """The attempt that may start; above 1 in a judged run alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSettled:
    """Event: an item of a node is done. No tag is issued."""

    at: Instant
    node: NodeId
    visit: int
    item: int
    attempt: int
    outcome: Outcome
    ended_at: Instant
    outputs: Mapping[str, Json]
    output_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStarted:
    """Event: the process of an attempt was started."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    started_at: Instant
    """By the clock of the process that started it."""
    item: int = NO_ITEM
    by: str = ""
    """Who took it, of outside work; otherwise empty."""
    take: str = ""
    """Names that take; empty for work that this host does."""
    through: HostId | None = None
    """The host that was asked for outside work; None for unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkReturned:
    """Event: a take of outside work is void; it is offered, unless a different take holds it."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    take: str
    item: int = NO_ITEM


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryArmed:
    """Event: an attempt failed; the next is due later. No tag is issued."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    """The attempt that failed."""
    outcome: Outcome
    due: Instant
    ended_at: Instant
    output_bytes: int = 0
    lost: bool = False
    """Not counted by `retry.max`."""
    item: int = NO_ITEM


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDue:
    """Event: the next attempt may start."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    """The attempt that may start."""
    item: int = NO_ITEM


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatArmed:
    """Event: an attempt is over, and `until` is not true yet; the next is due later. No tag."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    """The attempt that is over."""
    outcome: Outcome
    outputs: Mapping[str, Json]
    due: Instant
    ended_at: Instant
    output_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettled:
    """Event: a node is done; `tag` stands from here on."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    outcome: Outcome
    tag: Tag | None
    """None if the attempt was stopped."""
    good: bool
    """Whether `tag` counts as a good event."""
    ended_at: Instant
    outputs: Mapping[str, Json]
    output_bytes: int = 0
    by: str = ""
    """The person who answered the form, or what answered the call; otherwise empty."""
    tags: tuple[Tag, ...] = ()
    """Tags that also stand from here on; none in floe's own flow language."""
    title: str = ""
    """The run's new title, if `run-name` names this node; empty if it stays as it is."""
    keeps: bool = False
    """In a judged run: its outputs are those of its action, which `outputs` does not repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSkipped:
    """Event: a node does not run in this visit; `tag` stands from here on."""

    at: Instant
    node: NodeId
    visit: int
    why: str
    """The end of a sentence: `values.env was 'test'`."""
    tag: Tag
    """`task.<id>.skipped`, a good event."""
    sources: tuple[NodeId, ...] = ()
    """The nodes before it that settled; the nodes after it see their outputs."""
    inherits: bool = False
    title: str = ""
    """The run's new title, if `run-name` names this node; empty if it stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReset:
    """Event: these nodes may enter again, as their next visit. Only the tag `by` keeps standing."""

    at: Instant
    nodes: tuple[NodeId, ...]
    by: Tag | None = None
    """The tag that caused it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAsked:
    """Event: a user asked to cancel the run."""

    at: Instant
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnding:
    """Event: the run's result is decided: no node enters any more, and running ones are stopped."""

    at: Instant
    good: bool
    why: str
    tag: Tag | None = None
    """The event that ended it, if one did."""
    result: RunResult | None = None
    """None in logs of floe 0.1."""
    label: str = ""
    """The verdict with which a judged run is over, or what a person ends it as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """Event: the last process of the run is gone; its resources are free."""

    at: Instant
    good: bool
    why: str
    outputs: Mapping[str, Json] = field(default_factory=dict)
    """What the flow's `outputs` came to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPacked:
    """Event: the digests of the outputs are recorded."""

    at: Instant
    digests: Mapping[str, str]
    """`sha256:…` by `node.visit.attempt`, for each output that is not empty."""


Event = (
    RunPended
    | NodeTaken
    | FlowPinned
    | RunGranted
    | GrantReturned
    | GrantRevoked
    | GrantSuperseded
    | RunActivated
    | RunReturned
    | RunResumed
    | NodeEntered
    | ItemsTaken
    | ItemEntered
    | ItemSettled
    | NodeStarted
    | WorkReturned
    | ChildPended
    | ChildTimedOut
    | DataAsked
    | CallAnswered
    | RetryArmed
    | RetryDue
    | RepeatArmed
    | NodeSettled
    | NodeSkipped
    | NodeReset
    | CancelAsked
    | RunEnding
    | RunEnded
    | RunPacked
    | RunOpened
    | ActionEnded
    | NodeSet
    | UpdateReceived
    | PassBegan
    | RunRested
    | RunExtended
    | PauseAsked
    | RunNoted
    | RunResolved
    | RunRestarted
    | RunEdited
)
