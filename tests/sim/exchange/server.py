"""A host of the simulation: a real core, the hub's parts for flyte, and the routes of packs."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any, Final, Protocol, cast

from aiohttp import web

from floe.dialects.flyte.current_flows import CurrentFlows
from floe.host.asleep import Asleep
from floe.host.core import HostCore
from floe.host.inputs import Incoming, Reply, TakeOldest
from floe.host.ledger import LEDGER_KINDS
from floe.host.opening_inputs import JudgedEvent
from floe.host.site import SiteSettings
from floe.host.step_result import StepResult
from floe.hub.attempts.judgements import Judgements
from floe.hub.attempts.outside import Outside
from floe.hub.openings.event_inbox import EventInbox, Heard
from floe.hub.shared.shared_rows import SharedRows
from floe.kernel.evolve import fold
from floe.model.effect import Effect
from floe.model.errors import StoreFailed
from floe.model.flow import Flow
from floe.model.ids import HostId, Instant, Json, RunRef, StoreId
from floe.model.judging import JudgeRun
from floe.model.peer_message import Envelope
from floe.model.run import Run
from floe.server.app_keys import HUB, STRANGERS
from floe.server.flyte.bodies import answer_flyte_errors
from floe.server.flyte.copies import Copies
from floe.server.flyte.links import PREFIX
from floe.server.flyte.site import FLYTE_SITE, FlyteSite
from floe.store.base import Record
from tests.make import NOW, attached
from tests.sim.exchange.hub import Asker, Evaluating, KnownRuns, SimPeers, Unmasked
from tests.sim.exchange.tasks import Ask, Call, Pause, Relay, Task, at_once, pause

Handler = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]

KEEPER: Final = HostId("h1")
AGAIN_MS: Final = 1000


@dataclass
class Disk:
    """What a host has stored."""

    ledger: dict[tuple[str, str], Json] = field(default_factory=dict)
    logs: dict[RunRef, list[Record]] = field(default_factory=dict)
    flows: dict[RunRef, Flow] = field(default_factory=dict)

    def store(self, decided: StepResult) -> None:
        """Store a step."""
        for append in decided.appends:
            self.logs.setdefault(append.run, []).extend(append.records)
        for row in decided.ledger:
            if row.value is None:
                self.ledger.pop((row.kind, row.key), None)
            else:
                self.ledger[row.kind, row.key] = row.value
        for step in decided.recorded:
            if step.run.flow:
                self.flows[step.run.ref] = step.run.flow

    def copy(self) -> "Disk":
        """The same, to be changed by itself."""
        logs = {ref: list(log) for ref, log in self.logs.items()}
        return Disk(dict(self.ledger), logs, dict(self.flows))

    def run(self, ref: RunRef, seq: int | None = None) -> Run:
        """A run, as it was after an event."""
        events = [record.event for record in self.logs[ref][:seq]]
        return attached(fold(ref, events), self.flows.get(ref))


class Surroundings(Protocol):
    """The world around a host."""

    random: Random
    now: int

    def at(self, ms: int, call: Callable[[], None]) -> None: ...

    def chance(self, share: float) -> bool: ...

    def tell(self, text: str) -> None: ...

    def send(self, host: HostId, envelope: Envelope) -> None: ...

    def relay(self, server: "Server", task: Task, relayed: Relay) -> None: ...

    def failed(self, server: "Server") -> None: ...


class Server:
    """A host, its disk, and its process, if it runs."""

    def __init__(self, world: Surroundings, name: str, peers: int) -> None:
        self.world, self.id, self.store = world, HostId(name), StoreId(f"{name}st0")
        self._settings = SiteSettings(
            id=self.id, tags=frozenset(), workspace_root="/srv", peers=peers, keeper=KEEPER
        )
        self.disk, self._safe, self._unsaved = Disk(), Disk(), list[StepResult]()
        self.refusals = 0
        self.is_gone = False
        """It is lost for good."""
        self.life = 0
        """Counts its processes."""
        self.core: HostCore
        self.is_up = False
        self.start()

    # --- its process ---

    def start(self) -> None:
        """Start a process on what the disk has."""
        self.life += 1
        self.is_up = True
        self._inbox: list[Incoming] = []
        self._is_due = self._is_judging = False
        self._alarm: Instant | None = None
        self._ticket = 0
        self._tasks: dict[int, Task] = {}
        self._open: dict[Task, None] = {}
        ledger, logs = self.disk.ledger, self.disk.logs
        rows = {
            kind: {k: v for (of, k), v in ledger.items() if of == kind} for kind in LEDGER_KINDS
        }
        serial = max((ref.serial for ref in logs), default=0)
        self.core = HostCore(self._settings, self.store, serial=serial, term=NOW // 1000, rows=rows)
        self._put_together()
        runs = [self.disk.run(ref) for ref in logs]
        owed = self.core.load(runs, [record for run in runs for record in logs[run.ref]])
        self._perform(owed)
        self.put(None)
        self._look()

    def _put_together(self) -> None:
        ask, core = Asker(self.core, self.put), self.core
        runs = KnownRuns(self)
        masked, flows = cast(Any, Unmasked()), CurrentFlows()
        evaluating = Evaluating(self)
        clock: Any = SimpleNamespace(now=lambda: Instant(self.world.now))
        inbox = HeardAtOnce(core, cast(Any, evaluating), {"flyte": flows}, ask.ask, masked, clock)
        hub: Any = SimpleNamespace(
            host=SimpleNamespace(id=self.id),
            clock=clock,
            loop=ask,
            inbox=inbox,
            reads=runs,
            shared=SharedRows(cast(Any, ask), clock),
            outside=Outside(cast(Any, ask), cast(Any, runs), cast(Any, None), masked),
        )
        self.inbox = inbox
        self.judgements = Judgements(
            cast(Any, evaluating), cast(Any, None), core.table.runs, self.put, inbox.around
        )
        self.site = FlyteSite(hub, cast(Any, SimPeers()))
        self.site.copies = Copies(hub, cast(Any, SimPeers()), pause)
        self.app: dict[Any, Any] = {FLYTE_SITE: self.site, HUB: hub, PREFIX: "", STRANGERS: None}
        self._shared = hub.shared

    def stop(self, *, power: bool) -> None:
        """End the process; without power, what no promise saved may be gone."""
        self.is_up = False
        if power and self._unsaved:
            for decided in self._unsaved[: self.world.random.randint(0, len(self._unsaved))]:
                self._safe.store(decided)
            self.disk = self._safe.copy()
        self._unsaved.clear() if power else None
        tasks, self._open, self._tasks = self._open, {}, {}
        for task in tasks:
            task.drop()

    # --- requests ---

    @property
    def is_serving(self) -> bool:
        """Whether a request, or other work of the host, is not answered yet."""
        return bool(self._open)

    def serve(
        self,
        handler: Handler,
        call: Call,
        done: Callable[[Any], None],
        dropped: Callable[[], None],
    ) -> Task:
        """Answer a request. `dropped` is called where this process ends before."""
        call.app = self.app
        return self.begin(answer_flyte_errors(cast(Any, call), handler), done, dropped)

    def begin(
        self,
        work: Coroutine[Any, Any, Any],
        done: Callable[[Any], None],
        dropped: Callable[[], None] = lambda: None,
    ) -> Task:
        """Begin a coroutine of the real code."""
        task = Task(work, self._waits, lambda result: self._over(task, done, result), dropped)
        self._open[task] = None
        task.resume()
        return task

    def _over(self, task: Task, done: Callable[[Any], None], result: object) -> None:
        self._open.pop(task, None)
        done(result)

    def _waits(self, task: Task, on: Ask | Relay | Pause) -> None:
        if isinstance(on, Pause):
            self._later(on.ms, task.resume)
            return
        if isinstance(on, Relay):
            self.world.relay(self, task, on)
            return
        if isinstance(on.input, TakeOldest):
            task.take = on.input.take
        self._ticket += 1
        self._tasks[self._ticket] = task
        self.put(Incoming(input=on.input, run=on.run, ticket=self._ticket))

    # --- the one writer ---

    def put(self, incoming: Incoming | None) -> None:
        """Put an input in the inbox of the writer; None only lets it look."""
        if incoming is not None:
            self._inbox.append(incoming)
        if not self._is_due:
            self._is_due = True
            self._later(self.world.random.randint(1, 3), self._write)

    def _later(self, ms: int, call: Callable[[], None]) -> None:
        """Call, if the process is the same then."""
        life = self.life
        self.world.at(ms, lambda: call() if self.is_up and self.life == life else None)

    def _write(self) -> None:
        """Decide what waits, store it, and tell of it."""
        self._is_due = False
        inputs, self._inbox = self._inbox, []
        decided = self._decided(inputs)
        if self.refusals:
            self.refusals -= 1
            self._refused(inputs, decided)
            return
        self.disk.store(decided)
        self._unsaved.append(decided)
        if decided.promise:
            for one in self._unsaved:
                self._safe.store(one)
            self._unsaved.clear()
        if self.world.chance(0.004):  # stored, and nobody learns of it
            self.world.failed(self)
            return
        for reply in decided.replies:
            self._replied(reply)
        for effect in decided.closed:
            if isinstance(effect, JudgeRun):
                self.judgements.close(effect)
        self._perform(decided.effects)
        for envelope in decided.messages:
            self.world.send(self.id, envelope)
        self._shared.stored(decided)
        self._set_alarm(decided.next_due)
        self._look()
        for ref in {step.run.ref: None for step in decided.recorded}:
            if self.world.random.random() < 0.5:
                self.core.let_sleep(ref)

    def _decided(self, inputs: Sequence[Incoming]) -> StepResult:
        while True:
            try:
                return self.core.step(inputs, Instant(self.world.now))
            except Asleep as asleep:
                self.core.wake(asleep.run, self.disk.run(asleep.run))

    def run(self, ref: RunRef) -> Run:
        """A run of this host; one that is asleep is read."""
        return self.core.table.runs.awake.get(ref) or self.disk.run(ref)

    def _refused(self, inputs: Sequence[Incoming], decided: StepResult) -> None:
        """As the loop does: callers fail, and inputs that none repeats stay."""
        self.world.tell(f"{self.id} stores nothing")
        self.core.undo(decided)
        self._inbox = [one for one in inputs if not one.ticket] + self._inbox
        self._is_due = True
        self._later(AGAIN_MS, self._write)
        for one in inputs:
            if task := self._tasks.pop(one.ticket, None):
                task.resume(error=StoreFailed("the disk refuses"))

    def _replied(self, reply: Reply) -> None:
        if task := self._tasks.pop(reply.ticket, None):
            task.resume(reply)

    def _set_alarm(self, due: Instant | None) -> None:
        if due is None or due == self._alarm:
            return
        self._alarm = due
        self._later(max(due - self.world.now, 1), lambda: self._ring(due))

    def _ring(self, due: Instant) -> None:
        if self._alarm == due:
            self._alarm = None
            self.put(None)

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, JudgeRun):
                self.judgements.perform(effect)

    # --- the inbox of events ---

    def _look(self) -> None:
        """Have the oldest events judged, unless some are."""
        if not self._is_judging and len(self.core.site.inbox):
            self._is_judging = True
            self._later(self.world.random.choice((1, 5, 200)), self._judge)

    def _judge(self) -> None:
        events = self.core.site.inbox.first(self.world.random.randint(1, 8))
        judged = at_once(self.inbox._judged(events))
        if judged:
            delay = self.world.random.choice((1, 5, 200))
            self._later(delay, lambda: self._store_judged(judged))
        else:
            self._judged(is_stored=False)

    def _store_judged(self, judged: Sequence[JudgedEvent]) -> None:
        self.begin(self.inbox._store(judged), lambda result: self._judged(is_stored=result))

    def _judged(self, *, is_stored: bool) -> None:
        self._is_judging = False
        self._later(1 if is_stored else AGAIN_MS, self._look)


class HeardAtOnce(EventInbox):
    """The inbox whose senders do not wait for their runs."""

    async def opened(self, number: int, *, wait_s: float | None = None) -> Heard:
        return Heard(number, None)
