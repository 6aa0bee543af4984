"""The directory: what this host's lists know of other hosts' runs, and what it tells of its own.

The rows of a store's own runs are a stream by store position. A host says what changed since it
last said something; who has missed a part asks for it, a page at a time. Words may be lost,
doubled, late or out of order: a row replaces only an older one, and a mark only grows.

No I/O and no clock. Whoever owns a `Directory` sends what it returns and stores what it returns.

Source: docs/cluster-protocol.md, "The directory".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from floe.model.host import AsOf
from floe.model.message import Rows, RowsAfter
from floe.model.refs import HostId, Instant, Json, RunRef, StoreId, place_key, place_of
from floe.model.run import Summary
from floe.store.base import Append, Change, LedgerWrite

KIND: Final = "directory"
"""Rows of the ledger: `h2@k3f9` to the position up to which that store's rows were heard."""

ROWS_MAX: Final = 500
"""Rows of one message."""

ASK_MS: Final = 1_000
"""Milliseconds after which an unanswered question is asked again."""

STALE_MS: Final = 10_000
"""Milliseconds without a word after which what is known of a host is called stale."""


class Source(NamedTuple):
    """Whose rows they are."""

    host: HostId
    store: StoreId

    def __str__(self) -> str:
        return place_key(*self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a word of another host comes to."""

    appends: tuple[Append, ...] = ()
    """Rows to store, in one transaction with `marks`."""
    marks: tuple[LedgerWrite, ...] = ()
    ask: RowsAfter | None = None
    """To be sent to where the word came from."""


NOTHING: Final = Learned()
NOBODY: Final[Mapping[str, Json]] = {}


@dataclass(slots=True)
class _Known:
    """One store as it was heard."""

    mark: int = 0
    asked_at: Instant | None = None
    """When the rows after `mark` were last asked for; None where they are not awaited."""
    reached: int = 0
    """`mark` before all rows were asked for once more."""


@dataclass(slots=True)
class Directory:
    """What is known of other stores' rows, and what was told of this one's."""

    told: int
    """The position up to which changes were told, or need not be: who was not there asks."""
    _known: dict[str, _Known] = field(default_factory=dict)
    _stores: dict[HostId, StoreId] = field(default_factory=dict)
    _seen: dict[HostId, Instant] = field(default_factory=dict)
    _waiting: dict[str, Change] = field(default_factory=dict)
    """Changes to tell by run, in the order of their positions."""
    _head: int = 0

    def __post_init__(self) -> None:
        self._head = self.told

    def load(self, marks: Mapping[str, Json], members: Mapping[str, Json] = NOBODY) -> None:
        """Take in what was heard before this process began: the ledger rows of `KIND`.

        `members`: by host the store that it is known with now; it may have had others.
        """
        for key, mark in marks.items():
            self._known[key] = _Known(mark if isinstance(mark, int) else 0)
            host, store = place_of(key)
            self._stores[host] = store
        self._stores |= {HostId(host): StoreId(str(store)) for host, store in members.items()}

    # --- what this host tells ---

    @property
    def head(self) -> int:
        """The position of the newest change of an own row; goes out with every ping."""
        return self._head

    @property
    def has_news(self) -> bool:
        """Whether `news` would return something."""
        return self._head > self.told

    def changed(self, upto: int, rows: Sequence[Summary]) -> None:
        """Own rows changed in a batch that is on the disk up to a position."""
        for row in rows:
            self._waiting.pop(row.key, None)
            self._waiting[row.key] = Change(pos=upto, summary=row)
        if rows:
            self._head = max(self._head, upto)

    def outdone(self, rows: Sequence[Summary]) -> None:
        """Rows of runs that were adopted here were heard for good: older ones are not told now."""
        for row in rows:
            if waiting := self._waiting.get(row.key):
                self._waiting[row.key] = replace(waiting, summary=row)

    def news(self) -> Rows | None:
        """What changed since the last call, for all hosts; at most one message's worth."""
        if not self.has_news:
            return None
        after, self.told = self.told, self._head
        if len(self._waiting) > ROWS_MAX:  # who has not got all of them asks for pages
            self._waiting.clear()
            return Rows(after=self._head, upto=self._head, more=False)
        rows = tuple(change.summary for change in self._waiting.values())
        self._waiting.clear()
        return Rows(after=after, upto=self.told, rows=rows)

    def page(self, after: int, head: int, changes: Sequence[Change]) -> Rows:
        """The answer to `RowsAfter`.

        `changes` are the store's first `ROWS_MAX` after that position, and `head` is what `head`
        was before they were read.
        """
        rows = tuple(change.summary for change in changes)
        if len(changes) < ROWS_MAX or changes[-1].pos >= head:
            return Rows(after=after, upto=max(after, head), rows=rows)
        return Rows(after=after, upto=changes[-1].pos, rows=rows, more=True)

    # --- what it hears ---

    def move(self, by_ms: int) -> None:
        """The clock was set: everybody was seen as long ago as before."""
        self._seen = {host: Instant(at + by_ms) for host, at in self._seen.items()}

    def saw(self, source: Source, now: Instant, head: int | None = None) -> Learned:
        """A word came from a host; `head` is what its ping says of its newest change."""
        self._seen[source.host] = now
        self.met(source)
        known = self._known_of(source)
        if head is None or head == known.mark:
            return NOTHING
        return self._ask(known, now)  # also one that is below the mark: so it learns what it lost

    def heard(self, source: Source, word: Rows, now: Instant) -> Learned:
        """Rows came. Those that leave a gap are asked for anew, from where it begins.

        Raises IdInvalid for a row that names no run.
        """
        self.saw(source, now)
        known = self._known_of(source)
        if word.after > known.mark:
            return self._ask(known, now)
        if word.upto <= known.mark:
            if word.after == known.mark:
                known.asked_at = None  # the answer: there is nothing new
            return NOTHING
        appends = tuple(map(offered, word.rows))  # first: what cannot be read was not heard
        known.mark = word.upto
        known.asked_at = None
        return Learned(
            appends=appends,
            marks=(LedgerWrite(kind=KIND, key=str(source), value=word.upto),),
            ask=self._ask(known, now).ask if word.more else None,
        )

    def doubt(self, source: Source) -> None:
        """Ask a store for all its rows once more: one of them changed without a fact of its own."""
        known = self._known_of(source)
        known.mark, known.reached = 0, max(known.mark, known.reached)

    def met(self, source: Source) -> None:
        """A host answered, with this store."""
        self._stores[source.host] = source.store

    def store_of(self, host: HostId) -> StoreId | None:
        """The store that a host was last heard with; None where none ever was."""
        return self._stores.get(host)

    def seen(self, host: HostId) -> Instant | None:
        """When the last word of a host came; None where none did since this process began."""
        return self._seen.get(host)

    def hosts(self) -> tuple[HostId, ...]:
        """All that were ever heard of."""
        return tuple(self._stores)

    def mark(self, host: HostId) -> tuple[StoreId, int] | None:
        """A host's store, and the position up to which its rows are known; None for neither."""
        store = self._stores.get(host)
        if store is None:
            return None
        known = self._known_of(Source(host, store))
        return store, max(known.mark, known.reached)

    def as_of(self, hosts: Sequence[HostId], now: Instant) -> AsOf:
        """How old what is known of these hosts is."""
        seen = {host: self._seen.get(host) for host in hosts}
        stale = [host for host, at in seen.items() if at is None or now - at >= STALE_MS]
        return AsOf(seen=seen, stale=tuple(stale))

    def _known_of(self, source: Source) -> _Known:
        return self._known.setdefault(str(source), _Known())

    def _ask(self, known: _Known, now: Instant) -> Learned:
        if known.asked_at is not None and 0 <= now - known.asked_at < ASK_MS:
            return NOTHING
        known.asked_at = now
        return Learned(ask=RowsAfter(after=known.mark))


def offered(row: Summary) -> Append:
    """A row that was heard, on its way to the store. Raises IdInvalid for one that names no run."""
    return Append(run=RunRef.parse(row.key), epoch=row.epoch, after=0, records=(), summary=row)
