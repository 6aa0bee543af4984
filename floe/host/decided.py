"""What one step of the core comes to: what is stored first, and what is told and done after."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from floe.host.inputs import Reply
from floe.host.rows import Undo
from floe.model.effect import Effect
from floe.model.message import Envelope
from floe.model.refs import Instant, RunRef
from floe.model.run import Run, Summary
from floe.store.base import Append, LedgerWrite, Record


@dataclass(frozen=True, slots=True)
class Step:
    """One fact, and its run right before and after it."""

    record: Record
    before: Run | None
    """None for the first fact of a run."""
    run: Run
    summary: Summary | None
    """Only where the row by which lists know the run changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What one step of the core comes to."""

    appends: tuple[Append, ...] = ()
    ledger: tuple[LedgerWrite, ...] = ()
    promise: bool = False
    steps: tuple[Step, ...] = ()
    """All facts in the order in which they are stored."""
    effects: tuple[Effect, ...] = ()
    """Newly owed."""
    closed: tuple[Effect, ...] = ()
    """Owed no more."""
    replies: tuple[Reply, ...] = ()
    messages: tuple[Envelope, ...] = ()
    """To other hosts, sent once all of this is stored."""
    rows: tuple[Summary, ...] = ()
    """Rows that changed without a fact: of runs whose log is at another host."""
    next_due: Instant | None = None
    """When to step again though no word came; None where nothing is to be repeated."""
    before: Mapping[RunRef, Run | None] = field(default_factory=dict)
    """Each touched run as it was, to undo with."""
    changes: tuple[Undo, ...] = field(default=(), repr=False, compare=False)
    """How to take back what changed of the cluster, newest first."""
