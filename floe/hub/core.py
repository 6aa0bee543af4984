"""What a host does next: words in, a batch out. No I/O, no clock, no chance.

The loop stores `Batch.appends` and `Batch.ledger` in one transaction, and only then answers,
publishes and carries out `Batch.effects`. A batch that could not be stored is taken back with
`undo`. One writer makes the check of resources and the activation one step, without locks.

Source: docs/cluster.md, "The pen".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from typing import Final

from floe.hub.table import WHOLE, RunTable, is_row_changed
from floe.hub.words import Addressed, FlowRead, Mark, Packed, Reply, Start
from floe.kernel.decide import decide
from floe.kernel.evolve import evolve
from floe.kernel.place import Refusals, place
from floe.model.codec import encode, encode_event, to_text
from floe.model.effect import Effect
from floe.model.event import (
    Event,
    FlowPinned,
    RunActivated,
    RunEnded,
    RunGranted,
    RunPacked,
    RunPended,
)
from floe.model.flow import Flow
from floe.model.host import HostView, Pend
from floe.model.refs import HostId, Instant, Json, NodeId, RunRef, StoreId
from floe.model.run import Run, Summary, summary_of
from floe.model.signal import Activate, Cancel, DataGiven
from floe.store.base import Append, LedgerWrite, Record

PROMISES: Final = (RunPended, FlowPinned, RunGranted, RunActivated, RunEnded)
"""Facts that are on the disk before anybody is told. A cancel and a form's answer are too."""

ONCE_MAX: Final = 10_000
"""Idempotency keys kept in memory to tell requests apart that arrive together; older ones are
looked up in the ledger before a word gets here."""

GRANTS_MAX: Final = 256
"""Pends that one step gives to hosts; the next step, which follows at once, goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """What this host is."""

    id: HostId
    tags: frozenset[str]
    slots: int = 64
    """Runs active at once."""
    workspace_root: str
    """Absolute. Workspaces are `<root>/spaces/<flow>/ws/<run key>`, or `…/ws/single`."""


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
    before: Mapping[RunRef, Run | None] = field(default_factory=dict)
    """Each touched run as it was, to undo with."""


class HubCore:
    """A host's decisions over its runs."""

    def __init__(
        self, host: HostSettings, store: StoreId, *, serial: int = 0, term: int = 0, fence: int = 0
    ) -> None:
        """`serial` is of the newest run, `term` the seconds since 1970 at which the store was
        made, `fence` the last fencing counter given."""
        self.host = host
        self.store = store
        self.table = RunTable()
        self.draining = False
        self.serial = serial
        self.term = term
        self.fence = fence
        self.once: dict[str, RunRef] = {}
        self.flows_stored: set[str] = set()

    def load(self, runs: Iterable[Run]) -> tuple[Effect, ...]:
        """Take folded runs in after a start; return all that they owe."""
        return tuple(effect for run in runs for effect in self.table.reload(run.ref, run))

    def step(self, words: Sequence[Addressed], now: Instant) -> Decided:
        """Decide everything that these words bring about.

        Raises ValueError where a word carries what no store can hold; nothing has changed then.
        """
        draft = _Draft(self, now)
        try:
            for word in words:
                draft.hear(word)
            draft.dispatch()
            return draft.decided()
        except ValueError:
            self._undo(draft.ledger, draft.before)
            raise

    def undo(self, decided: Decided) -> tuple[Effect, ...]:
        """Take back what could not be stored; return what its runs owe."""
        return self._undo(decided.ledger, decided.before)

    @property
    def is_behind(self) -> bool:
        """Whether a step without any word may still give a pend to this host."""
        return self.table.news and self.has_room

    @property
    def has_room(self) -> bool:
        """Whether this host takes any run at all now."""
        return not self.draining and self.table.active < self.host.slots

    def view(self) -> HostView:
        """This host as placing sees it."""
        return HostView(
            id=self.host.id,
            store=self.store,
            tags=self.host.tags,
            slots=self.host.slots,
            active=self.table.active,
            draining=self.draining,
            held={t: r for t, r in self.table.held.items() if t.startswith("host:")},
            spaces=self.table.spaces,
        )

    def place(self, pend: Pend, now: Instant) -> HostId | Refusals:
        """Where a pend would go at this moment, or why nowhere."""
        return place(pend, (self.view(),), now, self.table.held)

    def _undo(
        self, ledger: Iterable[LedgerWrite], before: Mapping[RunRef, Run | None]
    ) -> tuple[Effect, ...]:
        for row in ledger:
            if row.kind == "once":
                self.once.pop(row.key, None)
            elif row.kind == "flow":
                self.flows_stored.discard(row.key)
        return tuple(
            effect for ref, run in before.items() for effect in self.table.reload(ref, run)
        )


