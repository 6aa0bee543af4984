"""A store whose data ends with its process: for `store-type: memory`, and for tests.

Each call runs on the event loop without an await in between, so it is atomic.
"""

from bisect import bisect_left, bisect_right, insort
from collections import ChainMap, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from heapq import merge, nlargest
from itertools import islice

from floe.model.codec import from_text, to_text
from floe.model.errors import StoreFailed, Yours
from floe.model.ids import FlowId, Instant, Json, RunRef, StoreId
from floe.model.result import FAILING
from floe.model.run import Pruned
from floe.model.summary import Summary
from floe.store.base import (
    PRUNED_MAX,
    PRUNED_S,
    Batch,
    Change,
    FacetMatch,
    FacetPage,
    FacetQuery,
    FlowRuns,
    RunPage,
    RunQuery,
    Stored,
)
from floe.store.facets import check_facet_query, facet_cursor_at, first_match
from floe.store.rules import (
    NOWHERE,
    Head,
    SortKey,
    cursor_at,
    is_match,
    is_newer,
    is_removed,
    kept_removal,
    new_store_id,
    next_head,
    read_cursor,
    sort_key_of,
)


class MemoryStore:
    """RunStore in dictionaries. Values are kept as text, so no caller can change them later."""

    def __init__(self) -> None:
        self._store_id = new_store_id()
        self._is_open = False
        self._log: list[Stored] = []
        self._heads: dict[RunRef, Head] = {}
        self._by_run: dict[RunRef, list[Stored]] = defaultdict(list)
        self._runs: dict[str, Summary] = {}
        self._sort_keys: list[SortKey] = []
        """Sort keys of `_runs`, oldest first."""
        self._changes: dict[str, int] = {}
        """Positions of our own rows in `_runs`, in ascending order."""
        self._ledger: dict[str, dict[str, str]] = defaultdict(dict)
        self._pruned: dict[str, Pruned] = {}
        self._removals: dict[str, int] = {}
        """Positions of our own among them, in ascending order."""
        self._head = 0

    @property
    def store_id(self) -> StoreId:
        """Random, created with the object."""
        return self._store_id

    @property
    def skipped(self) -> range:
        """None: a power failure loses all of it or nothing."""
        return range(0)

    async def open(self) -> None:
        """Accept calls. Data stored before a `close` is still there."""
        self._is_open = True

    async def close(self) -> None:
        """Refuse calls from here on."""
        self._is_open = False

    async def check(self) -> None:
        """As in the port: no data outlives the process, so nothing is to be found."""
        self._check_open()

    async def append(self, batch: Batch) -> int:
        """As in the port; `promise` changes nothing here."""
        self._check_open()
        values = [None if w.value is None else _text(to_text(w.value)) for w in batch.ledger]
        heads: ChainMap[RunRef, Head] = ChainMap({}, self._heads)
        for append in filter(lambda append: append.records, batch.appends):
            heads[append.run] = next_head(heads.get(append.run, NOWHERE), append)
            for record in append.records:
                if isinstance(record.body, str):
                    _text(record.body)

        self._heads.update(heads.maps[0])
        for pruned in batch.prunes:
            self._prune(pruned)
        if batch.prunes:
            self._forget_pruned(max(pruned.at for pruned in batch.prunes))
        for append in batch.appends:
            for record in append.records:
                self._head += 1
                stored = Stored(pos=self._head, record=record)
                self._log.append(stored)
                self._by_run[record.run].append(stored)
            row, key = append.summary, append.run.key
            if row is None:
                continue
            if not append.records and is_removed(row, self._pruned.get(key)):
                continue
            if is_newer(row, old := self._runs.get(key)):
                digest = row.digest or (old.digest if old else "")
                self._put_row(replace(row, digest=digest))
                if append.records:
                    self._changes.pop(key, None)
                    self._changes[key] = self._head
        for write, text in zip(batch.ledger, values, strict=True):
            if text is None:
                self._ledger[write.kind].pop(write.key, None)
            else:
                self._ledger[write.kind][write.key] = text
        return self._head

    async def history(self, run: RunRef, after: int = 0, limit: int = 0) -> Sequence[Stored]:
        """As in the port."""
        self._check_open()
        return _part(self._by_run.get(run, ()), after, limit)

    async def histories(self, runs: Sequence[RunRef]) -> Sequence[Sequence[Stored]]:
        """As in the port."""
        return [await self.history(run) for run in runs]

    async def tail(self, after: int, limit: int = 0) -> Sequence[Stored]:
        """As in the port."""
        self._check_open()
        first = bisect_right(self._log, after, key=lambda stored: stored.pos)
        return _part(self._log, first, limit)

    async def changes(self, after: int, limit: int) -> Sequence[Change]:
        """As in the port."""
        self._check_open()
        rows = (Change(pos=pos, row=self._runs[key]) for key, pos in self._changes.items())
        gone = (Change(pos=pos, row=self._pruned[key]) for key, pos in self._removals.items())
        found = (c for c in merge(rows, gone, key=lambda c: c.pos) if c.pos > after)
        return tuple(islice(found, limit))

    async def head(self) -> int:
        """As in the port."""
        self._check_open()
        return self._head

    async def runs(self, query: RunQuery) -> RunPage:
        """As in the port; a filter with few matches reads the whole directory."""
        self._check_open()
        if query.limit < 1:
            raise Yours("the limit of a page is below 1", "limit: 1 or more")
        below = read_cursor(query.cursor)
        end = len(self._sort_keys) if below is None else bisect_left(self._sort_keys, below)
        found: list[Summary] = []
        for index in range(end - 1, -1, -1):
            summary = self._runs[self._sort_keys[index].key]
            if is_match(summary, query):
                if len(found) == query.limit:
                    return RunPage(runs=tuple(found), next=cursor_at(sort_key_of(found[-1])))
                found.append(summary)
        return RunPage(runs=tuple(found))

    async def runs_by_facets(self, query: FacetQuery) -> FacetPage:
        """As in the port; reads the whole directory."""
        self._check_open()
        after, is_newest = check_facet_query(query), query.order == "newest"
        rows = ((row, first_match(row.key, row.facets, query)) for row in self._runs.values())
        found = [
            (key, row)
            for row, key in rows
            if key and (after is None or (key < after if is_newest else key > after))
        ]
        found.sort(key=lambda one: one[0], reverse=is_newest)
        matches = [FacetMatch(run=row, row=key.row, at=Instant(key.at)) for key, row in found]
        limit = query.limit
        next_ = facet_cursor_at(found[limit - 1][0]) if len(found) > limit else ""
        return FacetPage(matches=tuple(matches[:limit]), next=next_)

    async def flow_runs(self, flows: Collection[FlowId], bad_max: int) -> Mapping[FlowId, FlowRuns]:
        """As the port says; walks the whole directory where a flow has no good run."""
        self._check_open()
        found: dict[FlowId, FlowRuns] = {}
        wanted = set(flows)
        for sort_key in reversed(self._sort_keys):
            row = self._runs[sort_key.key]
            if row.flow not in flows:
                continue
            known = found.setdefault(row.flow, FlowRuns(last=row))
            if row.flow not in wanted or row.state != "archive":
                continue
            is_failure = row.result in FAILING and not row.awaited
            if row.good or (is_failure and known.bad == bad_max):
                found[row.flow] = replace(known, has_more=not row.good)
                wanted.discard(row.flow)
            elif is_failure:
                ended_at = row.ended_at or row.pended_at
                found[row.flow] = replace(known, bad=known.bad + 1, bad_since=ended_at)
            if not wanted:
                break
        return found

    async def find(self, run: RunRef) -> Summary | None:
        """As in the port."""
        self._check_open()
        return self._runs.get(run.key)

    async def pruned(self, run: RunRef) -> Pruned | None:
        """As in the port."""
        self._check_open()
        return self._pruned.get(run.key)

    async def traces(self, run: RunRef, kind: str) -> tuple[bool, Json]:
        """As in the port."""
        is_known = bool(await self.history(run, 0, 1)) or run.key in self._pruned
        return is_known, await self.row(kind, run.key)

    async def repeated(self, runs: Collection[str]) -> frozenset[str]:
        """As in the port; reads the whole directory."""
        self._check_open()
        return frozenset(row.rerun_of for row in self._runs.values()).intersection(runs)

    async def size(self) -> int:
        """As in the port: there are no files."""
        self._check_open()
        return 0

    async def ledger(self, kind: str) -> Mapping[str, Json]:
        """As in the port."""
        self._check_open()
        return {key: from_text(text) for key, text in self._ledger.get(kind, {}).items()}

    async def row(self, kind: str, key: str) -> Json:
        """As in the port."""
        self._check_open()
        text = self._ledger.get(kind, {}).get(key)
        return None if text is None else from_text(text)

    def _prune(self, pruned: Pruned) -> None:
        self._head += 1
        key, ref = pruned.key, RunRef.parse(pruned.key)
        row = self._runs.get(key)
        kept = kept_removal(pruned, row.epoch if row else None, self._pruned.get(key))
        if kept is None:
            return
        self._pruned.pop(key, None)
        self._pruned[key] = kept
        if self._changes.pop(key, None) is not None:
            self._removals[key] = self._head
        if row:
            del self._runs[key]
            del self._sort_keys[bisect_left(self._sort_keys, sort_key_of(row))]
        if self._by_run.pop(ref, None):
            self._log = [stored for stored in self._log if stored.record.run != ref]
        self._heads.pop(ref, None)

    def _forget_pruned(self, now: int) -> None:
        newest = nlargest(PRUNED_MAX, (one.at for one in self._pruned.values()))
        before = min((now - PRUNED_S * 1000, *newest[-1:]))
        for old in [one for one in self._pruned.values() if one.at < before]:
            del self._pruned[old.key]
            self._removals.pop(old.key, None)
            once = self._ledger["once"]
            for name in [name for name, text in once.items() if text == to_text(old.key)]:
                del once[name]

    def _put_row(self, summary: Summary) -> None:
        old = self._runs.get(summary.key)
        if old is None or old.pended_at != summary.pended_at:
            if old is not None:
                del self._sort_keys[bisect_left(self._sort_keys, sort_key_of(old))]
            insort(self._sort_keys, sort_key_of(summary))
        self._runs[summary.key] = summary

    def _check_open(self) -> None:
        if not self._is_open:
            raise StoreFailed("the store is not open")


def _part(log: Sequence[Stored], after: int, limit: int) -> Sequence[Stored]:
    return tuple(log[after : after + limit] if limit else log[after:])


def _text(text: str) -> str:
    text.encode()  # refuses a lone surrogate, as a database does
    return text
