"""The inputs of the host's core, and its replies."""

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from floe.host.opening_inputs import OpeningInput
from floe.model.call import TakenWork
from floe.model.children import Parent
from floe.model.flow import Flow, Trigger
from floe.model.ids import HostId, Json, Key, NodeId, RunRef, StoreId
from floe.model.nouns import dataclass
from floe.model.peer_message import Envelope, Fact
from floe.model.run import Pruned
from floe.model.secret_name import SecretName
from floe.model.shared_row import Name
from floe.model.signal import Signal
from floe.model.summary import Summary
from floe.model.taken import ChildAgain, ItemsTaken, NodeTaken, RerunOf
from floe.store.base import Append, LedgerWrite


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Host input: a trigger was pulled, or a run is to start again: make a pending run."""

    flow: Flow
    digest: str | None
    """Of the flow as stored; None where its flow-file is to be read first."""
    trigger: NodeId
    values: Mapping[str, Json]
    by: str
    once: str = ""
    """Idempotency key or delivery id: a second start with the same key is answered with the run of
    the first, or with the reason why it started none. Empty for none."""
    marks: tuple[LedgerWrite, ...] = ()
    """Stored in the same transaction: timer and ref marks."""
    rerun_of: RerunOf | None = None
    """The run that is started again; None for a run of a trigger. If it was removed since this was
    prepared, the reply names no run."""
    taken: tuple[NodeTaken, ...] = ()
    """The nodes that are taken over from it."""
    items_taken: tuple[ItemsTaken, ...] = ()
    """The items that are taken over by nodes that run again."""
    children: tuple[ChildAgain, ...] = ()
    """The failed child runs that nodes of the run start again."""
    parent: Parent | None = None
    """The attempt that the run belongs to; None for a run that is no child."""
    only: HostId | None = None
    """The one host that may run it; None for any."""
    sealed: bool = False
    """Whether its log is encrypted even if its flow has no `seal`: the run that it repeats, or its
    parent, is sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """Host input: the child run that an attempt owes; its flow is known, and its values fit."""

    key: Key
    start: Start
    """For a child of the earlier run that starts again: a re-run of what failed in it."""
    why_new: str = ""
    """Why it is a new child, where a child of the earlier run was to start again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildrenLeft:
    """Host input: the living children of the earlier starts of a parent, as the lists have them.

    For a run whose host was forgotten; until it comes, no host gets the run again.
    """

    epoch: int
    """Of the pending parent."""
    rows: int = 0
    """How many rows of living children had come from peers since the parent waits, when this was
    read; what was read before the last of them does not count."""
    names: tuple[str, ...] = ()
    """What the parent waits for, each with its host, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildrenRead:
    """Host input: the rows of the children of a judged run whose pen came here."""

    rows: tuple[Summary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRead:
    """Host input: the whole log of a run that only waits here."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Host input: rows to store that start nothing: a first poll, missed ticks, tokens."""

    rows: tuple[LedgerWrite, ...]
    appends: tuple[Append, ...] = ()
    """Without records: rows of the directory that came from peers."""
    prunes: tuple[Pruned, ...] = ()
    """Runs that the hosts with their logs have removed."""
    promise: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PassOver:
    """Host input: the filters of a push trigger passed a delivery over, in whole or in part."""

    flow: Flow
    trigger: Trigger
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """Host input: remove ended runs whose logs are here, and flows that no run needs any more."""

    runs: tuple[Pruned, ...] = ()
    lost: tuple[Pruned, ...] = ()
    """Runs of which only a row is here, since their logs are gone with forgotten stores. Every host
    removes its own row of them, by its own limits."""
    flows: tuple[str, ...] = ()
    """Digests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRead:
    """Host input: the flow-file of a run was read and compiled."""

    flow: Flow
    digest: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Host input: the outputs of an ended run were digested, and it is in the archive, if any."""

    digests: Mapping[str, str]
    copied_bytes: int = 0
    """Bytes of outputs that are in the archive too."""


FLOOR_MAX: Final = 2**31
"""The floor of a run that was here and has left the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Host input: a message came from a peer."""

    envelope: Envelope
    floor: int | None = None
    """With an Offer or Withdraw: the ledger row `("floor", run key)`, None for none; `FLOOR_MAX`
    where the store has a log of the run and the table of runs does not have the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """Host input: the connection was refused; no byte of this Offer was written to a socket."""

    run: RunRef
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Host input: an operator gives up a host and its store permanently."""

    host: HostId
    store: StoreId | None = None
    """None for the store that it is known with."""
    force: bool = False
    """Even if it was seen less than `members.FORGET_AFTER_S` ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Host input: take no new runs, or take them again. A restart does not change it."""

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """Host input: the problems of this host's machine that keep runs away; empty for none."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretNames:
    """Host input: the names of the secrets that this host has now."""

    names: frozenset[SecretName]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKeysWrapped:
    """Host input: the keys of sealed runs, by run, wrapped with the host's newest key.

    A run that was removed meanwhile gets no row: its key is gone.
    """

    rows: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealKeys:
    """Host input: the ids of the keys of this host, which may open sealed runs of peers."""

    keys: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Host input: what the core cannot observe itself about this host, its store and peers' URLs.

    It replaces what the core knew before. A refused append does not undo it.
    """

    about: Mapping[str, Json]
    """What pings report about this host to people."""
    head: Json
    """The last position of the directory, for pings."""
    has_gone_back: bool
    """Whether peers know later facts of this store than the store has."""
    expected: int
    """The number of other hosts that the configured URLs lead to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """Host input: an operator takes a resource from its holder, at the keeper."""

    tag: str
    run: str = ""
    """The key of the run that loses it; empty for any run that holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOldest:
    """Host input: a program asks for outside work; it gets the oldest that fits."""

    queue: str
    labels: frozenset[str]
    """What the program has."""
    take: str
    """Names the take, also if it is repeated."""
    by: str
    name: str = ""
    """Only work of this name; empty for any."""
    once: str = ""
    """Idempotency key of a take that the program named: it gets the same answer when it asks again.
    Empty for none."""
    is_repeat: bool = False
    """Whether its program asked for it before, and has nothing: if no host knows what the take
    got, it becomes void."""
    run: str = ""
    """The key of the run whose work this take got before; empty for a first take."""
    run_at: HostId | None = None
    """The host of that run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """Host input: a take is void, since its taker never got the work, wherever that was taken."""

    take: str
    key: str = ""
    """Of the attempt; empty for the one that this take got from this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRow:
    """Host input: write a shared row. The reply has its number, once this host's copy has it."""

    request: str
    """Identifies the request in the cluster."""
    name: Name
    value: Json
    """None: delete the row."""
    by: str
    expected: int | None
    """The number of the row that it replaces, 0 for none; None for whichever there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUp:
    """Host input: a caller needs the shared rows as the keeper has them now.

    The reply comes when this host's copy has reached them.
    """


Input = (
    Signal
    | Start
    | Child
    | ChildrenLeft
    | ChildrenRead
    | LogRead
    | Mark
    | PassOver
    | Prune
    | FlowRead
    | Packed
    | Received
    | Unsent
    | Forget
    | Drain
    | Free
    | Troubles
    | SecretNames
    | RunKeysWrapped
    | SealKeys
    | Surroundings
    | TakeOldest
    | GiveBack
    | WriteRow
    | CatchUp
    | OpeningInput
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """An input of the host: for one run, or for the host (`run` None)."""

    input: Input
    run: RunRef | None = None
    ticket: int = 0
    """Names the caller that waits for a reply; 0 for none. An input without a ticket is tried again
    after a refused append, since its sender sends it once."""
    once: str = ""
    """Idempotency key of an input for a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The reply to the ticket of an input, given when everything that it depends on is stored."""

    ticket: int
    run: RunRef | None
    changed: bool
    """False: the input changed nothing (it was late or repeated, or the run is over)."""
    why: str = ""
    """Why it changed nothing, where there is a reason to show."""
    removed: tuple[str, ...] = ()
    """The keys of the runs that were removed."""
    taken: TakenWork | None = None
    """The outside work that was taken."""
    is_void: bool = False
    """The take never gets outside work."""
    number: int = 0
    """Of the last shared row that this host's copy has, or of the event in the inbox."""
    opened: Mapping[int, tuple[RunRef, ...]] = field(default_factory=dict)
    """The runs that events of the inbox opened, by the numbers of the events that left it."""
    is_away: bool = False
    """The keeper cannot write or send shared rows; `why` is what it does, without its name."""
