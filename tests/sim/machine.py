"""A simulated machine: a disk, a warden with its commands, and a hub that comes and goes.

Does what `hub/loop`, `hub/acts` and the warden do, without an event loop: append first, act
after. Fuses, its own or the world's, kill the hub at a named point in between.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

from floe.feed.directory_sync import DirectorySync
from floe.host.core import HostCore
from floe.host.earlier_children import restarting
from floe.host.inputs import (
    Child,
    FlowRead,
    Incoming,
    Input,
    LogRead,
    Packed,
    Received,
    Start,
    Surroundings,
)
from floe.host.peers.facts import fact_of
from floe.host.site import SiteSettings
from floe.host.step_result import Recorded, StepResult
from floe.hub.children import children_left
from floe.hub.clock import Move, due_after_moves, moves_after
from floe.kernel.children import awaits_child, cancel_of
from floe.kernel.owed import longest_s
from floe.kernel.process import is_awaited
from floe.model.effect import (
    AskData,
    Effect,
    LoadFlow,
    PackArchive,
    PendChild,
    SetTimer,
    StartAction,
    StopAction,
    StopChild,
)
from floe.model.event import GrantSuperseded, RunActivated, RunEnded
from floe.model.ids import FlowId, HostId, Instant, Key, NodeId, RunRef
from floe.model.moving import RunResumed, RunReturned
from floe.model.peer_message import CancelRun, Envelope, Message
from floe.model.run import Run
from floe.model.signal import (
    DataGiven,
    Failed,
    Report,
    Reported,
    Started,
    Stopped,
    TimerFired,
)
from floe.store.base import Record
from tests.sim import children, invariants
from tests.sim.disk import Disk
from tests.sim.flows import DIGESTS, FLOWS
from tests.sim.lists import finish, lists_of, store_of
from tests.sim.mishaps import Mishap, text_of
from tests.sim.removal import SWEEP_MS, Spaces, sweep
from tests.sim.truth import Broken, Place

if TYPE_CHECKING:
    from tests.sim.world import World

STORE_MS: Final = 3
"""A batch takes up to this until it is on the disk."""

START_MS: Final = 5
PEOPLE_MS: Final = 1500


ROWS_MS: Final = 50
"""Between two messages with changed rows."""

LOGS_MS: Final = 150
"""Between two looks for logs that are to be read."""

REST_MS: Final = 200
"""A run that waits for less than this reports nothing to its adopter."""

CHILDREN_MS: Final = 300
"""Between two readings of the children of lost starts."""


class Blown(BaseException):
    """A fuse: the hub's process ends at this point."""

    def __init__(self, point: Mishap) -> None:
        super().__init__(text_of(point))
        self.point = point


@dataclass(slots=True)
class Fuse:
    """Kills the hub that passes a point: that one, or any where there is none."""

    point: Mishap | None
    passings: int = 0
    """How often it is passed unhurt before."""

    def burns(self, when: str, names: Iterable[str]) -> Mishap | None:
        """The point that is the last, of those that are passed now; None for none."""
        for name in names:
            if self.point in (None, (when, name)):
                if not self.passings:
                    return when, name
                self.passings -= 1
        return None


@dataclass(slots=True, eq=False)
class Process:
    """One attempt as the warden knows it, until the hub has taken its end."""

    key: Key
    report: Report | None = None
    heard_by: int = -1
    """The life of the hub that is told of it."""


