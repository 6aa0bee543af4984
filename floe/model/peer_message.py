"""The messages between peers: about pens, leases, and the state of each host.

A message may be lost, duplicated, late or out of order. If it must arrive, its sender repeats it
until it is answered. Messages name runs by their keys (`h1-12@k3f9`), and hosts with their store
as `h1@k3f9`. Shapes only grow: `codec` ignores unknown fields, so an older floe reads what it knows
of a newer message.

Source: docs/cluster-protocol.md, "The pen", "Leases" and "Shared rows".
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from floe.model.flow import Flow, WhenFull
from floe.model.ids import FlowId, HostId, Instant, Json, StoreId
from floe.model.move_messages import Fact as Fact
from floe.model.move_messages import Rested as Rested
from floe.model.move_messages import RestedStored as RestedStored
from floe.model.move_messages import Returned as Returned
from floe.model.move_messages import ReturnedStored as ReturnedStored
from floe.model.nouns import dataclass
from floe.model.run import Pruned
from floe.model.secret_name import SecretName
from floe.model.shared_message import SharedPage, SharedSince, SharedWritten, WriteShared
from floe.model.shared_row import Seen
from floe.model.summary import Summary
from floe.model.take_message import FoundWork, SeekWork, Take, Taken, Untake, Untaken

PROTOCOL: Final = 1
"""The protocol version between hosts. Hosts with different versions report it and share no runs."""


QUEUES_MAX: Final = 100
"""Queues of outside work in one ping: those with the oldest offers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Peer message without a reply: the state of a host, sent every 2 s and at each change."""

    at: Instant
    """By the sender's clock."""
    protocol: int = PROTOCOL
    tags: frozenset[str]
    slots: int
    active: int = 0
    draining: bool = False
    held: Mapping[str, str] = field(default_factory=dict)
    """Host-scoped resources and the run that holds each."""
    spaces: Mapping[FlowId, str] = field(default_factory=dict)
    """Flows with `reuse-space` and the run in their workspace."""
    keeper: HostId | None = None
    """The configured keeper; None if none is configured."""
    keeper_store: StoreId | None = None
    """The keeper's store, if the sender knows it."""
    forgotten: tuple[str, ...] = ()
    """All hosts that were ever forgotten, as `h2@store`."""
    forgotten_at: Mapping[str, Instant] = field(default_factory=dict)
    """When each was forgotten, by the clock of the host that received the command."""
    secrets: frozenset[SecretName] = frozenset()
    """The names of the secrets that it has."""
    keys: frozenset[str] = frozenset()
    """The ids of its keys, which may open sealed runs of the receiver."""
    queues: Mapping[str, Instant] = field(default_factory=dict)
    """By queue of outside work, since when its oldest offer waits; at most `QUEUES_MAX` of them."""
    shared_term: int = 0
    """Of the keeper: the term under which it writes shared rows; 0 while it writes none."""
    shared_number: int = 0
    """Of the keeper: the number of its last shared row."""
    about: Mapping[str, Json] = field(default_factory=dict)
    """Information for people, not for decisions: version, config and flow digests, load."""
    moves: bool = False
    """Whether it takes back runs that only wait; an older floe does not."""
    change: int = 0
    """Changes whenever any field above changes, except `at` and `about`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMe:
    """Peer message, a reply: the message was for a different store than mine; nothing changed."""

    mine: StoreId


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Peer message, a reply: your store was forgotten; its runs continued elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Peer message: take this run, with its log so far."""

    run: str
    epoch: int
    facts: tuple[Fact, ...]
    flow: Flow
    digest: str
    run_key: str = ""
    """Of a sealed run: its row of the ledger, with the key that wraps its own; empty for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Peer message, a reply: the run is active here; `fact` is its RunActivated."""

    run: str
    epoch: int
    fact: Fact


