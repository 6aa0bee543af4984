"""What reaches the hub, and what it answers: signals with an address, and replies with a ticket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from floe.model.flow import Flow
from floe.model.message import Envelope
from floe.model.refs import HostId, Json, NodeId, RunRef, StoreId
from floe.model.signal import Signal
from floe.store.base import Append, LedgerWrite


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A trigger was pulled: make a pending run."""

    flow: Flow
    digest: str | None
    """Of the flow as stored; None where its flow-file is to be read first."""
    trigger: NodeId
    values: Mapping[str, Json]
    by: str
    once: str = ""
    """Idempotency key or delivery id: a second start with the same is answered with the first
    one's run. Empty for none."""
    marks: tuple[LedgerWrite, ...] = ()
    """Stored in the same transaction: timer and ref marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Rows to store that start nothing: a first poll, missed ticks, tokens."""

    rows: tuple[LedgerWrite, ...]
    appends: tuple[Append, ...] = ()
    """Without records: rows of the directory that were heard from other hosts."""
    promise: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRead:
    """The flow-file of a run was read and compiled."""

    flow: Flow
    digest: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """The outputs of an ended run were digested."""

    digests: Mapping[str, str]


FLOOR_MAX: Final = 2**31
"""The floor of a run that was here and is not in the table any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message came from another host."""

    envelope: Envelope
    floor: int | None = None
    """With an Offer or Withdraw: what the ledger row `("floor", run key)` says, None for none;
    `FLOOR_MAX` where the store has a log of that run and `core.table.runs` has it not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """The connection was refused, and this process never wrote one byte of this Offer."""

    run: RunRef
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """An operator says that a host is gone for good, and its store with it."""

    host: HostId
    store: StoreId | None = None
    """None: the one it is known with."""
    force: bool = False
    """Also if it was seen less than `members.FORGET_AFTER_S` ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Take no new runs, or take them again. Stays so over a restart."""

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """What of this host's machine keeps runs from it, as it was last seen; empty for nothing."""

    says: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the core cannot observe itself: facts about this host, its store and its peers' URLs.

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
    """An operator takes a resource from its holder. Heard by the keeper alone."""

    tag: str
    run: str = ""
    """The key of the run that is to lose it; empty for whichever holds it."""


Word = (
    Signal
    | Start
    | Mark
    | FlowRead
    | Packed
    | Heard
    | Unsent
    | Forget
    | Drain
    | Free
    | Troubles
    | Surroundings
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """A word to one run, or to the host (`run` None)."""

    word: Word
    run: RunRef | None = None
    ticket: int = 0
    """Whom to answer; 0 for nobody. What nobody waits for is tried again after a failed append,
    since its sender has told it once."""
    once: str = ""
    """Idempotency key of a word to a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to a ticket, told only when everything it rests on is stored."""

    ticket: int
    run: RunRef | None
    changed: bool
    """False: the word changed nothing (late, repeated, or the thing is over)."""
    why: str = ""
    """Why it changed nothing, where there is more to say."""
