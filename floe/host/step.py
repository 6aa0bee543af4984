"""One step of the core in the making: it hears words and gathers what they bring about."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

from floe.host.decided import Decided, Step
from floe.host.inputs import (
    Reply,
)
from floe.host.runs import WHOLE, is_row_changed
from floe.kernel.decide import Decision, decide
from floe.kernel.evolve import evolve
from floe.model.codec import encode, encode_event, to_text
from floe.model.effect import Effect
from floe.model.event import (
    Event,
    FlowPinned,
    GrantReturned,
    GrantRevoked,
    GrantSuperseded,
    RunActivated,
    RunEnded,
    RunEnding,
    RunGranted,
    RunPended,
)
from floe.model.flow import Flow
from floe.model.message import Envelope, Message
from floe.model.refs import HostId, Instant, Json, NodeId, RunRef, StoreId
from floe.model.run import Attached, Run, Summary, summary_of
from floe.model.signal import Activate, Signal
from floe.store.base import Append, LedgerWrite, Record

if TYPE_CHECKING:
    from floe.host.cluster import Cluster
    from floe.host.core import HubCore

PROMISES: Final = (
    RunPended,
    FlowPinned,
    RunGranted,
    GrantReturned,
    GrantRevoked,
    GrantSuperseded,
    RunActivated,
    RunEnding,
    RunEnded,
)
"""Facts that are on the disk before anybody is told: all that change what lists say of a run, but
for RunPacked, which comes to the same again. A cancel and a form's answer are too."""

ONCE_MAX: Final = 10_000
"""Idempotency keys kept in memory to tell requests apart that arrive together; older ones are
looked up in the ledger before a word gets here."""

GRANTS_MAX: Final = 256
"""Pends that one step gives to hosts; the next step, which follows at once, goes on."""


