"""What hosts say to one another: pens, leases, and how each of them is.

A message may be lost, doubled, late or out of order; everything that must arrive is repeated by
its sender until it is answered. Runs are named by their keys (`h1-12@k3f9`), hosts of one store
as `h1@k3f9`. Shapes only grow: `codec` ignores unknown fields, so an older floe reads a newer
one's words as far as they go.

Source: docs/cluster-protocol.md, "The pen" and "Leases".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from floe.model.flow import Flow
from floe.model.refs import FlowId, HostId, Instant, Json, StoreId
from floe.model.run import Summary

PROTOCOL: Final = 1
"""Of the words between hosts. Hosts whose numbers differ say so and give each other nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One event of a run's log on its way to another host."""

    epoch: int
    seq: int
    event: str
    """Its class."""
    body: str
    """Its JSON text, as it is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """How a host is, every 2 s and whenever it changed; answered by nothing but the other's own."""

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
    """As configured; None where nothing is."""
    keeper_store: StoreId | None = None
    """The keeper's store as far as it is known here."""
    forgotten: tuple[str, ...] = ()
    """All hosts that were ever forgotten, as `h2@store`."""
    forgotten_at: Mapping[str, Instant] = field(default_factory=dict)
    """When each of them was, by the clock of the host that was told."""
    about: Mapping[str, Json] = field(default_factory=dict)
    """What people look at and no decision rests on: version, config and flow digests, load."""
    change: int = 0
    """Another one each time that anything above but `at` and `about` is another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMe:
    """Your word was for another store than mine; nothing changed."""

    mine: StoreId


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Your store was forgotten; whatever you hold went on elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Take this run, with its log so far."""

    run: str
    epoch: int
    facts: tuple[Fact, ...]
    flow: Flow
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The run is here; `fact` is its RunActivated."""

    run: str
    epoch: int
    fact: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The run is not here under this epoch and never will be."""

    run: str
    epoch: int
    why: str
    change: int = 0
    """Of the sender's last Ping: until another one comes, it would refuse again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Give the run back if you have not begun it."""

    run: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The run that you adopted is over; its log stays where it ran."""

    run: str
    epoch: int
    row: Summary
    """As lists show it from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedStored:
    """The end is stored here; you need not say it again."""

    run: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRun:
    """To the pen holder: somebody asked its adopter for the end of this run."""

    run: str
    epoch: int
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One run's wish for resource tags; the number grows with each grant that was revoked."""

    run: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquire:
    """To the keeper: all of these tags for one claim, or its place in the queue."""

    claim: Claim
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """From the keeper: the claim holds its tags under these fences (`term.counter`)."""

    claim: Claim
    fences: Mapping[str, str]
    opening: int = 0
    """The keeper's term: a host that has answered a later census does not believe it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldHeard:
    """To the keeper: the turn of this claim is known; it need not be said again."""

    claim: Claim
    fences: Mapping[str, str] = field(default_factory=dict)
    """As in the Held that this answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """From the keeper: the claim waits."""

    claim: Claim
    position: int
    """1 is the next; 0: nothing is given now, ask again."""
    holders: Mapping[str, str]
    """Tag and the run that holds it."""
    why: str = ""
    """With 0: why nothing is given."""
    opening: int = 0
    """The keeper's term."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """To the keeper: the last process of the run is gone, or it was never begun.

    Without fences, which only its adopter says: the claim and those before it are over, whatever
    they hold.
    """

    claim: Claim
    fences: Mapping[str, str]
    parked: bool = False
    """No host takes the run for now: it keeps its place, and asks again when one would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """From the keeper: the claim does not hold these any more."""

    claim: Claim
    fences: Mapping[str, str] = field(default_factory=dict)
    """As in the Release that this answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """From a keeper with a new store, or that opens again: say all claims you know of."""

    opening: int
    """Its term: what is answered to another opening counts for nothing."""
    round: int = 0
    """0 to open; above: to find claims of forgotten hosts that nobody has any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A claim as adopter or pen holder knows it."""

    claim: Claim
    fences: Mapping[str, str] = field(default_factory=dict)
    """Empty: it waits."""
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The answer to a census: every claim of runs adopted or run here."""

    opening: int
    round: int = 0
    claims: tuple[Claimed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """To a keeper whose term is not above one that was seen here: take a higher one."""

    term: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of the sender's own runs, all that changed in its store between two positions.

    Whoever has heard everything up to `after` has with them heard everything up to `upto`.
    """

    after: int
    upto: int
    rows: tuple[Summary, ...] = ()
    more: bool = False
    """There is more after `upto`, and it comes when it is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsAfter:
    """Tell me the rows of your own runs that changed after a position of your store."""

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
    | CancelRun
    | Acquire
    | Held
    | HeldHeard
    | Queued
    | Release
    | Released
    | Census
    | Claims
    | Behind
    | Rows
    | RowsAfter
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A message with both ends."""

    from_host: HostId
    from_store: StoreId
    to_host: HostId | None = None
    """None: to every configured host."""
    to_store: StoreId | None = None
    """None: whichever store that host has; only words that ask who it is."""
    message: Message
