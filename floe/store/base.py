"""The port of a store: what every implementation promises. `tests/conformance` holds each to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from floe.model.event import Event
from floe.model.refs import FlowId, HostId, Instant, Json, RunRef, StoreId
from floe.model.run import State, Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One event on a run's log, with its JSON text encoded once for store and feed alike."""

    run: RunRef
    epoch: int
    seq: int
    """From 1, without gaps."""
    event: Event
    body: str
    """`codec.to_text(codec.encode_event(event))`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record as it is read back, with its place in the store's own order."""

    pos: int
    """From 1, growing; gaps are possible."""
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Events to add to one run, and the row by which lists know it afterwards."""

    run: RunRef
    epoch: int
    """Of the pen. An append with an epoch below the run's last one is refused."""
    after: int
    """The sequence number the run must have now; 0 for a new run."""
    records: tuple[Record, ...]
    """One after another from `after`; epochs never fall, and the last record has the append's.
    Without records an append only offers a row, as it was heard from another host: `epoch` and
    `after` say nothing then, whatever log the run has here, and nothing can conflict."""
    summary: Summary | None = None
    """None: the row did not change but for `seq`, which the store need not keep up.

    A row replaces another only if it is newer: if its (epoch, seq) is greater. That is right
    although `seq` is not kept up, since each row carries the `seq` of the fact that changed it: of
    two rows of one run that differ, the one changed by the later fact has the greater one.
    Under the same (epoch, seq) a row in the archive replaces one that is not: that of a run that
    is over without a fact, since it was lost with its hosts.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row of the directory of which an append with records wrote some version."""

    pos: int
    """Of the last record of the append that wrote one last; what was heard since has none."""
    summary: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerWrite:
    """A row beside the logs: serials, marks, floors, owed messages, tokens, compiled flows."""

    kind: str
    key: str
    value: Json
    """None deletes the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Which runs, newest first (by pended_at, then key)."""

    flow: FlowId | None = None
    states: frozenset[State] = frozenset()
    """Empty for all."""
    good: bool | None = None
    host: HostId | None = None
    since: Instant | None = None
    """Pended then or later."""
    until: Instant | None = None
    """Pended before."""
    text: str = ""
    """Case-insensitive part of id, flow, why, by or trigger. A page of a search may hold fewer
    than `limit` runs and still have a `next`: each page looks through so many rows at most."""
    limit: int = 50
    """At least 1; less: Yours."""
    cursor: str = ""
    """`RunPage.next` of the page before; empty for the first. An unreadable one: Yours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """One page of a list of runs."""

    runs: tuple[Summary, ...]
    next: str = ""
    """The cursor of the page after this; empty where this is the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one transaction writes: all of it or nothing."""

    appends: Sequence[Append] = ()
    ledger: Sequence[LedgerWrite] = field(default=())
    promise: bool = False
    """True: survives power loss before `append` returns. False: survives the death of every floe
    process, and every promise made later makes it durable too."""


class RunStore(Protocol):
    """Memory of facts. One process uses a store at a time."""

    @property
    def store_id(self) -> StoreId:
        """Random, made with the store; known after `open`."""
        ...

    @property
    def skipped(self) -> range:
        """Positions that this `open` left out, since power may have failed: never given to a fact
        that is here, and whoever knows one heard of facts that are not. Known after `open`."""
        ...

    async def open(self) -> None:
        """Make or open the store. What was appended before is on the disk then.

        Raises StoreBusy (another process uses it), StoreForeign (not a floe store, or written
        by a newer floe), StoreFailed.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted and let go. Idempotent; may be called before `open`."""
        ...

    async def append(self, batch: Batch) -> int:
        """Store a batch in one transaction; return the position of its last record.

        Where a batch has no record, the position is the store's last one. Positions inside a
        batch follow one another in the order given. Batches are stored in the order of the
        calls, also when they are awaited together (group commit). A caller that is cancelled
        while it waits may find its batch stored.

        Raises StoreConflict, StoreFailed (disk full, read-only, not open), ValueError (NaN, a
        lone surrogate, an integer beyond 64 bits: what no store can hold). Nothing of the batch
        is stored then, and the batches beside it are not touched.
        """
        ...

    async def check(self) -> None:
        """See that what is stored is where the next `open` will find it. Raises StoreFailed."""
        ...

    async def history(self, run: RunRef, after: int = 0, limit: int = 0) -> Sequence[Stored]:
        """The events of a run after a sequence number, in order; `limit` 0 for all.

        Raises StoreForeign for an event that this version does not know; so does `tail`.
        """
        ...

    async def runs(self, query: RunQuery) -> RunPage:
        """One page of the directory, by an index: the cost does not grow with the archive."""
        ...

    async def find(self, run: RunRef) -> Summary | None:
        """The directory row of one run."""
        ...

    async def changes(self, after: int, limit: int) -> Sequence[Change]:
        """This store's own rows that changed after a position, in the order of their changes.

        Own is a row that ever came with records, as it is now: a newer one that was heard in its
        place is told from the place of the old. Rows that were only heard are left out. Each run
        is there once.
        """
        ...

    async def tail(self, after: int, limit: int = 0) -> Sequence[Stored]:
        """All runs' events after a position, in the store's order; `limit` 0 for all."""
        ...

    async def head(self) -> int:
        """The highest position that anybody may know: of the newest event or, before the first
        since `open`, the one after those that were `skipped`; 0 in a new store."""
        ...

    async def ledger(self, kind: str) -> Mapping[str, Json]:
        """All ledger rows of a kind by key."""
        ...

    async def row(self, kind: str, key: str) -> Json:
        """One ledger row; None where there is none."""
        ...
