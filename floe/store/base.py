"""The port of a store. `tests/conformance` runs against every implementation."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from typing import Final, Literal, Protocol

from floe.model.codec import Body
from floe.model.event import Event
from floe.model.ids import FlowId, HostId, Instant, Json, RunRef, StoreId
from floe.model.nouns import dataclass
from floe.model.result import RunResult
from floe.model.run import Pruned, State
from floe.model.summary import Summary

PRUNED_MAX: Final = 10_000
"""Removed runs of which a store knows when and why, however long ago that was."""

PRUNED_S: Final = 3 * 86_400
"""Seconds for which it knows that of all of them. GitHub delivers a webhook again within 3 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """For a store: one event on a run's log, with its JSON text encoded once for all readers."""

    run: RunRef
    epoch: int
    seq: int
    """From 1, without gaps."""
    event: Event
    body: Body
    """`codec.to_text(codec.encode_event(event))`, or bytes that hold it sealed. A store returns it
    as it was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """From a store: a record read back, with its position in the store's own order."""

    pos: int
    """From 1, growing; gaps are possible."""
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """For a store: events to add to one run's log, and the run's new row in lists."""

    run: RunRef
    epoch: int
    """The writer's epoch. An append with an epoch below the run's last one is refused."""
    after: int
    """The sequence number the run must have now; 0 for a new run."""
    records: tuple[Record, ...]
    """Consecutive from `after`; epochs never fall, and the last record has the append's epoch.
    An append without records only offers a row received from a peer: `epoch` and `after` are
    ignored then, whatever log the run has here, and nothing can conflict."""
    summary: Summary | None = None
    """None: nothing in the row changed except `seq`, which the store need not update.

    A row replaces an older one only if its (epoch, seq) is greater. Comparing (epoch, seq) is safe
    even though `seq` lags: each row stores the `seq` of the event that last changed it. Under the
    same (epoch, seq) a row in the archive replaces one that is not. That is the row of a run that
    was lost with its hosts, which ended without an event. Where that is the same too, a row of a
    higher edition replaces one of a lower.

    The facets of the row are stored with it, in place of those of the older row.
    """
    dense: bool = False
    """Whether the events are to take little space rather than little time: those of judged runs,
    of which there are many, and which commands make no larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From a store: the current row of a run for which it ever appended events, or its removal."""

    pos: int
    """Of the last own append that wrote the row, or of the removal. A row received since then keeps
    this position."""
    row: Summary | Pruned


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerWrite:
    """For a store: an entry beside the logs: serials, marks, owed messages, tokens, flows."""

    kind: str
    key: str
    value: Json
    """None deletes the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """For a store: a choice of runs, newest first (by pended_at, then key)."""

    flow: FlowId | None = None
    states: frozenset[State] = frozenset()
    """Empty for all."""
    good: bool | None = None
    results: frozenset[RunResult] = frozenset()
    """Empty for all, and for runs that have none yet."""
    host: HostId | None = None
    since: Instant | None = None
    """Pended at this instant or later."""
    until: Instant | None = None
    """Pended before this instant."""
    parent: str = ""
    """The key of a run: only its child runs. Empty for all."""
    text: str = ""
    """Case-insensitive part of id, title, values, flow, why, by or trigger. A page of a search may
    have fewer than `limit` runs and still have a `next`, because each page searches a limited
    number of rows."""
    limit: int = 50
    """At least 1; a smaller limit raises Yours."""
    cursor: str = ""
    """`RunPage.next` of the page before; empty for the first. An invalid cursor raises Yours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """From a store: one page of a list of runs."""

    runs: tuple[Summary, ...]
    next: str = ""
    """The cursor of the next page; empty on the last page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetFilter:
    """In a query for runs by facets: a facet that one row of a run has."""

    kind: str
    keys: tuple[str, ...]
    """Any of them; at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetQuery:
    """For a store: a choice of runs with a row that has facets for all filters.

    A run is listed once, at the first such row in the order.
    """

    filters: tuple[FacetFilter, ...]
    """At least one; a query without raises Yours."""
    order: Literal["newest", "oldest"] = "newest"
    """By `Facet.at` of the row, then by the key of the run, then by the row."""
    limit: int = 50
    """At least 1; a smaller limit raises Yours."""
    cursor: str = ""
    """As in `RunQuery`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetMatch:
    """From a store: a run in a list by facets."""

    run: Summary
    row: int
    """The first of its rows that match."""
    at: Instant
    """That of this row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetPage:
    """From a store: one page of a list by facets.

    It may have fewer than `limit` runs and still have a `next`, because each page reads a limited
    number of facets.
    """

    matches: tuple[FacetMatch, ...]
    next: str = ""
    """The cursor of the next page; empty on the last page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRuns:
    """From a store: what a list of flows shows of the runs of one of them."""

    last: Summary | None = None
    """The newest run; None for no run."""
    bad: int = 0
    """Archived runs that failed (bad or stalled) since the newest good one, up to a limit."""
    bad_since: Instant | None = None
    """When the oldest of those ended."""
    has_more: bool = False
    """There are more than the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """For a store: the content of one transaction, stored completely or not at all."""

    appends: Sequence[Append] = ()
    ledger: Sequence[LedgerWrite] = field(default=())
    prunes: Sequence[Pruned] = ()
    """Runs to remove: their logs and rows. Nothing else of the batch may concern them. `pruned`
    finds the record of each. Their idempotency keys stay as long as this record. The removal of an
    earlier epoch than that of a run's row changes nothing."""
    promise: bool = False
    """True: survives power loss before `append` returns. False: survives the death of every floe
    process, and every promise made later makes it durable too."""


