"""Children that calls of judged runs open: on the real cores of three hosts, and a bad network.

The hosts of `judged_moves`, with their faults; besides, each learns the rows of the others, late
and more than once. Parents and children move apart from each other. Callers bring each parent an
update through any host, which relays it to the host that has the run by its row; one that has it no
more names where it went. Callers repeat what was not confirmed.

    python -m tests.sim.judged_children --seeds 20000
    python -m tests.sim.judged_children --seed 7 --bug news-is-not-read
"""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from dataclasses import replace as with_fields
from functools import partial
from random import Random
from typing import ClassVar, Final, NamedTuple

from floe.host import cluster as cluster_module
from floe.host import handlers as handlers_module
from floe.host import step as step_module
from floe.host.child_news import unread
from floe.host.inputs import ChildrenRead, Mark
from floe.host.peers.lost import is_lost
from floe.host.peers.whereabouts import holder_of, log_host
from floe.host.step_result import StepResult
from floe.kernel.judged import children as children_module
from floe.kernel.judged import fold as fold_module
from floe.kernel.judged import signals as signals_module
from floe.kernel.judged.rest import BY_UPDATE
from floe.model.call import Call
from floe.model.codec import digest_of
from floe.model.flow import Flow
from floe.model.ids import HostId, Instant, Key, NodeId, RunRef, StoreId
from floe.model.judging import ActionEnded, Question, Update, UpdateReceived, Verdict
from floe.model.nouns import replace
from floe.model.opening import ChildOpening, Opening
from floe.model.passes import PassBegan, Passes
from floe.model.run import Run
from floe.model.signal import Answered, Report
from floe.model.summary import Summary
from floe.store.base import Append, LedgerWrite
from tests.sim.bug import Patch, nothing, patch
from tests.sim.judged_moves import FAULTS, RETRY_MS, Disk, World
from tests.sim.model_command import play_many
from tests.sim.truth import Broken
from tests.toy.reader import toy_flow

SEEN: Final = "seen-rows"
"""Rows of the ledger: how many rows of a store a host has."""

MOVING: Final = (*FAULTS, *("drain",) * 12, "wipe", "forget", "mistake")
"""Faults: runs move more often."""

ROWS_MAX: Final = 5
"""Of one page."""

OPENERS: Final = ("a", "b")
"""The steps of a parent that open children."""

CALLBACK: Final = "callback"
"""The key of the update that a caller brings each parent."""

OVER: Final = ("DONE", "bad", "cancelled")
"""The states of an update after which a parent waits no longer."""


def _of(*steps: str) -> Flow:
    flow = toy_flow("toy", steps)
    nodes = tuple(with_fields(node, work=Call(type="toy.step")) for node in flow.nodes)
    return with_fields(flow, nodes=nodes)


CHILD: Final = with_fields(_of("c | idempotent"), name="Child")
PARENT: Final = _of("a | idempotent", "b | idempotent", "d on a b | idempotent")
"""The first two steps open a child each, and wait for it."""


class _Never:
    """In place of a class of signals."""


def _begun_by_nothing(passes: Passes) -> Passes:
    """Begin a pass as if no update began it."""
    return replace(passes, met=frozenset())


def _is_never_known(last: UpdateReceived | None, update: object) -> bool:
    return False


BUGS: Final[Mapping[str, Patch]] = {
    "child-is-opened-again": patch(fold_module, with_children=lambda passes, event: passes),
    "rows-are-no-news": patch(handlers_module, tell_parents=nothing),
    "children-here-are-no-news": patch(step_module, tell_parent=nothing),
    "children-are-not-read-at-arrival": patch(cluster_module, note_arrival=nothing),
    "update-is-confirmed-before-the-disk-has-it": patch(handlers_module, Update=_Never),
    "update-wakes-again": patch(fold_module, begun=_begun_by_nothing),
    "same-news-counts-again": patch(signals_module, is_known=_is_never_known),
    "lost-child-is-no-news": patch(children_module, LOST="lost"),
    "end-at-a-forgotten-host-is-news": patch(children_module, WENT_ON="never"),
}
"""By what the hub does wrong."""