class Draft:
    """One step in the making."""

    def __init__(self, core: "HubCore", now: Instant) -> None:
        self.core = core
        self.now = now
        self.before: dict[RunRef, Run | None] = {}
        self.steps: dict[RunRef, list[Step]] = {}
        self.ledger: list[LedgerWrite] = []
        self.replies: list[Reply] = []
        self.messages: list[Envelope] = []
        self.to_self: deque[Message] = deque()
        """Messages from this host to itself, which this step still has to handle."""
        self.rows: dict[RunRef, Append] = {}
        self.heard: list[Append] = []
        self.promise = False
        self.next_due: Instant | None = None

    @property
    def cluster(self) -> "Cluster":
        """The parts of this host that concern others; there are some."""
        cluster = self.core.cluster
        assert cluster is not None, "a host that has others"
        return cluster

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
                self.begin(table.runs[ref], self._fences(table.runs[ref]))
                granted += 1
                if queue := table.queues.get(needs):
                    heappush(heads, (queue[0], needs))

    def decided(self) -> Decided:
        """All that the words came to."""
        assert not self.to_self, "a step handles all that this host sends to itself"
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
        appends = tuple(_append(ref, steps) for ref, steps in self.steps.items())
        return Decided(
            appends=(*appends, *self.rows.values(), *self.heard),
            ledger=tuple(self.ledger),
            promise=self.promise,
            steps=tuple(s for steps in self.steps.values() for s in steps),
            effects=tuple(effects),
            closed=tuple(closed),
            replies=tuple(self.replies),
            messages=tuple(self.messages),
            rows=tuple(append.summary for append in self.rows.values() if append.summary),
            next_due=self.next_due,
            before=self.before,
            changes=self.core.cluster.journal.take() if self.core.cluster else (),
        )

    # --- what the parts of a cluster write with ---

    def is_self(self, host: HostId | None, store: StoreId | None) -> bool:
        """Whether an address is this host's."""
        core = self.core
        return host == core.host.id and (store is None or store == core.store)

    def send(self, host: HostId | None, store: StoreId | None, message: Message) -> None:
        """Send a message once this step is stored; None sends it to every configured host.

        A message to this host is handled in this step, see `Cluster.deliver`.
        """
        core = self.core
        if self.is_self(host, store):
            self.to_self.append(message)
            return
        self.messages.append(
            Envelope(
                from_host=core.host.id,
                from_store=core.store,
                to_host=host,
                to_store=store,
                message=message,
            )
        )

    def keep(self, kind: str, key: str, value: Json) -> None:
        """Write a row of the ledger; None deletes it."""
        self.ledger.append(LedgerWrite(kind=kind, key=key, value=value))

    def promise_row(self, kind: str, key: str, value: Json) -> None:
        """Write a row that is on the disk before anybody is told."""
        self.keep(kind, key, value)
        self.promise = True

    def add(self, run: Run, events: Iterable[Event], flow: Flow | None = None) -> Run:
        """Record facts of a run; return what it is after them."""
        self.before.setdefault(run.ref, run)
        for event in events:
            old, run = run, evolve(run, event)
            if flow is not None:
                run = replace(run, flow=flow)
            self.record(run, event, old)
        return run

    def decide(self, run: Run, signal: Signal) -> Decision:
        """Record the events that a signal causes."""
        decision = decide(run, signal, self.now, Attached(flow=run.flow))
        self.before.setdefault(run.ref, run)
        for event, after in zip(decision.events, decision.runs, strict=True):
            self.record(after, event, run)
            run = after
        return decision

    def add_as_stored(self, run: Run, event: Event, body: str) -> Run:
        """Record a fact that another host has stored, to the letter."""
        self.before.setdefault(run.ref, run)
        new = evolve(run, event)
        self.record(new, event, run, body)
        return new

    def adopt(self, log: Sequence[tuple[Record, Run]]) -> Run:
        """Take in a run that another host adopted: its log, with the run after each event."""
        old: Run | None = None
        for record, run in log:
            self.before.setdefault(record.run, None)
            self.record(run, record.event, old, record.body)
            old = run
        assert old is not None, "a log has at least RunPended"
        return old

    def let_go(self, run: Run, row: Summary) -> None:
        """A run is over at the host that has its log: keep its row alone."""
        self.before.setdefault(run.ref, run)
        self.core.table.put(run.ref, None)
        self.rows[run.ref] = Append(
            run=run.ref, epoch=run.epoch, after=run.seq, records=(), summary=row
        )
        self.promise = True

    def begin(self, run: Run, fences: dict[str, str]) -> None:
        """Give a run to this very host and begin it."""
        core = self.core
        epoch = run.epoch + 1
        granted = RunGranted(
            at=self.now, host=core.host.id, store=core.store, epoch=epoch, fences=fences
        )
        self.activate(self.add(run, (granted,)))

    def activate(self, run: Run) -> Run:
        """Begin a run that was granted to this host."""
        core, flow = self.core, run.flow
        assert flow is not None, "a pend has its flow"
        workspace = workspace_of(core.host.workspace_root, flow, run.ref)
        activate = Activate(host=core.host.id, epoch=run.epoch, workspace=workspace)
        return self.decide(run, activate).run

    def _fences(self, run: Run) -> dict[str, str]:
        core = self.core
        fences: dict[str, str] = {}
        for tag in run.flow.resource_tags if run.flow else ():
            core.fence += 1
            fences[tag] = f"{core.term}.{core.fence}"
        if fences:
            self.keep("keeper", "fence", core.fence)
        return fences

    def record(self, run: Run, event: Event, old: Run | None, body: str = "") -> None:
        """Take in one fact: `run` is what it makes of `old`."""
        body = body or to_text(encode_event(event))  # first: it refuses NaN, and nothing changed
        self.core.table.put(run.ref, run)
        record = Record(run=run.ref, epoch=run.epoch, seq=run.seq, event=event, body=body)
        step = Step(record, old, run, summary_of(run) if is_row_changed(old, run) else None)
        self.steps.setdefault(run.ref, []).append(step)
        self.promise |= isinstance(event, PROMISES)
        if run.phase == "ended":
            self.keep("unpacked", run.ref.key, True)
        if self.core.cluster is not None:
            self.core.cluster.noted(self, record, run)

    def keep_once(self, key: str, ref: RunRef) -> None:
        """Remember what an idempotency key brought about."""
        if key:
            once = self.core.once
            once[key] = ref
            if len(once) > ONCE_MAX:
                del once[next(iter(once))]
            self.keep("once", key, ref.key)

    def keep_flow(self, digest: str, flow: Flow) -> None:
        """Store a compiled flow, once."""
        if digest not in self.core.flows_stored:
            self.core.flows_stored.add(digest)
            self.keep("flow", digest, encode(flow))


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