class _Draft:
    """One step in the making."""

    def __init__(self, core: HubCore, now: Instant) -> None:
        self.core = core
        self.now = now
        self.before: dict[RunRef, Run | None] = {}
        self.steps: dict[RunRef, list[Step]] = {}
        self.ledger: list[LedgerWrite] = []
        self.replies: list[Reply] = []
        self.promise = False

    def hear(self, word: Addressed) -> None:
        ref = word.run
        match word.word:
            case Start() as start:
                ref, changed = self._start(start)
            case Mark(rows=rows, promise=promise):
                self.ledger += rows
                self.promise |= promise
                changed = True
            case _:
                run = self.core.table.runs.get(ref) if ref else None
                changed = run is not None and self._tell(run, word)
        if word.ticket:
            self.replies.append(Reply(ticket=word.ticket, run=ref, changed=changed))

    def dispatch(self) -> None:
        """Give pends to hosts, oldest first, as far as they take them.

        Of those with equal needs only the oldest is tried, and nothing is tried twice unless
        something became free.
        """
        core, table = self.core, self.core.table
        if not core.is_behind:
            return
        table.news = False
        heads = [(queue[0], needs) for needs, queue in table.queues.items()]
        heapify(heads)
        granted = 0
        while heads and core.has_room:
            if granted == GRANTS_MAX:
                table.news = True
                return
            ref, needs = heappop(heads)
            if core.place(table.pends[ref], self.now) == core.host.id:
                self._grant(table.runs[ref])
                granted += 1
                if queue := table.queues.get(needs):
                    heappush(heads, (queue[0], needs))

    def decided(self) -> Decided:
        effects: list[Effect] = []
        closed: list[Effect] = []
        for ref, steps in self.steps.items():
            run, before = steps[-1].run, self.before[ref]
            nodes: Iterable[NodeId] | None = None  # all, where the run as a whole is another
            if before is not None and (before.phase, before.epoch) == (run.phase, run.epoch):
                touched = (getattr(s.record.event, "node", WHOLE) for s in steps)
                nodes = dict.fromkeys((WHOLE, *touched))
            new, old = self.core.table.settle(run, nodes)
            effects += new
            closed += old
        return Decided(
            appends=tuple(_append(ref, steps) for ref, steps in self.steps.items()),
            ledger=tuple(self.ledger),
            promise=self.promise,
            steps=tuple(s for steps in self.steps.values() for s in steps),
            effects=tuple(effects),
            closed=tuple(closed),
            replies=tuple(self.replies),
            before=self.before,
        )

    def _start(self, start: Start) -> tuple[RunRef, bool]:
        core = self.core
        if start.once and (known := core.once.get(start.once)):
            return known, False
        core.serial += 1
        ref = RunRef(core.host.id, core.store, core.serial)
        self._keep("serial", "run", core.serial)
        self._keep_once(start.once, ref)
        self.ledger += start.marks
        if start.digest:
            self._keep_flow(start.digest, start.flow)
        pended = RunPended(
            at=self.now,
            flow=start.flow.id,
            ver=start.flow.ver,
            trigger=start.trigger,
            values=start.values,
            by=start.by,
            digest=start.digest,
        )
        self.before[ref] = None
        self._record(replace(evolve(None, pended, ref=ref), flow=start.flow), pended, None)
        return ref, True

    def _tell(self, run: Run, word: Addressed) -> bool:
        match word.word:
            case FlowRead(flow=flow, digest=digest, source=source):
                if run.phase != "reading":
                    return False
                self._keep_flow(digest, flow)
                self._add(run, (FlowPinned(at=self.now, digest=digest, source=source),), flow)
                return True
            case Packed(digests=digests):
                if run.phase != "ended":
                    return False
                self._keep("unpacked", run.ref.key, None)
                self._add(run, (RunPacked(at=self.now, digests=digests),))
                return True
            case Start() | Mark():
                return False
            case signal:
                if word.once and word.once in self.core.once:
                    return True
                events = decide(run, signal, self.now)
                self._add(run, events)
                if events and isinstance(signal, Cancel | DataGiven):
                    self.promise = True
                    self._keep_once(word.once, run.ref)
                return bool(events)

    def _grant(self, run: Run) -> None:
        core = self.core
        flow = run.flow
        assert flow is not None, "a pend has its flow"
        fences: dict[str, str] = {}
        for tag in flow.resource_tags:
            core.fence += 1
            fences[tag] = f"{core.term}.{core.fence}"
        if fences:
            self._keep("keeper", "fence", core.fence)
        epoch = run.epoch + 1
        granted = RunGranted(
            at=self.now, host=core.host.id, store=core.store, epoch=epoch, fences=fences
        )
        run = self._add(run, (granted,))
        workspace = workspace_of(core.host.workspace_root, flow, run.ref)
        activate = Activate(host=core.host.id, epoch=epoch, workspace=workspace)
        self._add(run, decide(run, activate, self.now))

    def _add(self, run: Run, events: Iterable[Event], flow: Flow | None = None) -> Run:
        self.before.setdefault(run.ref, run)
        for event in events:
            old, run = run, evolve(run, event)
            if flow is not None:
                run = replace(run, flow=flow)
            self._record(run, event, old)
        return run

    def _record(self, run: Run, event: Event, old: Run | None) -> None:
        body = to_text(encode_event(event))  # first: it refuses NaN, and then nothing has changed
        self.core.table.put(run.ref, run)
        record = Record(run=run.ref, epoch=run.epoch, seq=run.seq, event=event, body=body)
        step = Step(record, old, run, summary_of(run) if is_row_changed(old, run) else None)
        self.steps.setdefault(run.ref, []).append(step)
        self.promise |= isinstance(event, PROMISES)
        if isinstance(event, RunEnded):
            self._keep("unpacked", run.ref.key, True)

    def _keep(self, kind: str, key: str, value: Json) -> None:
        self.ledger.append(LedgerWrite(kind=kind, key=key, value=value))

    def _keep_once(self, key: str, ref: RunRef) -> None:
        if key:
            once = self.core.once
            once[key] = ref
            if len(once) > ONCE_MAX:
                del once[next(iter(once))]
            self._keep("once", key, ref.key)

    def _keep_flow(self, digest: str, flow: Flow) -> None:
        if digest not in self.core.flows_stored:
            self.core.flows_stored.add(digest)
            self._keep("flow", digest, encode(flow))


def workspace_of(root: str, flow: Flow, ref: RunRef) -> str:
    """The folder of a run's workspace.

    Source: floe README, "Workspace"; the original's layout.
    """
    return f"{root}/spaces/{flow.id}/ws/{'single' if flow.reuse_space else ref.key}"


def _append(ref: RunRef, steps: Sequence[Step]) -> Append:
    return Append(
        run=ref,
        epoch=steps[-1].record.epoch,
        after=steps[0].record.seq - 1,
        records=tuple(s.record for s in steps),
        summary=next((s.summary for s in reversed(steps) if s.summary), None),
    )
