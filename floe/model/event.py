"""Facts about a run, in the past tense: the log, and all that a run is.

Each has `at`, the instant it was recorded. Adding a field with a default is always safe; nothing
is ever removed or renamed, since logs of every released version must fold for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from floe.model.flow import Work
from floe.model.outcome import Outcome
from floe.model.refs import NO_ITEM, FlowId, HostId, Instant, Json, NodeId, StoreId
from floe.model.tags import Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPended:
    """A trigger was accepted; the run waits for a host."""

    at: Instant
    flow: FlowId
    ver: int
    trigger: NodeId
    values: Mapping[str, Json]
    by: str
    """The user, or `trigger:<id>`."""
    digest: str | None = None
    """Of the compiled flow; None while its flow-file is to be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPinned:
    """The flow-file was read; later edits do not touch this run."""

    at: Instant
    digest: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunGranted:
    """The adopter gave the run to a host, under a new epoch."""

    at: Instant
    host: HostId
    store: StoreId
    epoch: int
    fences: Mapping[str, str]
    """Resource tag to `term.counter`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantReturned:
    """The host said no."""

    at: Instant
    epoch: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRevoked:
    """The host was forgotten; its grant is void."""

    at: Instant
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantSuperseded:
    """This copy is over: it was forgotten and went on elsewhere under a higher epoch, or came with
    the backup of a store and was given up."""

    at: Instant
    epoch: int
    by: str = ""
    """Who gave it up; empty where it was forgotten."""
    why: str = ""
    """Empty likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunActivated:
    """The run began on a host; `trigger.good` stands."""

    at: Instant
    host: HostId
    epoch: int
    workspace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntered:
    """A node woke; `work` is rendered, and `sources` are the nodes whose outputs it sees,
    nearest last (the trigger's values lie under all of them)."""

    at: Instant
    node: NodeId
    visit: int
    work: Work
    sources: tuple[NodeId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStarted:
    """The process of an attempt was started."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    started_at: Instant
    """By the clock of who started it."""
    item: int = NO_ITEM


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAsked:
    """A form is open."""

    at: Instant
    node: NodeId
    visit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryArmed:
    """An attempt failed; the next is due later. No tag is issued."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    """The one that failed."""
    outcome: Outcome
    due: Instant
    ended_at: Instant
    output_bytes: int = 0
    lost: bool = False
    """Outside `retry.max`."""
    item: int = NO_ITEM


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDue:
    """The next attempt may start."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    """The one that may start."""
    item: int = NO_ITEM


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettled:
    """A node is done; `tag` stands from here on."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    outcome: Outcome
    tag: Tag | None
    """None where the attempt was stopped."""
    good: bool
    """Whether `tag` counts as a good event."""
    ended_at: Instant
    outputs: Mapping[str, Json]
    output_bytes: int = 0
    by: str = ""
    """Who answered the form; empty otherwise."""
    tags: tuple[Tag, ...] = ()
    """Tags that stand from here on beside `tag`; none in floe's own flow language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReset:
    """These nodes may enter again, as their next visit. Their tags no longer stand, except `by`."""

    at: Instant
    nodes: tuple[NodeId, ...]
    by: Tag | None = None
    """The tag that caused it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAsked:
    """Somebody asked for the end of the run."""

    at: Instant
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnding:
    """How the run ends is decided: nothing enters any more, what runs is stopped."""

    at: Instant
    good: bool
    why: str
    tag: Tag | None = None
    """The event that ended it, where one did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The last process of the run is gone; what it held is free."""

    at: Instant
    good: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPacked:
    """The outputs were closed with their digests."""

    at: Instant
    digests: Mapping[str, str]
    """`node.visit.attempt` to `sha256:…`, for each output that is not empty."""


Event = (
    RunPended
    | FlowPinned
    | RunGranted
    | GrantReturned
    | GrantRevoked
    | GrantSuperseded
    | RunActivated
    | NodeEntered
    | NodeStarted
    | DataAsked
    | RetryArmed
    | RetryDue
    | NodeSettled
    | NodeReset
    | CancelAsked
    | RunEnding
    | RunEnded
    | RunPacked
)
