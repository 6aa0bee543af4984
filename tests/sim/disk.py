"""A host's disk: logs, directory rows and ledger, and what a power failure takes of them.

Speaks the store's rules (`floe.store.rules`) without its event loop. Promises last; what was
stored after the last one may go with the power, never with a process.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import merge

from floe.kernel.evolve import fold
from floe.model.codec import from_text, to_text
from floe.model.event import Event, NodeStarted
from floe.model.ids import Json, Key, RunRef, StoreId
from floe.model.run import Pruned, Run
from floe.model.summary import Summary
from floe.store.base import Append, Change, LedgerWrite, Record
from floe.store.rules import NOWHERE, Head, is_newer, is_removed, kept_removal, next_head
from tests.sim.flows import FLOW_FILES, FLOWS

Cut = tuple[RunRef, int, Summary | None] | tuple[str, str, str | None]
"""How one write is taken back: a log's length and row before it, or a ledger row's text."""


class Disk:
    """What one store holds."""

    def __init__(self, store: StoreId, term: int) -> None:
        """`term`: the seconds since 1970 at which it was made, by its host's clock."""
        self.store = store
        self.term = term
        self.logs: dict[RunRef, list[Record]] = {}
        self.rows: dict[RunRef, Summary] = {}
        self.pruned: dict[str, Pruned] = {}
        """The records of removed runs."""
        self.head = 0
        """The position of the last event or removal; none is given twice."""
        self.texts: dict[str, dict[str, str]] = {}
        """The ledger, as JSON texts, so that nothing held in memory can change them."""
        self._changes: dict[str, int] = {}
        """Positions of the rows of runs that have a log here, in ascending order."""
        self._removals: dict[str, int] = {}
        """Positions of those of them that were removed, in ascending order."""
        self._loose: list[list[Cut]] = []
        """Batches that no promise made durable yet, oldest first."""

    def write(
        self,
        appends: Sequence[Append],
        ledger: Sequence[LedgerWrite],
        prunes: Iterable[Pruned] = (),
        *,
        promise: bool,
    ) -> None:
        """Store a batch. Raises StoreConflict as a store does; nothing is stored then."""
        for append in appends:
            next_head(self._head(append.run), append)
        cuts: list[Cut] = []
        for pruned in prunes:
            self._prune(pruned)
        for append in appends:
            run, row = append.run, append.summary
            log, old = self.logs.get(run), self.rows.get(run)
            cuts.append((run, len(log or ()), old))
            if append.records:
                self.logs.setdefault(run, []).extend(append.records)
                self.head += len(append.records)
            elif row is None or is_removed(row, self.pruned.get(row.key)):
                continue
            if row is not None and is_newer(row, old):
                self.rows[run] = row
                if append.records:
                    self._changes.pop(row.key, None)
                    self._changes[row.key] = self.head
        for write in ledger:
            kind = self.texts.setdefault(write.kind, {})
            cuts.append((write.kind, write.key, kind.get(write.key)))
            _put(kind, write.key, None if write.value is None else to_text(write.value))
        if promise:
            self._loose.clear()
        else:
            self._loose.append(cuts)

    def lose(self, batches: int) -> int:
        """Take back as many of the newest batches as are not durable yet; return how many were."""
        lost = min(batches, len(self._loose))
        for _ in range(lost):
            for cut in reversed(self._loose.pop()):
                self._take_back(cut)
        self._loose.clear()
        return lost

    @property
    def loose(self) -> int:
        """Batches that a power failure may take."""
        return len(self._loose)

    def copy(self) -> "Disk":
        """A backup."""
        other = Disk(self.store, self.term)
        other.logs = {ref: list(log) for ref, log in self.logs.items()}
        other.rows = dict(self.rows)
        other.pruned, other.head = dict(self.pruned), self.head
        other._changes, other._removals = dict(self._changes), dict(self._removals)
        other.texts = {kind: dict(rows) for kind, rows in self.texts.items()}
        return other

    def ledger(self, kind: str) -> Mapping[str, Json]:
        """All rows of a kind."""
        return {key: from_text(text) for key, text in self.texts.get(kind, {}).items()}

    def row(self, kind: str, key: str) -> Json:
        """One row; None for none."""
        text = self.texts.get(kind, {}).get(key)
        return None if text is None else from_text(text)

    def events(self, ref: RunRef) -> tuple[Event, ...]:
        """A run's log as it is here."""
        return tuple(record.event for record in self.logs[ref])

    def run(self, ref: RunRef) -> Run:
        """A run folded from its log, its flow attached where this disk has it."""
        run = fold(ref, self.events(ref))
        if run.digest is None:
            return replace(run, flow=FLOW_FILES.get(run.flow_id))
        known = run.digest in self.texts.get("flow", {})
        return replace(run, flow=FLOWS[run.digest] if known else None)

    def has_started(self, key: Key) -> bool:
        """Whether the start of an attempt is on the log."""
        return any(
            isinstance(e := r.event, NodeStarted)
            and key == Key(key.run, r.epoch, e.node, e.visit, e.attempt, e.item)
            for r in self.logs.get(key.run, ())
        )

    def unfinished(self) -> list[Run]:
        """All runs that may owe something, oldest first, as a hub reads them at its start."""
        refs = [RunRef.parse(key) for key in self.texts.get("unpacked", {})]
        refs += [ref for ref, row in self.rows.items() if row.state != "archive"]
        runs = [self.run(ref) for ref in dict.fromkeys(refs) if ref in self.logs]
        return sorted(runs, key=lambda run: (run.pended_at, run.ref.serial))

    def changes(self, after: int) -> list[Change]:
        """The rows of runs that have or had a log here, changed or removed after a position."""
        parse, changes, gone = RunRef.parse, self._changes.items(), self._removals.items()
        rows = [Change(pos=p, row=self.rows[parse(key)]) for key, p in changes if p > after]
        removals = [Change(pos=p, row=self.pruned[key]) for key, p in gone if p > after]
        return list(merge(rows, removals, key=lambda change: change.pos))

    def _prune(self, pruned: Pruned) -> None:
        self.head += 1
        key, ref = pruned.key, RunRef.parse(pruned.key)
        row = self.rows.get(ref)
        kept = kept_removal(pruned, row.epoch if row else None, self.pruned.get(key))
        if kept is None:
            return
        self.pruned.pop(key, None)
        self.pruned[key] = kept
        if self._changes.pop(key, None) is not None:
            self._removals[key] = self.head
        self.rows.pop(ref, None)
        self.logs.pop(ref, None)

    def _head(self, ref: RunRef) -> Head:
        log = self.logs.get(ref)
        return Head(log[-1].epoch, log[-1].seq) if log else NOWHERE

    def _take_back(self, cut: Cut) -> None:
        if isinstance(cut[0], str):
            kind, key, text = cut
            assert isinstance(key, str)
            assert text is None or isinstance(text, str)
            _put(self.texts[kind], key, text)
            return
        ref, length, row = cut
        assert isinstance(length, int)
        if ref in self.logs:
            del self.logs[ref][length:]
            if not length:
                del self.logs[ref]
        if isinstance(row, Summary):
            self.rows[ref] = row
        else:
            self.rows.pop(ref, None)
            self._changes.pop(ref.key, None)


def _put(rows: dict[str, str], key: str, text: str | None) -> None:
    if text is None:
        rows.pop(key, None)
    else:
        rows[key] = text
