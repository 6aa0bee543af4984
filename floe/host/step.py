"""One step of the core while it is decided: it collects what its inputs cause."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final, Protocol

from floe.host.child_news import tell_parent
from floe.host.inputs import Reply
from floe.host.peers.returned_copies import ReturnedCopy
from floe.host.promises import is_promise
from floe.host.rows import has_new_row, reader_of
from floe.host.run_notices import notice_rows, notices_at_end
from floe.host.site import MOVED_MAX, Site, workspace_of
from floe.host.step_result import Recorded, StepResult, append_of
from floe.kernel.children import end_of
from floe.kernel.decide import Decision, decide
from floe.kernel.evolve import evolve
from floe.kernel.owed import WHOLE, part_of
from floe.model.codec import Body, encode, event_text
from floe.model.effect import Effect
from floe.model.event import (
    Event,
    GrantReturned,
    GrantRevoked,
    GrantSuperseded,
    RunActivated,
    RunEnded,
    RunGranted,
    RunPacked,
)
from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, HostId, Instant, Json, Key, RunRef, StoreId
from floe.model.nouns import replace
from floe.model.passes import Part, RunRested
from floe.model.peer_message import Envelope, Message
from floe.model.people import RunEdited
from floe.model.result import RunResult
from floe.model.run import Attached, Pruned, Run
from floe.model.signal import Activate, Reported, Signal
from floe.model.summary import Summary, why_of
from floe.model.work import Action
from floe.store.base import Append, LedgerWrite, Record

CLEAR: Final = (RunGranted, GrantReturned, GrantRevoked, GrantSuperseded, RunActivated)
"""Events of a sealed run that are not encrypted: hosts and epochs, of which peers send copies."""


class StepObserver(Protocol):
    """Learns what a step records, and handles what this host sends to itself."""

    def recorded(self, step: "Step", record: Record, run: Run) -> None:
        """An event was recorded; `run` is its run after it."""

    def receive_own(self, step: "Step", message: Message) -> None:
        """Handle a message from this host to itself."""


class Step:
    """One step while it is decided."""

    def __init__(self, site: Site, now: Instant, observer: StepObserver) -> None:
        self.site = site
        self.now = now
        self.before: dict[RunRef, Run | None] = {}
        self.recorded: dict[RunRef, list[Recorded]] = {}
        self.ledger: list[LedgerWrite] = []
        self.notices: list[LedgerWrite] = []
        self.replies: list[Reply] = []
        self.messages: list[Envelope] = []
        self.rows: dict[RunRef, Append] = {}
        self.learned: list[Append] = []
        """Rows of the directory that came from peers."""
        self.prunes: list[Pruned] = []
        """Runs that are removed."""
        self.removals: list[Pruned] = []
        """Those of them that other hosts are to learn of from this one."""
        self.refused: list[str] = []
        """What peers sent that this host refused, each with the reason, for its log."""
        self.promise = False
        self.retry_pends = False
        """Whether a pend may now be placed that could not be when pends were last tried."""
        self.next_due: Instant | None = None
        self._observer = observer
        self._own: deque[Message] = deque()
        """Messages from this host to itself that are not handled yet."""
        self._reports: deque[Reported] = deque()
        """The ends of child runs that their parents have not received yet."""
        self._news: dict[RunRef, None] = {}
        """Children of judged runs of which their parents were not told yet."""

    def note_freed_slots(self) -> None:
        """Try pends again if the inputs left a slot free."""
        for ref in self.recorded:
            self.retry_pends |= self.site.table.has_freed_slot(ref)

    def grouped_pends(self) -> list[Run]:
        """The runs of groups that came to wait for a host in this step."""
        table = self.site.table
        if not table.grouped_pends:
            return []
        found = [
            ref
            for ref in self.recorded
            if (pend := table.pends.get(ref))
            and pend.group
            and ((before := self.before[ref]) is None or before.phase != "pending")
        ]
        return [table.runs[ref] for ref in sorted(found)]

    def result(self) -> StepResult:
        """The result of all inputs."""
        assert not self._own, "a step handles all that this host sends to itself"
        assert not self._reports, "a step reports the ends of all child runs"
        assert not self._news, "a step tells the parents of all children"
        effects: list[Effect] = []
        closed: list[Effect] = []
        for ref, steps in self.recorded.items():
            run, before = steps[-1].run, self.before[ref]
            parts: Iterable[Part] | None = None  # all, where the run as a whole changed
            if before is not None and (before.phase, before.epoch) == (run.phase, run.epoch):
                touched = [part_of(s.record.event) for s in steps]
                parts = dict.fromkeys(((WHOLE, NO_ITEM), *touched))
            new, old = self.site.table.settle(run, parts)
            effects += new
            closed += old
        appends = tuple(append_of(ref, steps) for ref, steps in self.recorded.items())
        return StepResult(
            appends=(*appends, *self.rows.values(), *self.learned),
            ledger=tuple(self.ledger),
            prunes=tuple(self.prunes),
            removals=tuple(self.removals),
            promise=self.promise,
            recorded=tuple(chain.from_iterable(self.recorded.values())),
            effects=tuple(effects),
            closed=tuple(closed),
            replies=tuple(self.replies),
            messages=tuple(self.messages),
            rows=tuple(append.summary for append in self.rows.values() if append.summary),
            next_due=self.next_due,
            before=self.before,
            changes=self.site.journal.take(),
            notices=tuple(self.notices),
            refused=tuple(self.refused),
        )

    # --- messages ---

    def send(self, host: HostId | None, store: StoreId | None, message: Message) -> None:
        """Send a message once this step is stored; None sends it to every configured host.

        A message to this host is handled in this step, by `deliver`.
        """
        site = self.site
        if site.is_self(host, store):
            self._own.append(message)
            return
        self.messages.append(
            Envelope(
                from_host=site.id,
                from_store=site.store,
                to_host=host,
                to_store=store,
                message=message,
            )
        )

    def deliver(self) -> None:
        """Handle what this host sent to itself, tell parents here of their child runs, and handle
        what that causes, in order."""
        while self._own or self._reports or self._news:
            if self._own:
                self._observer.receive_own(self, self._own.popleft())
                continue
            if self._news:
                ref = next(iter(self._news))
                del self._news[ref]
                tell_parent(self, ref)
                continue
            report = self._reports.popleft()
            parent = self.site.table.runs.get(report.key.run)
            if parent is not None and not self.site.table.is_foreign(parent):
                self.decide(parent, report)

    # --- the ledger ---

    def keep(self, kind: str, key: str, value: Json) -> None:
        """Write a row of the ledger; None deletes it."""
        self.ledger.append(LedgerWrite(kind=kind, key=key, value=value))

    def promise_row(self, kind: str, key: str, value: Json) -> None:
        """Write a row that is on the disk before anyone can learn of it."""
        self.keep(kind, key, value)
        self.promise = True

    def keep_copy(self, key: str, copy: ReturnedCopy | None) -> None:
        """Keep the copy of a run that was returned; None if it came back or is removed."""
        if row := self.site.returned.put(key, copy):
            self.ledger.append(row)
            self.promise = True

    def keep_once(self, key: str, ref: RunRef) -> None:
        """Keep the run that a request with an idempotency key led to; no key, no row."""
        if key:
            self.site.remember_once(key, ref)
            self.keep("once", key, ref.key)

    def keep_flow(self, digest: str, flow: Flow) -> None:
        """Store a compiled flow, once."""
        if self.site.flows_stored.put(digest, True):
            self.keep("flow", digest, encode(flow))

    def new_fences(self, term: int, tags: Iterable[str]) -> dict[str, str]:
        """A fence for each tag, higher than all that this host gave before."""
        site, fences = self.site, dict[str, str]()
        for tag in tags:
            site.fence += 1
            fences[tag] = f"{term}.{site.fence}"
        if fences:
            self.promise_row("keeper", "fence", site.fence)
        return fences

    # --- runs ---

    def add(self, run: Run, events: Iterable[Event], flow: Flow | None = None) -> Run:
        """Record events of a run; return the run after them."""
        self.before.setdefault(run.ref, run)
        for event in events:
            old, run = run, evolve(run, event)
            if flow is not None:
                run = replace(run, flow=flow)
            self.record(run, event, old)
        return run

    def decide(self, run: Run, signal: Signal) -> Decision:
        """Record the events that a signal causes."""
        site = self.site
        attached = Attached(flow=run.flow, host_tags=site.settings.tags, hosts=site.hosts)
        decision = decide(run, signal, self.now, attached)
        self.before.setdefault(run.ref, run)
        for event, after in zip(decision.events, decision.runs, strict=True):
            self.record(after, event, run)
            run = after
        return decision

    def add_as_stored(self, run: Run, event: Event, body: Body) -> Run:
        """Record an event that a peer has stored, with the JSON text of the peer."""
        self.before.setdefault(run.ref, run)
        new = evolve(run, event)
        self.record(new, event, run, body)
        return new

    def adopt(self, log: Sequence[tuple[Record, Run]], known: int = 0) -> Run:
        """Take in a run that a peer adopted: its log, with the run after each event.

        `known`: how many events of it the store has.
        """
        old = log[known - 1][1] if known else None
        for record, run in log[known:]:
            self.before.setdefault(record.run, None)
            self.record(run, record.event, old, record.body)
            old = run
        assert old is not None, "a log has at least RunPended"
        return old

    def let_go(self, run: Run, row: Summary, outputs: Mapping[str, Json]) -> None:
        """Keep only the row of a run that is over at the host that has its log, with its outputs
        for its parent."""
        self.before.setdefault(run.ref, run)
        self.retry_pends |= self.site.table.put(run.ref, None)
        self.rows[run.ref] = Append(
            run=run.ref, epoch=run.epoch, after=run.seq, records=(), summary=row
        )
        self.promise = True
        self._report_end(run, row.result or "bad", row.why, outputs)

    def begin(self, run: Run, fences: Mapping[str, str]) -> None:
        """Grant a run to this host, and activate it."""
        site = self.site
        granted = RunGranted(
            at=self.now, host=site.id, store=site.store, epoch=run.epoch + 1, fences=fences
        )
        self.activate(self.add(run, (granted,)))

    def activate(self, run: Run) -> Run:
        """Activate a run that was granted to this host."""
        settings, flow = self.site.settings, run.flow
        assert flow is not None, "a pend has its flow"
        workspace = workspace_of(settings.workspace_root, flow, run.ref)
        is_new = run.started_at is None and not flow.reuse_space
        moved_from = self._take_workspace(run) if is_new else ""
        activate = Activate(
            host=settings.id, epoch=run.epoch, workspace=workspace, moved_from=moved_from
        )
        return self.decide(run, activate).run

    def _take_workspace(self, run: Run) -> str:
        """The workspace that a re-run takes from the earlier run; empty for none.

        Only the first of several re-runs takes it, whichever was requested first.
        """
        of, moved = run.rerun_of, self.site.moved
        if of is None or not of.workspace or of.host != self.site.id:
            return ""
        if moved.get(of.run) not in (None, run.ref.key):
            return ""
        if moved.put(of.run, run.ref.key):
            self.keep("moved", of.run, run.ref.key)
            if len(moved) > MOVED_MAX:
                oldest = next(iter(moved))
                moved.put(oldest, None)
                self.keep("moved", oldest, None)
        return of.workspace

    def _return_workspace(self, run: Run) -> None:
        """Leave the workspace of the earlier run to a later re-run, if this one never used it.

        The first command moves it. A later epoch does not know which commands an earlier one ran.
        """
        of = run.rerun_of
        if of is None or not run.moved_from or run.epoch > 1:
            return
        visits = (state for node in run.nodes for state in run.visits(node))
        if any(isinstance(one.work, Action) and not one.taken_from for one in visits):
            return
        if self.site.moved.get(of.run) == run.ref.key:
            self.site.moved.put(of.run, None)
            self.keep("moved", of.run, None)

    def record(self, run: Run, event: Event, old: Run | None, body: Body = "") -> None:
        """Record one event: `run` is `old` after it."""
        body = body or event_text(event)  # first: it refuses NaN, and nothing changed
        if run.sealed and isinstance(body, str) and not isinstance(event, CLEAR):
            body = self.site.seals.seal(run.ref, run.seq, type(event).__name__, body)
        self.retry_pends |= self.site.table.put(run.ref, run)
        record = Record(run=run.ref, epoch=run.epoch, seq=run.seq, event=event, body=body)
        reader = reader_of(run, self.site.settings.row_readers)
        step = Recorded(record, old, run, has_new_row(old, run, event, reader), reader)
        self.recorded.setdefault(run.ref, []).append(step)
        self.promise = self.promise or is_promise(run, event)
        if type(event) is RunEdited and event.flow is not None:
            self.keep_flow(event.digest, event.flow)
        if type(event) is RunEnded:
            self._owe_notices(run)
            self._return_workspace(run)
            self._report_end(run, run.result or "bad", why_of(run), run.outputs)
        elif type(event) is RunRested and run.parent is not None:
            self._news[run.ref] = None
        self._observer.recorded(self, record, run)

    def pack(self) -> None:
        """Pack the runs that ended in this step without any output; note the others as unpacked."""
        table, packs_at_end = self.site.table, self.site.settings.packs_at_end
        for ref, steps in tuple(self.recorded.items()):
            run = steps[-1].run
            if run.phase != "ended":
                continue
            has_ended = isinstance(steps[-1].record.event, RunEnded) and not table.is_foreign(run)
            if has_ended and packs_at_end and not run.has_output:
                self.add(run, (RunPacked(at=self.now, digests={}),))
            else:
                self.keep("unpacked", ref.key, True)

    def _report_end(
        self, run: Run, result: RunResult, why: str, outputs: Mapping[str, Json]
    ) -> None:
        """Report the end of a child run to the attempt that waits for it, or to its parent."""
        if run.parent is None:
            return
        if not run.parent.waits:
            self._news[run.ref] = None
            return
        report = end_of(self.site.named(run.ref), result, why, outputs)
        key = Key.parse(run.parent.key)
        self._reports.append(Reported(key=key, report=report, at=self.now))

    def _owe_notices(self, run: Run) -> None:
        """Owe the notices of a run that has ended, in the same transaction, at its own host.

        The failure of a child run that its parent waits for is a failure of the parent, so only a
        flow's own notices tell of it.
        """
        settings = self.site.settings
        if not settings.notifies or self.site.table.is_foreign(run):
            return
        is_part = run.parent is not None and run.parent.waits
        if notices := notices_at_end(run, () if is_part else settings.on_end):
            rows = notice_rows(run.ref.key, notices)
            self.ledger += rows
            self.notices += rows