class Page(NamedTuple):
    """Rows of a store on their way to another."""

    due: int
    to: HostId
    store: StoreId
    of: StoreId
    after: int
    """The position after which they are."""
    rows: tuple[Summary, ...]


@dataclass
class Lister(Disk):
    """A host that lists the runs of its store, for others."""

    listed: list[Summary] = field(default_factory=list)
    """Its own rows that are on the disk, in the order of their changes."""
    unlisted: list[Summary] = field(default_factory=list)

    def keep(self, decided: StepResult) -> StepResult:
        """Store a decision; rows go out once they are synced."""
        rows = [append.summary for append in decided.appends if append.summary is not None]
        before = {row.key: self.directory.get(row.key) for row in rows}
        done = super().keep(decided)
        for row in rows:
            old = before[row.key]
            if old is not None and (old.epoch, old.seq) > (row.epoch, row.seq):
                self.directory[row.key] = old
        own = (append for append in decided.appends if append.records)
        self.unlisted += [append.summary for append in own if append.summary is not None]
        if decided.promise:
            self.listed += self.unlisted
            self.unlisted = []
        return done

    def lose(self, batches: int) -> None:
        """The power fails: what was not synced is listed nowhere."""
        self.unlisted = []
        super().lose(batches)


@dataclass
class Family(World):
    """The hosts, with parents and their children."""

    flow: ClassVar[Flow] = PARENT
    made: ClassVar[type[Disk]] = Lister
    faults: ClassVar[Sequence[str]] = MOVING

    pages: list[Page] = field(default_factory=list)
    """Rows on their way."""
    confirmed: dict[RunRef, tuple[HostId, StoreId]] = field(default_factory=dict)
    """Where the update of a caller was taken."""

    def play(self) -> None:
        """The storm and the calm. Raises Broken."""
        super().play()
        for host in self.hosts.values():
            for ref in host.logs:
                self._news_is_new(host, ref)
                self._child_is_opened_once(host, ref)
                self._update_wakes_once(host, ref)

    def _step(self) -> None:
        super()._step()
        host, other = self.chance.sample(list(self.hosts.values()), 2)
        assert isinstance(other, Lister)
        self._send_rows(host, other)
        due = [page for page in self.pages if page.due <= self.now]
        self.pages = [page for page in self.pages if page.due > self.now]
        for page in due:
            self._learn(page)
        if self.chance.random() < 0.2:
            self._read_children(host)
            self._end_lost(host)
        if self.runs and self.chance.random() < 0.1:
            self._call_back(host, self.chance.choice(self.runs))

    def _verdict(self, run: Run, ask: Question) -> Verdict:
        """A step that opened a child waits until that is over, and the last for a caller."""
        assert run.passes is not None
        if ask.stage == "after" and ask.node == "d" and CALLBACK not in run.passes.updates:
            return Verdict(state="WAITING", awaits=(CALLBACK,))
        if ask.stage == "before" or ask.node not in OPENERS:
            return super()._verdict(run, ask)
        outcome = run.nodes[ask.node].outcome
        if outcome is not None and outcome.result == "error":
            return Verdict(state="SERVER_ERROR", due=Instant(self.now + RETRY_MS))
        key = f"{ask.node}.{ask.visit}"
        if key not in run.passes.children:
            raise Broken(f"judgement_sees_the_child: {run.ref} {key}")
        news = run.passes.updates.get(key)
        if news is not None and news.state in OVER:
            return Verdict(state="DONE")
        return Verdict(state="WAITING", awaits=(key,))

    def _report(self, run: Run, key: Key, status: int) -> Report:
        """A step of a parent opens a child with its answer."""
        if key.node not in OPENERS:
            return super()._report(run, key, status)
        opening = Opening(trigger=NodeId("start"))
        name = f"{key.node}.{key.visit}"
        child = ChildOpening(key=name, flow=CHILD, digest=digest_of(CHILD), opening=opening)
        return Answered(good=True, outputs={}, opens=(child,))

    # --- callers ---

    def _call_back(self, asked: Disk, ref: RunRef) -> None:
        """A caller brings the update of a run to a host, unless a host that lives confirmed it."""
        living = {(host.id, host.store) for host in self.hosts.values()} - self.forgotten
        if self.confirmed.get(ref) in living:
            return
        self.counts["callbacks"] += 1
        at = self._log_host(asked, ref)
        for _ in range(2):
            host = self.hosts.get(at) if at is not None else None
            if host is None or (not self.is_calm and self.chance.random() < 0.2):
                return  # nobody answers
            if self._has_pen(host, ref):
                self._take_callback(host, ref)
                return
            self.counts["callbacks moved"] += 1
            at = self._log_host(host, ref)

    def _take_callback(self, host: Disk, ref: RunRef) -> None:
        host.now = Instant(self.now)
        word = Update(source="caller", key=CALLBACK)
        decided = host.step(word, run=ref, ticket=1)
        if not decided.promise and decided.replies[0].changed:
            raise Broken(f"confirmed_update_is_on_the_disk: {ref} at {host.id}")
        self.confirmed[ref] = (host.id, host.store)
        host.settle()
        self._carry(host)

    def _log_host(self, host: Disk, ref: RunRef) -> HostId | None:
        """The host that has a run, as a host knows it."""
        assert host.core.cluster is not None
        if self._has_pen(host, ref):
            return host.id
        forgotten = dict(host.core.cluster.members.forgotten.items())
        return log_host(ref, host.directory.get(ref.key), set(self.hosts), forgotten)

    def _has_pen(self, host: Disk, ref: RunRef) -> bool:
        table = host.core.table
        if ref in table.runs.asleep:
            return True
        run = table.runs.awake.get(ref)
        return run is not None and not table.is_foreign(run)

    # --- rows ---

    def _send_rows(self, to: Disk, of: Lister) -> None:
        """A host asks another for the rows after those that it has."""
        after = _position(to, of.store)
        rows = tuple(of.listed[after : after + ROWS_MAX])
        if not rows:
            return
        copies = 1 if self.is_calm else self.chance.choices((0, 1, 2), (2, 7, 1))[0]
        for _ in range(copies):
            late = 50 if self.is_calm else self.chance.choice((50, 4000, 20_000))
            due = self.now + self.chance.randrange(late)
            self.pages.append(Page(due, to.id, to.store, of.store, after, rows))

    def _learn(self, page: Page) -> None:
        host = self.hosts[page.to]
        known = _position(host, page.of)
        if host.store != page.store or page.after > known:
            return
        self.counts["rows"] += len(page.rows)
        upto = max(known, page.after + len(page.rows))
        self._offer(host, page.rows, LedgerWrite(kind=SEEN, key=page.of, value=upto))

    def _offer(self, host: Disk, rows: Iterable[Summary], *marks: LedgerWrite) -> None:
        appends = tuple(
            Append(run=RunRef.parse(row.key), epoch=row.epoch, after=0, records=(), summary=row)
            for row in rows
        )
        self._say(host, Mark(rows=marks, appends=appends, promise=False))

    def _end_lost(self, host: Disk) -> None:
        """Show the runs as over that were lost with forgotten stores, and ask the adopters of those
        that were only there: they may know an end that nobody else lists."""
        assert host.core.cluster is not None
        forgotten = dict(host.core.cluster.members.forgotten.items())
        news: list[Summary] = []
        for row in host.directory.values():
            adopter, store = RunRef.parse(row.key).adopter
            if is_lost(row, forgotten):
                news.append(row)
            elif holder_of(row) in forgotten and self.hosts[adopter].store == store:
                known = self.hosts[adopter].directory[row.key]
                news += [known] if (known.epoch, known.seq) > (row.epoch, row.seq) else []
        if news:
            self._offer(host, news)

    def _read_children(self, host: Disk) -> None:
        for ref in unread(host.core.site):
            self.counts["children read"] += 1
            rows = [row for row in host.directory.values() if _is_child(row, ref)]
            self._say(host, ChildrenRead(rows=tuple(rows)), run=ref)

    # --- invariants ---

    def _news_is_new(self, host: Disk, ref: RunRef) -> None:
        """Each state of a child is news once, and none that is older than the last; its end is the
        last, unless its adopter is gone, or its host before that adopter heard of the end."""
        last: dict[str, UpdateReceived] = {}
        for event in host.events(ref):
            if not isinstance(event, UpdateReceived):
                continue
            self.counts[f"news {event.state}"] += 1
            old = last.get(event.key)
            last[event.key] = event
            if old is None or old.source != event.source:
                continue
            child = RunRef.parse(event.source)
            is_gone = child.adopter in self.lost | self.forgotten
            is_later = _at(event) > _at(old)
            if is_gone and event.state == "bad":  # no event tells that a child is lost
                is_later = _at(event) == _at(old) or is_later
            was_forgotten = event.epoch > old.epoch and old.state != "bad"  # after it ended there
            is_over = old.state in OVER and not (is_gone or was_forgotten)
            if old.state == event.state or not is_later or is_over:
                raise Broken(f"news_is_new: {ref} at {host.id}: {event} after {old}")

    def _update_wakes_once(self, host: Disk, ref: RunRef) -> None:
        """A confirmed update is in the log, once, and each update begins at most one pass."""
        came, woke = Counter[str](), Counter[str]()
        for event in host.events(ref):
            if isinstance(event, UpdateReceived):
                came[event.key] += 1
            elif isinstance(event, PassBegan) and event.by == BY_UPDATE:
                woke.update(event.why.split("; "))
        is_lost = self.confirmed.get(ref) == (host.id, host.store) and not came[CALLBACK]
        if is_lost or came[CALLBACK] > 1 or not woke <= came:
            raise Broken(f"update_wakes_once: {ref} at {host.id}: {came}, but {woke} passes")

    def _child_is_opened_once(self, host: Disk, ref: RunRef) -> None:
        """A run opens one child by a key, and it is in the store that opened it."""
        known: set[str] = set()
        stores = {one.store: one for one in self.hosts.values()}
        for event in host.events(ref):
            if not isinstance(event, ActionEnded):
                continue
            for key, child in event.opened.items():
                opened_by = stores.get(RunRef.parse(child).store)
                is_there = opened_by is None or RunRef.parse(child) in opened_by.logs
                if key in known or not is_there:
                    raise Broken(f"child_is_opened_once: {ref} {key} {child}")
                known.add(key)


def _at(news: UpdateReceived) -> tuple[int, int]:
    return news.epoch, news.seq


def _position(host: Disk, store: StoreId) -> int:
    known = host.ledger.get((SEEN, store), 0)
    assert isinstance(known, int)
    return known


def _is_child(row: Summary, ref: RunRef) -> bool:
    return bool(row.parent) and Key.parse(row.parent).run == ref


def play(seed: int, bug: str = "", *, story: bool = False) -> tuple[str, Counter[str]]:
    """Play a trial; what it broke, empty if nothing, and what occurred."""
    world = Family(Random(seed), story=story)
    with BUGS[bug]() if bug else nullcontext():
        try:
            world.play()
        except Broken as broken:
            return str(broken), world.counts
    return "", world.counts


if __name__ == "__main__":
    sys.exit(play_many(__doc__, play, BUGS, partial(play, story=True)))