@dataclass(slots=True, eq=False)
class Machine:
    """One host of the cluster."""

    world: "World"
    settings: SiteSettings
    disk: Disk
    skew_ms: int
    core: HostCore | None = None
    lists: DirectorySync | None = None
    life: int = 0
    """Counts the hub's processes; what was set in motion by an earlier one is not heard."""
    inbox: list[Incoming] = field(default_factory=list)
    processes: dict[Key, Process] = field(default_factory=dict)
    spaces: Spaces = field(default_factory=Spaces)
    removing: set[str] = field(default_factory=set)
    """Runs with logs here that it chose to remove."""
    fuse: Fuse | None = None
    refusals: int = 0
    """Appends that the disk refuses from now on."""
    moves: tuple[Move, ...] = ()
    """How its clock was set, as its store keeps it."""
    paused_until: int = 0
    drains: int = 0
    """How often somebody asked it to drain, or to take runs again."""
    drained: bool = False
    """It has said that it drains, and was not asked since to take runs again."""
    backup: Disk | None = None
    written: set[tuple[str, int]] = field(default_factory=set)
    """Offers of which this hub's process may have written a byte to a socket."""
    _begun: set[Key] = field(default_factory=set)
    _timers: set[SetTimer] = field(default_factory=set)
    _head: int = -1
    """The position of the lists that the core knows."""
    _is_sending: bool = False
    """Changed rows go out soon."""
    _is_reading: bool = False
    """The children of lost starts are read soon."""
    _turn_at: int = -1
    _due: int = -1

    @property
    def id(self) -> HostId:
        return self.settings.id

    @property
    def place(self) -> Place:
        """This host with the store it has now."""
        return Place(self.id, self.disk.store)

    @property
    def random(self) -> Random:
        return self.world.random

    def set_clock(self, by_ms: int) -> None:
        """Set the clock; the host believes it, now or when it is there again."""
        old = self.now()
        self.skew_ms += by_ms
        self.moves = moves_after(self.moves, (old, self.now()))

    def now(self) -> Instant:
        """This host's clock."""
        return Instant(self.world.now + self.skew_ms)

    # --- the hub's life ---

    def boot(self) -> None:
        """Start a hub on this disk."""
        assert self.core is None
        self.life += 1
        self.inbox, self.written = [], set()
        self._begun, self._timers = set(), set()
        self._turn_at = self._due = self._head = -1
        self._is_sending = self._is_reading = False
        self.paused_until = 0
        core = self.core = self.world.make_core(self)
        owed = core.load(*self._read())
        self.world.log(self.id, "starts", f"life {self.life}, store {self.disk.store}")
        keys = {e.key for e in owed if isinstance(e, StartAction | StopAction)}
        for key in [k for k in self.processes if k not in keys]:
            self.world.end_process(self, key, Stopped())
            del self.processes[key]
        for effect in _sorted(owed):
            if isinstance(effect, StopAction):
                self._start(effect.key, started=True)
            self._perform(effect)
        self.lists = lists_of(self)
        self._read_children_soon()
        self.world.at(SWEEP_MS, sweep, self, self.life)
        self.world.at(LOGS_MS, self._read_logs, self.life)
        self.turn_soon()

    def kill(self, why: str) -> None:
        """End the hub's process; its commands run on."""
        if self.core is not None:
            self.world.log(self.id, "dies", why)
        self.core, self.fuse, self.lists = None, None, None
        self.life += 1

    def end_commands(self) -> None:
        """The machine goes down, and every command with it."""
        for key, process in list(self.processes.items()):
            if process.report is None:
                self.world.end_process(self, key, Failed(cause="lost", why="the power failed"))

    def say(
        self, word: Input, run: RunRef | None = None, *, ticket: int = 0, once: str = ""
    ) -> None:
        """Put a word in the hub's inbox, if there is a hub."""
        if self.core is not None:
            self.inbox.append(Incoming(input=word, run=run, ticket=ticket, once=once))
            self.turn_soon()

    def turn_soon(self) -> None:
        """Let the writer take what is in the inbox."""
        if self._turn_at < self.world.now:
            delay = 1 + int(self.random.random() * STORE_MS)
            self._turn_at = max(self.world.now + delay, self.paused_until)
            self.world.at(self._turn_at - self.world.now, self._turn, self.life)

    def _turn(self, life: int) -> None:
        if life != self.life or self.core is None:
            return
        if self.paused_until > self.world.now:
            self._turn_at = -1
            self.turn_soon()
            return
        self._turn_at = -1
        words, self.inbox = self.inbox, []
        self.guarded(self._take, self.core, words)

    def guarded(self, call: Callable[..., None], *args: object) -> None:
        """Do something of the hub's, which may die of it."""
        try:
            call(*args)
        except Blown as blown:
            self.world.met[blown.point] += 1
            self.kill(str(blown))
            self.world.reboot_later(self)

    def _take(self, core: HostCore, words: Sequence[Incoming]) -> None:
        self._carry_out(core, words, core.step(self._completed(words), self.now()))

    def _completed(self, words: Sequence[Incoming]) -> Sequence[Incoming]:
        """The inputs of a step, with the surroundings where these changed."""
        assert self.lists is not None
        head = self.lists.directory.head
        if head == self._head:
            return words
        self._head, peers = head, self.settings.peers
        around = Surroundings(about={}, head=head, has_gone_back=False, expected=peers)
        return [Incoming(input=around), *words]

    def _carry_out(self, core: HostCore, words: Sequence[Incoming], decided: StepResult) -> None:
        if decided.appends or decided.ledger or decided.promise:
            if self.refusals:
                self.refusals -= 1
                core.undo(decided)
                self.inbox = [w for w in words if not w.ticket] + self.inbox
                self.world.log(self.id, "has an append refused", "")
                self.world.at(1000, self._retry, self.life)
                return
            names = _names(decided) if self.fuse or self.world.fuse else ()
            self._pass("before", names)
            self._store(decided)
            self._tell_lists(decided)
            self._read_children_soon()
            self._pass("after", names)
        self._note_cancels(core, words)
        for envelope in decided.messages:
            self.world.send(self, envelope)
            self._pass("after sending", (type(envelope.message).__name__,))
        for effect in decided.closed:
            self._close(effect)
        for effect in _sorted(decided.effects):
            name = (type(effect).__name__,)
            self._pass("before", name)
            self._perform(effect)
            self._pass("after", name)
        for reply in decided.replies:
            self.world.answer(reply)
        if self.settings.keeper == self.id:
            invariants.one_host_fires_timers(self.world)
        if core.is_behind:
            self.turn_soon()
        elif decided.next_due is not None:
            self._wake(decided.next_due)

    def _tell_lists(self, decided: StepResult) -> None:
        assert self.lists is not None
        self.lists.stored(decided, self.disk.head)
        if self.lists.directory.has_news and not self._is_sending:
            self._is_sending = True
            self.world.at(ROWS_MS, self._send_news, self.life)

    def _read_children_soon(self) -> None:
        """Read the children of lost starts, while there are parents that start again."""
        core = self.core
        if core is not None and not self._is_reading and restarting(core.site):
            self._is_reading = True
            self.world.at(CHILDREN_MS, self._read_children, self.life)

    def _read_children(self, life: int) -> None:
        core, lists = self.core, self.lists
        if life != self.life or core is None or lists is None:
            return

        async def read() -> None:
            parents, store = restarting(core.site), store_of(self.disk)
            for one in await children_left(parents, store, lists.forgotten, str):
                self.say(one.input, one.run)

        finish(read())
        self._is_reading = False
        self._read_children_soon()

    def _read_logs(self, life: int) -> None:
        """Read the logs of runs that move, and of those that outlive this host."""
        core = self.core
        if life != self.life or core is None:
            return
        for run in core.wanted_logs(self.now()):
            self.say(LogRead(facts=tuple(map(fact_of, self.disk.logs[run]))), run)
        self.world.at(LOGS_MS, self._read_logs, life)

    def _send_news(self, life: int) -> None:
        if life == self.life and self.lists is not None:
            self._is_sending = False
            if news := self.lists.directory.news():
                self.send_rows(None, news)

    def send_rows(self, host: HostId | None, message: Message) -> None:
        """Send a message of the lists, to one host or to all."""
        core = self.core
        assert core is not None
        member = core.members.get(host) if host else None
        envelope = Envelope(
            from_host=self.id,
            from_store=self.disk.store,
            to_host=host,
            to_store=member.store if member else None,
            message=message,
        )
        self.world.send(self, envelope)
        self.guarded(self.pass_point, "after sending", type(message).__name__)

    def _note_cancels(self, core: HostCore, words: Sequence[Incoming]) -> None:
        truth = self.world.truth
        for envelope in [w.input.envelope for w in words if isinstance(w.input, Received)]:
            message, sender = envelope.message, Place(envelope.from_host, envelope.from_store)
            if isinstance(message, CancelRun) and sender not in truth.forgotten:
                run = core.table.runs.get(RunRef.parse(message.run))
                if run is not None and run.store == self.disk.store and run.epoch == message.epoch:
                    truth.told.add((run.ref, self.place))

    def _retry(self, life: int) -> None:
        if life == self.life:
            self.turn_soon()

    def _store(self, decided: StepResult) -> None:
        pruned = [(one, self.disk.rows.get(RunRef.parse(one.key))) for one in decided.prunes]
        try:
            self.disk.write(
                decided.appends, decided.ledger, decided.prunes, promise=decided.promise
            )
        except Exception as error:
            raise Broken(f"store_takes_what_is_decided: {self.place}: {error}") from error
        if decided.recorded:
            self._watch(decided.recorded)
        for one, row in pruned:
            self.world.watch_removal(self, one.key, row)
        if pruned:
            self.world.at(SWEEP_MS, sweep, self, self.life)

    def _watch(self, recorded: Sequence[Recorded]) -> None:
        """Events of a batch are on the disk: let the observer judge them.

        A batch is one moment: what it frees may be taken in it, in whichever order it is listed.
        """
        world, steps = self.world, _ends_first(recorded)
        runs = {step.run.ref: step.run for step in recorded}
        epochs = {step.record.run: step.record.epoch for step in recorded}
        children.children_are_pended_with_their_records(self.disk.store, recorded)
        world.free_slots(self, runs.values())
        for step in steps:
            world.watch(self, step, epochs[step.record.run])
        for step in steps:
            children.watch(world.truth, step)
            children.restart_follows_known_children(world.truth, self.disk, step)
        if self.core is not None:
            children.waiting_run_takes_no_slot(self.core)
        invariants.check_states(self.place, runs.values())

    def pass_point(self, when: str, name: str) -> None:
        """The hub is at a point; it may not come back from here."""
        self._pass(when, (name,))

    def _pass(self, when: str, names: Iterable[str]) -> None:
        world = self.world
        if self.fuse is not None and (point := self.fuse.burns(when, names)):
            raise Blown(point)
        if world.fuse is not None and (point := world.fuse.burns(when, names)):
            world.fuse = None
            raise Blown(point)

    def _wake(self, due: Instant) -> None:
        at = max(due - self.skew_ms, self.world.now + 1)
        if self._due < self.world.now or at < self._due:
            self._due = at
            self.world.at(at - self.world.now, self._on_due, self.life, at)

    def _on_due(self, life: int, at: int) -> None:
        if life == self.life and at == self._due:
            self._due = -1
            self.turn_soon()

    def _read(self) -> tuple[list[Run], list[Record]]:
        """What a hub reads at its start: runs, and the logs of those that may be offered."""
        runs, store = self.disk.unfinished(), self.disk.store
        logs: list[Record] = []
        for run in runs:
            is_offered = run.phase in ("reading", "pending", "granted")
            if run.ref.store == store and (is_offered or run.store not in (None, store)):
                logs += self.disk.logs[run.ref]
        return runs, logs

    # --- hands ---

    def _perform(self, effect: Effect) -> None:
        world = self.world
        match effect:
            case StartAction(key=key, started=started):
                self._start(key, started=started)
            case StopAction(key=key):
                self._stop(key)
            case PendChild(key=key):
                world.at(self.random.randrange(1, 30), self._pend_child, self.life, key)
            case StopChild(key=key, run=child):
                assert self.core is not None
                run = self.core.table.runs[key.run]
                self.say(cancel_of(run, key), RunRef.parse(child))
            case SetTimer(due=due):
                self._timers.add(effect)
                assert self.core is not None
                longest_ms = round(longest_s(self.core.table.runs[effect.key.run], effect) * 1000)
                delay = max(
                    0, due_after_moves(due, longest_ms, self.moves, self.now()) - self.now()
                )
                world.at(delay, self._fire, self.life, effect)
            case LoadFlow(run=ref):
                world.at(self.random.randrange(5, 80), self._read_flow, self.life, ref)
            case PackArchive(run=ref):
                world.at(self.random.randrange(1, 30), self._pack, self.life, ref)
            case AskData(key=key):
                world.at(self.random.randrange(50, world.people_ms), self._give, self.life, key)
            case _:
                pass

    def _close(self, effect: Effect) -> None:
        match effect:
            case StartAction(key=key) | StopAction(key=key):
                if not self._is_open(key):
                    self._begun.discard(key)
                    process = self.processes.get(key)
                    if process is not None and process.report is not None:
                        del self.processes[key]
            case SetTimer():
                self._timers.discard(effect)
            case _:
                pass

    def _is_open(self, key: Key) -> bool:
        assert self.core is not None
        return is_awaited(self.core.table.runs.get(key.run), key)

    def _start(self, key: Key, *, started: bool) -> None:
        if key in self._begun:
            return
        self._begun.add(key)
        process = self.processes.get(key)
        if process is None:
            if started:
                self._log(key, Failed(cause="lost", why="the warden knows nothing of it"))
                return
            process = self.processes[key] = Process(key)
            self.world.start_process(self, key)
            self._enter_space(key.run)
        process.heard_by = self.life
        delay = self.random.randrange(1, START_MS)
        self.world.at(delay, self._hear, self.life, key, Started(key=key, at=self.now()))
        if process.report is not None:
            self._log(key, process.report)

    def _enter_space(self, ref: RunRef) -> None:
        assert self.core is not None
        run = self.core.table.runs[ref]
        assert run.flow is not None
        if not run.flow.reuse_space:
            made_by = self.spaces.ready(run)
            invariants.re_run_gets_the_workspace(self.world.truth, run, made_by)

    def _stop(self, key: Key) -> None:
        process = self.processes.get(key)
        if key not in self._begun or process is None:
            self._log(key, Stopped())
        elif process.report is None:
            delay = self.random.randrange(1, 150)  # what it does about TERM
            self.world.at(delay, self.world.end_process, self, key, Stopped())

    def over(self, key: Key, report: Report) -> None:
        """The last process of an attempt is gone; the warden keeps its end for the hub."""
        process = self.processes.get(key)
        if process is not None and process.report is None:
            process.report = report
            if process.heard_by == self.life:
                self._log(key, report)

    def _log(self, key: Key, report: Report) -> None:
        word = Reported(key=key, report=report, at=self.now())
        self.world.at(6, self._hear, self.life, key, word)

    def _hear(self, life: int, key: Key, word: Started | Reported) -> None:
        if life == self.life:
            self.say(word, key.run)

    def _fire(self, life: int, timer: SetTimer) -> None:
        if life == self.life and timer in self._timers:
            self._timers.discard(timer)
            self.say(TimerFired(key=timer.key, kind=timer.kind), timer.key.run)

    def _read_flow(self, life: int, ref: RunRef) -> None:
        if life == self.life and self.core and (run := self.core.table.runs.get(ref)):
            digest = DIGESTS[run.flow_id]
            self.say(FlowRead(flow=FLOWS[digest], digest=digest, source="flow.yml@here"), ref)

    def _pend_child(self, life: int, key: Key) -> None:
        run = self.core.table.runs.get(key.run) if life == self.life and self.core else None
        work = awaits_child(run, key) if run else None
        if run is None or work is None:
            return
        flow = FlowId(work.flow)
        start = Start(
            flow=FLOWS[DIGESTS[flow]],
            digest=DIGESTS[flow],
            trigger=NodeId("start"),
            values={},
            by=run.by,
        )
        self.say(Child(key=key, start=start))

    def _pack(self, life: int, ref: RunRef) -> None:
        if life == self.life:
            self.say(Packed(digests={}), ref)

    def _give(self, life: int, key: Key) -> None:
        if life == self.life:
            self.say(DataGiven(node=key.node, values={"ok": True}, good=True, by="bob"), key.run)


def _ends_first(recorded: Sequence[Recorded]) -> list[Recorded]:
    """The facts of a batch, with the ends before it, except those of runs that begin in it."""
    begun = {
        s.record.run for s in recorded if isinstance(s.record.event, RunActivated | RunResumed)
    }

    def is_late(step: Recorded) -> bool:
        is_end = isinstance(step.record.event, RunEnded | GrantSuperseded | RunReturned)
        return not is_end or step.record.run in begun

    return sorted(recorded, key=is_late)


def _sorted(effects: Iterable[Effect]) -> list[Effect]:
    """In one order, whatever the sets they come from have: a seed is to replay anywhere."""
    return sorted(effects, key=_order)


def _order(effect: Effect) -> tuple[str, str]:
    return type(effect).__name__, str(effect)


def _names(decided: StepResult) -> tuple[str, ...]:
    events = [type(step.record.event).__name__ for step in decided.recorded]
    rows = [f"row {row.kind}" for row in decided.ledger]
    return tuple(dict.fromkeys((*events, *rows)))
