"""What reaches the hub, and what it answers: signals with an address, and replies with a ticket."""

from collections.abc import Mapping
from dataclasses import dataclass

from floe.model.flow import Flow
from floe.model.refs import Json, NodeId, RunRef
from floe.model.signal import Signal
from floe.store.base import LedgerWrite


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


Word = Signal | Start | Mark | FlowRead | Packed


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