class RunStore(Protocol):
    """The port for stores of events. One process uses a store at a time."""

    @property
    def store_id(self) -> StoreId:
        """Random, created with the store; known after `open`."""
        ...

    @property
    def skipped(self) -> range:
        """Positions that this `open` skipped because of a possible power failure.

        No event in this store has such a position. A listener at one of them has received events
        that are lost. Known after `open`.
        """
        ...

    async def open(self) -> None:
        """Create or open the store. All earlier appends are on disk afterwards.

        Raises StoreBusy (another process uses it), StoreForeign (not a floe store, or written
        by a newer floe), StoreFailed.
        """
        ...

    async def close(self) -> None:
        """Store the accepted batches and release all resources.

        Idempotent; may be called before `open`.
        """
        ...

    async def append(self, batch: Batch) -> int:
        """Store a batch in one transaction; return the position of its last record.

        For a batch without records the position is the store's last one. Positions inside a
        batch follow the order of its records. Batches are stored in the order of the
        calls, also when they are awaited together (group commit). If the caller is cancelled
        while it waits, its batch may still be stored.

        Raises StoreConflict, StoreFailed (disk full, read-only, not open), ValueError (NaN, a
        lone surrogate, an integer beyond 64 bits: values that no store can keep). Then nothing of
        the batch is stored, and other batches are not affected.
        """
        ...

    async def check(self) -> None:
        """Check that the next `open` will find the stored data. Raises StoreFailed."""
        ...

    async def history(self, run: RunRef, after: int = 0, limit: int = 0) -> Sequence[Stored]:
        """The events of a run after a sequence number, in order; `limit` 0 for all.

        Raises StoreForeign for an event unknown to this version, as does `tail`; KeyMissing for a
        sealed run whose key is missing.
        """
        ...

    async def histories(self, runs: Sequence[RunRef]) -> Sequence[Sequence[Stored]]:
        """All events of each of some runs, in one read. Raises as `history`."""
        ...

    async def runs(self, query: RunQuery) -> RunPage:
        """One page of the directory, by an index: the cost does not grow with the archive."""
        ...

    async def runs_by_facets(self, query: FacetQuery) -> FacetPage:
        """One page of the runs with some facets, by an index: runs without facets cost nothing."""
        ...

    async def flow_runs(self, flows: Collection[FlowId], bad_max: int) -> Mapping[FlowId, FlowRuns]:
        """The newest run of each flow, and how many of its runs failed since the last good one.

        `bad_max` are counted at most; cancelled and rejected runs are left out.

        By an index, as a page. A flow without a run may be left out.
        """
        ...

    async def find(self, run: RunRef) -> Summary | None:
        """The directory row of one run."""
        ...

    async def pruned(self, run: RunRef) -> Pruned | None:
        """The record of a removed run; None if it was not removed, or that was forgotten.

        The removals of the last `PRUNED_S`, and the latest `PRUNED_MAX`, are never forgotten. A row
        that a peer offers of such a run is ignored, unless it is of a later epoch.
        """
        ...

    async def traces(self, run: RunRef, kind: str) -> tuple[bool, Json]:
        """Whether a run has a log here or was removed, and the ledger entry of a kind with its key.

        One read, because an offered run waits for it.
        """
        ...

    async def repeated(self, runs: Collection[str]) -> frozenset[str]:
        """Those of some runs, by their keys, that are repeated by a run with a row."""
        ...

    async def size(self) -> int:
        """The bytes of the store's files."""
        ...

    async def changes(self, after: int, limit: int) -> Sequence[Change]:
        """This store's own rows that changed after a position, in the order of their changes.

        Removed rows are among them, until their removal is forgotten.

        A row is ours if we ever appended events for that run. If a peer's newer copy replaced it,
        report that copy at the old position. Rows that only came from peers are left out. Each
        run occurs once.
        """
        ...

    async def tail(self, after: int, limit: int = 0) -> Sequence[Stored]:
        """All runs' events after a position, in the store's order; `limit` 0 for all.

        Those of sealed runs whose keys are missing are left out.
        """
        ...

    async def head(self) -> int:
        """The highest position that a listener may have received; 0 in a new store.

        That of the newest event or, before the first event since `open`, the position after
        `skipped`.
        """
        ...

    async def ledger(self, kind: str) -> Mapping[str, Json]:
        """All ledger entries of a kind by key."""
        ...

    async def row(self, kind: str, key: str) -> Json:
        """One ledger entry; None if it does not exist."""
        ...