NEVER: Final = 2**62
"""A `Refused.change` that no `Ping.change` reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Peer message, a reply: the run is not here under this epoch, and never will be."""

    run: str
    epoch: int
    why: str
    change: int = 0
    """The sender's `Ping.change`: it would refuse again until that changes. `NEVER` if it always
    would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Peer message: return the run if it has not started."""

    run: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Peer message: a run that the receiver adopted is over; its log stays on the sender."""

    run: str
    epoch: int
    row: Summary
    """The row for lists from now on."""
    outputs: Mapping[str, Json] = field(default_factory=dict)
    """Of a child run that its parent waits for; none of other runs, whose log has them, and of a
    sealed one."""
    sealed: str = ""
    """Those of a sealed one as JSON, encrypted under its key, in base64; empty for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedStored:
    """Peer message, a reply: the end is stored; do not repeat it."""

    run: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRun:
    """Peer message to the pen holder: a user asked the adopter to cancel this run."""

    run: str
    epoch: int
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """In a peer message: a run's request for tags; its number grows with each revoked grant."""

    run: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLimit:
    """In a peer message: the group of a run for `max-runs`, a tag that several claims may hold."""

    tag: str
    limit: int
    """How many of them."""
    when_full: WhenFull = "queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquire:
    """Peer message to the keeper: request all these tags for one claim, or its queue position."""

    claim: Claim
    tags: tuple[str, ...]
    group: GroupLimit | None = None
    """One of the tags; all others are exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Peer message of the keeper: the claim holds its tags under these fences (`term.counter`)."""

    claim: Claim
    fences: Mapping[str, str]
    opening: int = 0
    """The keeper's term; hosts that answered a later census ignore the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldHeard:
    """Peer message to the keeper: the Held was received; do not repeat it."""

    claim: Claim
    fences: Mapping[str, str] = field(default_factory=dict)
    """The fences of the Held that this answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """Peer message of the keeper: the claim waits."""

    claim: Claim
    position: int
    """1 is the next; 0: the keeper grants nothing now, ask again."""
    holders: Mapping[str, str]
    """The run that holds each tag."""
    why: str = ""
    """For position 0: why the keeper grants nothing."""
    opening: int = 0
    """The keeper's term."""
    full: str = ""
    """The first of the runs before it, if they have all places of its group; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Yield:
    """Peer message of the keeper: end the run of this claim; newer runs of its group need room."""

    claim: Claim
    by: str
    """The newest of them."""
    opening: int = 0
    """The keeper's term."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Peer message to the keeper: the last process of the run is gone, or the run never started.

    Without fences, which only the adopter may send: this claim and the ones before it are over,
    whatever they hold.
    """

    claim: Claim
    fences: Mapping[str, str]
    parked: bool = False
    """No host can take the run now: the claim keeps its position, and asks again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Peer message of the keeper: the claim no longer holds these."""

    claim: Claim
    fences: Mapping[str, str] = field(default_factory=dict)
    """The fences of the Release that this answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Peer message of a keeper with a new store or term: report all claims that you know."""

    opening: int
    """The keeper's term; replies to any other term are ignored."""
    round: int = 0
    """0 to begin the term; above 0, to find claims of forgotten hosts that no host has any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """In a peer message: a claim as its adopter or pen holder knows it."""

    claim: Claim
    fences: Mapping[str, str] = field(default_factory=dict)
    """If empty, the claim waits."""
    tags: tuple[str, ...]
    group: GroupLimit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Peer message, a reply to a census: the claims of all runs that the sender adopted or runs."""

    opening: int
    round: int = 0
    claims: tuple[Claimed, ...] = ()
    shared: Seen = field(default_factory=dict)
    """What the sender's copy of the shared rows contains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Peer message to a keeper: take a higher term; the sender has seen one not below yours."""

    term: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Peer message: the sender's own rows that changed in its store between two positions.

    A receiver that is complete up to `after` is then complete up to `upto`.
    """

    after: int
    upto: int
    rows: tuple[Summary, ...] = ()
    pruned: tuple[Pruned, ...] = ()
    """Runs that were removed between the two positions."""
    more: bool = False
    """There are more rows after `upto`; request them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsAfter:
    """Peer message, a request: send the rows of your own runs that changed after this position."""

    after: int


Message = (
    Ping
    | NotMe
    | Forgotten
    | Offer
    | Accepted
    | Refused
    | Withdraw
    | Ended
    | EndedStored
    | Rested
    | RestedStored
    | Returned
    | ReturnedStored
    | CancelRun
    | Acquire
    | Held
    | HeldHeard
    | Queued
    | Yield
    | Release
    | Released
    | Census
    | Claims
    | Behind
    | SeekWork
    | FoundWork
    | Take
    | Taken
    | Untake
    | Untaken
    | WriteShared
    | SharedWritten
    | SharedSince
    | SharedPage
    | Rows
    | RowsAfter
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A peer message with its sender and receiver."""

    from_host: HostId
    from_store: StoreId
    to_host: HostId | None = None
    """None for every configured host."""
    to_store: StoreId | None = None
    """None for whichever store that host has; only for messages that identify a host."""
    message: Message
