"""The directory: the rows of other hosts' runs that this host knows, and the rows that it sends.

The rows of a store's own runs are a stream by store position. A host sends the rows that changed
since its last message. A host that missed rows requests them, a page at a time. Messages may be
lost, doubled, late or out of order: a row replaces only an older one, and a mark only grows.

No I/O and no clock. The owner of a `Directory` sends and stores the results of its methods.

Source: docs/cluster-protocol.md, "The directory".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Final, NamedTuple

from floe.model.host import AsOf
from floe.model.ids import HostId, Instant, Json, RunRef, StoreId, address_key, address_of
from floe.model.nouns import dataclass
from floe.model.peer_message import Rows, RowsAfter
from floe.model.run import Pruned
from floe.model.summary import Summary, completed
from floe.store.base import Append, Change, LedgerWrite

KIND: Final = "directory"
"""Rows of the ledger: `h2@k3f9` to the position up to which that store's rows are known."""

ROWS_MAX: Final = 500
"""Rows of one message."""

ASK_MS: Final = 1_000
"""Milliseconds after which a request without a reply is repeated."""

STALE_MS: Final = 10_000
"""Milliseconds without a message after which the rows of a host count as stale."""


class DirectorySource(NamedTuple):
    """The owner of some rows."""

    host: HostId
    store: StoreId

    def __str__(self) -> str:
        return address_key(*self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the directory learned from a message of another host."""

    appends: tuple[Append, ...] = ()
    """Rows to store, in one transaction with `marks`."""
    prunes: tuple[Pruned, ...] = ()
    """Runs to remove, in the same transaction."""
    marks: tuple[LedgerWrite, ...] = ()
    ask: RowsAfter | None = None
    """A request to send to the sender of the message."""


NOTHING: Final = Learned()
NOBODY: Final[Mapping[str, Json]] = {}


@dataclass(slots=True)
class _Known:
    """The rows of one store, as far as they are known here."""

    mark: int = 0
    asked_at: Instant | None = None
    """When the rows after `mark` were last requested; None if no reply is expected."""
    reached: int = 0
    """`mark` before all rows were requested again."""


@dataclass(slots=True)
class Directory:
    """The known rows of other stores, and the rows of this store that were sent."""

    sent: int
    """The position up to which changes were sent. A host that was away requests them."""
    _known: dict[str, _Known] = field(default_factory=dict)
    _stores: dict[HostId, StoreId] = field(default_factory=dict)
    _seen: dict[HostId, Instant] = field(default_factory=dict)
    _waiting: dict[str, Change] = field(default_factory=dict)
    """Changes to send by run, in the order of their positions."""
    _head: int = 0

    def __post_init__(self) -> None:
        self._head = self.sent

    def load(self, marks: Mapping[str, Json], members: Mapping[str, Json] = NOBODY) -> None:
        """Load the marks of earlier processes: the ledger rows of `KIND`.

        `members`: by host its present store; it may have had different ones.
        """
        for key, mark in marks.items():
            self._known[key] = _Known(mark if isinstance(mark, int) else 0)
            host, store = address_of(key)
            self._stores[host] = store
        self._stores |= {HostId(host): StoreId(str(store)) for host, store in members.items()}

    # --- rows that this host sends ---

    @property
    def head(self) -> int:
        """The position of the newest change of an own row; goes out with every ping."""
        return self._head

    @property
    def has_news(self) -> bool:
        """Whether rows changed since the last `news`."""
        return self._head > self.sent

    def changed(self, upto: int, rows: Sequence[Summary | Pruned]) -> None:
        """Own rows changed, or were removed, in a batch that is on the disk up to a position."""
        for row in rows:
            self._waiting.pop(row.key, None)
            self._waiting[row.key] = Change(pos=upto, row=row)
        if rows:
            self._head = max(self._head, upto)

    def outdone(self, rows: Sequence[Summary]) -> None:
        """Newer rows of runs adopted here arrived and are stored: send these, not older ones."""
        for row in rows:
            if waiting := self._waiting.get(row.key):
                self._waiting[row.key] = replace(waiting, row=row)

    def news(self) -> Rows | None:
        """The changes since the last call, for all hosts, as one message."""
        if not self.has_news:
            return None
        after, self.sent = self.sent, self._head
        if len(self._waiting) > ROWS_MAX:  # hosts that lack some of them request pages
            self._waiting.clear()
            return Rows(after=self._head, upto=self._head, more=False)
        rows, pruned = _parted(self._waiting.values())
        self._waiting.clear()
        return Rows(after=after, upto=self.sent, rows=rows, pruned=pruned)

    def page(self, after: int, head: int, changes: Sequence[Change]) -> Rows:
        """The answer to `RowsAfter`.

        `changes` are the store's first `ROWS_MAX` after that position, and `head` is what `head`
        was before they were read.
        """
        rows, pruned = _parted(changes)
        if len(changes) < ROWS_MAX or changes[-1].pos >= head:
            return Rows(after=after, upto=max(after, head), rows=rows, pruned=pruned)
        return Rows(after=after, upto=changes[-1].pos, rows=rows, pruned=pruned, more=True)

    # --- rows that this host receives ---

    def move(self, by_ms: int) -> None:
        """The clock was set: the age of each host's last message stays the same."""
        self._seen = {host: Instant(at + by_ms) for host, at in self._seen.items()}

    def saw(self, source: DirectorySource, now: Instant, head: int | None = None) -> Learned:
        """A message came from a host; `head` is the newest change that its ping names."""
        self._seen[source.host] = now
        self.met(source)
        known = self._known_of(source)
        if head is None or head == known.mark:
            return NOTHING
        return self._ask(known, now)  # also below the mark: so that host learns what it lost

    def receive(self, source: DirectorySource, message: Rows, now: Instant) -> Learned:
        """Rows arrived. After a gap they are requested again, from the start of the gap.

        Raises IdInvalid for a row that names no run.
        """
        self.saw(source, now)
        known = self._known_of(source)
        if message.after > known.mark:
            return self._ask(known, now)
        if message.upto <= known.mark:
            if message.after == known.mark:
                known.asked_at = None  # the reply: no changes
            return NOTHING
        # First: an unreadable message changes nothing.
        appends = tuple(map(offered, message.rows))
        for pruned in message.pruned:
            RunRef.parse(pruned.key)
        known.mark = message.upto
        known.asked_at = None
        return Learned(
            appends=appends,
            prunes=message.pruned,
            marks=(LedgerWrite(kind=KIND, key=str(source), value=message.upto),),
            ask=self._ask(known, now).ask if message.more else None,
        )

    def doubt(self, source: DirectorySource) -> None:
        """Request all rows of a store again: one of them changed without an event."""
        known = self._known_of(source)
        known.mark, known.reached = 0, max(known.mark, known.reached)

    def met(self, source: DirectorySource) -> None:
        """A host uses this store now."""
        self._stores[source.host] = source.store

    def store_of(self, host: HostId) -> StoreId | None:
        """The store that a host used last; None if the host is not known."""
        return self._stores.get(host)

    def seen(self, host: HostId) -> Instant | None:
        """When the last message of a host came; None for none since this process began."""
        return self._seen.get(host)

    def hosts(self) -> tuple[HostId, ...]:
        """All hosts that were ever known."""
        return tuple(self._stores)

    def mark(self, host: HostId) -> tuple[StoreId, int] | None:
        """A host's store, and the position up to which its rows are known; None for neither."""
        store = self._stores.get(host)
        if store is None:
            return None
        known = self._known_of(DirectorySource(host, store))
        return store, max(known.mark, known.reached)

    def as_of(self, hosts: Sequence[HostId], now: Instant) -> AsOf:
        """The age of the rows of these hosts."""
        seen = {host: self._seen.get(host) for host in hosts}
        stale = [host for host, at in seen.items() if at is None or now - at >= STALE_MS]
        return AsOf(seen=seen, stale=tuple(stale))

    def _known_of(self, source: DirectorySource) -> _Known:
        return self._known.setdefault(str(source), _Known())

    def _ask(self, known: _Known, now: Instant) -> Learned:
        if known.asked_at is not None and 0 <= now - known.asked_at < ASK_MS:
            return NOTHING
        known.asked_at = now
        return Learned(ask=RowsAfter(after=known.mark))


def _parted(changes: Iterable[Change]) -> tuple[tuple[Summary, ...], tuple[Pruned, ...]]:
    """The rows and the removals among some changes."""
    found = [change.row for change in changes]
    rows = tuple(row for row in found if isinstance(row, Summary))
    return rows, tuple(row for row in found if isinstance(row, Pruned))


def offered(row: Summary) -> Append:
    """The append that stores a row of the directory that was received. Raises IdInvalid."""
    run, summary = RunRef.parse(row.key), completed(row)
    return Append(run=run, epoch=row.epoch, after=0, records=(), summary=summary)
