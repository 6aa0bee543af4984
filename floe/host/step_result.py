"""The result of one step of the core: what is stored first, and what is sent and done after."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property

from floe.dialects.base import RowReader
from floe.host.inputs import Reply
from floe.host.rows import row_of
from floe.host.undoable import Undo
from floe.model.effect import Effect
from floe.model.ids import Instant, RunRef
from floe.model.nouns import dataclass
from floe.model.peer_message import Envelope
from floe.model.run import Pruned, Run
from floe.model.summary import Summary
from floe.store.base import Append, LedgerWrite, Record


@dataclass(frozen=True)  # without slots, for the cached row
class Recorded:
    """In the result of a step: one event, and its run right before and after it."""

    record: Record
    before: Run | None
    """None for the first event of a run."""
    run: Run
    is_row_changed: bool
    """Whether the row of the run in lists changed."""
    reader: RowReader | None = None
    """Of the dialect of its flow; None for floe's own."""

    @cached_property
    def summary(self) -> Summary | None:
        """The row of the run, if it changed. Made on first use: of the events of one step, the
        store takes the last row alone, and only listeners need each."""
        return row_of(self.run, self.reader) if self.is_row_changed else None


def append_of(ref: RunRef, steps: Sequence[Recorded]) -> Append:
    """What the events of one run add to the store."""
    return Append(
        run=ref,
        epoch=steps[-1].record.epoch,
        after=steps[0].record.seq - 1,
        records=tuple([s.record for s in steps]),
        summary=next((s.summary for s in reversed(steps) if s.is_row_changed), None),
        dense=steps[-1].reader is not None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """The result of one step of the core."""

    appends: tuple[Append, ...] = ()
    ledger: tuple[LedgerWrite, ...] = ()
    prunes: tuple[Pruned, ...] = ()
    removals: tuple[Pruned, ...] = ()
    """Those of `prunes` that other hosts are to learn of from this one."""
    promise: bool = False
    recorded: tuple[Recorded, ...] = ()
    """All events in the order in which they are stored."""
    effects: tuple[Effect, ...] = ()
    """Newly owed."""
    closed: tuple[Effect, ...] = ()
    """No longer owed."""
    replies: tuple[Reply, ...] = ()
    messages: tuple[Envelope, ...] = ()
    """To other hosts, sent once all of this is stored."""
    rows: tuple[Summary, ...] = ()
    """Rows that changed without an event, of runs whose log is at a peer."""
    next_due: Instant | None = None
    """The latest instant of the next step, even without input; None where nothing is repeated."""
    before: Mapping[RunRef, Run | None] = field(default_factory=dict)
    """Each changed run as it was, to undo with."""
    changes: tuple[Undo, ...] = field(default=(), repr=False, compare=False)
    """How to undo all other changes, the newest first."""
    notices: tuple[LedgerWrite, ...] = ()
    """Entries of `ledger`: the notices that runs owe which ended in this step."""
    refused: tuple[str, ...] = ()
    """What peers sent that this host refused, each with the reason, for its log."""
