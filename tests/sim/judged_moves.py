"""Judged runs that move, and lose their host: the real cores of three hosts, and a bad network.

Hosts are drained, restart, lose power, lose their disks and are forgotten, one of them perhaps in
error. Runs at rest leave memory. People begin passes, and check what crashed. The model of the same
rules is `move`.

    python -m tests.sim.judged_moves --seeds 20000
    python -m tests.sim.judged_moves --seed 7 --bug nothing-crashes
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from dataclasses import replace as with_fields
from functools import partial
from random import Random
from typing import ClassVar, Final

from floe.host.core import HostCore
from floe.host.inputs import Drain, Forget, LogRead
from floe.host.peers.adopter import Adopter
from floe.host.peers.grantee import Grantee
from floe.host.peers.member import Member
from floe.host.peers.moves import Moves
from floe.host.rows import row_of
from floe.host.step import Step
from floe.host.step_result import StepResult
from floe.kernel.evolve import fold
from floe.kernel.judged import signals as signals_module
from floe.kernel.owed import owed
from floe.kernel.run_step import RunStep
from floe.model.call import Call
from floe.model.codec import digest_of, encode_event, to_text
from floe.model.effect import SetTimer, StartAction, StopAction
from floe.model.event import GrantSuperseded
from floe.model.flow import Flow
from floe.model.ids import HostId, Instant, Json, Key, NodeId, RunRef, StoreId
from floe.model.judging import ActionEnded, Judged, JudgeRun, Question, Verdict
from floe.model.nouns import replace
from floe.model.passes import BeginPass
from floe.model.peer_message import Envelope
from floe.model.people import Edit, Resolve, StateEdit
from floe.model.run import Run
from floe.model.signal import (
    Exited,
    Failed,
    HostLost,
    Report,
    Reported,
    Signal,
    Started,
    Stopped,
    TimerFired,
)
from floe.model.summary import Summary
from floe.store.base import Record
from tests.make import NOW, attached
from tests.make_hosts import Host, a_host_core
from tests.sim.bug import Patch, nothing, patch
from tests.sim.model_command import play_many
from tests.sim.truth import Broken
from tests.toy.judge import BY_STATUS
from tests.toy.reader import toy_flow
from tests.toy.run import opened

_TOY: Final = toy_flow("toy", ["a | idempotent", "b on a", "c on a", "d on b:final c:final"])
FLOW: Final = with_fields(
    _TOY, nodes=tuple(with_fields(node, work=Call(type="toy.step")) for node in _TOY.nodes)
)
"""Leaves no file. The first step may run again; each other one only where its end is known."""

IDS: Final = tuple(HostId(f"h{n}") for n in (1, 2, 3))
RUNS: Final = 4
STORM_STEPS: Final = 500
CALM_STEPS: Final = 4_000
RETRY_MS: Final = 2_000
STATUSES: Final = (0, 0, 0, 1, 2)

FAULTS: Final = ("restart",) * 3 + ("power",) * 3 + ("drain",) * 6 + ("wipe", "forget", "mistake")

UNSYNCED_MAX: Final = 5
"""Batches that a power failure may undo."""


def _lost_but_granted(step: RunStep, signal: HostLost) -> None:
    """Leave a run where it was granted to."""
    if step.run.phase != "granted":
        _host_lost(step, signal)


_host_lost = signals_module._host_lost


def _read_unpromised(self: Moves, step: Step, run: Run, log: LogRead) -> bool:
    """Report a rest whose events a power failure may still undo."""
    promise = step.promise
    try:
        return _read(self, step, run, log)
    finally:
        step.promise = promise or step.site.draining


_read = Moves.read


def _wake_unaware(self: HostCore, ref: RunRef, run: Run | None) -> None:
    """Wake a run as if this host were not forgotten."""
    self.table.reload(ref, run)


def _held_by_anyone(self: Adopter, run: Run, member: Member, epoch: int) -> bool:
    return self._is_lent(run)


BUGS: Final[Mapping[str, Patch]] = {
    "nothing-crashes": patch(signals_module, put=nothing),
    "granted-run-stays": patch(signals_module, _host_lost=_lost_but_granted),
    "lost-host-goes-on": patch(Grantee, supersede=nothing),
    "answer-of-any-epoch": patch(Adopter, _is_held_by=_held_by_anyone),
    "rest-is-reported-before-the-disk-has-it": patch(Moves, read=_read_unpromised),
    "sleeper-of-a-forgotten-host-goes-on": patch(HostCore, wake=_wake_unaware),
}
"""By what the hub does wrong."""


@dataclass
class Disk(Host):
    """A host whose last batches a power failure may undo, up to the last promise."""

    unsynced: list[tuple[dict[RunRef, int], dict[tuple[str, str], Json], dict[str, Summary]]] = (
        field(default_factory=list)
    )

    def keep(self, decided: StepResult) -> StepResult:
        """Store a decision."""
        if decided.promise:
            self.unsynced = []
        elif decided.appends or decided.ledger:
            lengths = {ref: len(log) for ref, log in self.logs.items()}
            self.unsynced = [
                *self.unsynced[1 - UNSYNCED_MAX :],
                (lengths, dict(self.ledger), dict(self.directory)),
            ]
        return super().keep(decided)

    def lose(self, batches: int) -> None:
        """The power fails, and the last batches are lost."""
        if lost := self.unsynced[-batches:]:
            lengths, self.ledger, self.directory = lost[0]
            self.logs = {
                ref: log[: lengths[ref]] for ref, log in self.logs.items() if ref in lengths
            }
        self.unsynced = []
        self.restart()


@dataclass(frozen=True, slots=True)
class Start:
    """A start of a step: where, and of which attempt."""

    store: StoreId
    key: Key


@dataclass
class World:
    """Hosts, what is on its way between them, and what befalls them."""

    flow: ClassVar[Flow] = FLOW
    made: ClassVar[type[Disk]] = Disk
    faults: ClassVar[Sequence[str]] = FAULTS

    chance: Random
    hosts: dict[HostId, Disk] = field(default_factory=dict)
    now: int = NOW
    stores: int = 0
    post: list[tuple[int, Envelope]] = field(default_factory=list)
    running: set[tuple[StoreId, Key]] = field(default_factory=set)
    over: dict[tuple[StoreId, Key], int] = field(default_factory=dict)
    """Actions that ended, with the status that the host is to hear."""
    starts: dict[tuple[RunRef, NodeId], list[Start]] = field(default_factory=dict)
    """Those of which nobody decided since."""
    lost: set[tuple[HostId, StoreId]] = field(default_factory=set)
    forgotten: set[tuple[HostId, StoreId]] = field(default_factory=set)
    runs: list[RunRef] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    story: bool = False
    is_calm: bool = False
    timers: dict[tuple[StoreId, RunRef], list[SetTimer]] = field(default_factory=dict)
    """Of runs that are asleep."""

    def tell(self, text: str) -> None:
        """Add a line to the story."""
        if self.story:
            sys.stdout.write(f"{(self.now - NOW) / 1000:9.3f}  {text}\n")

    # --- a trial ---

    def play(self) -> None:
        """The storm and the calm. Raises Broken."""
        for id in IDS:
            self._add(id)
        for _ in range(20):
            self._step()
        for n in range(RUNS):
            self._open(self.hosts[IDS[n % 2]], n + 1)
        for _ in range(STORM_STEPS):
            if self.chance.random() < 0.03:
                self._fault()
            self._step()
        self._heal()
        for _ in range(CALM_STEPS):
            self._step()
            if not self._left():
                break
        if left := self._left():
            raise Broken(f"every_run_ends: {', '.join(map(str, left))}")
        self._copies_are_prefixes()

    def _left(self) -> list[RunRef]:
        """The runs that are not over, of adopters that still have them."""
        living = [ref for ref in self.runs if self.hosts[ref.host].store == ref.store]
        rows = {ref: self.hosts[ref.host].directory[ref.key] for ref in living}
        return [ref for ref, row in rows.items() if row.state != "archive"]

    def _add(self, id: HostId) -> None:
        self.stores += 1
        made = a_host_core(id, f"{id}s{self.stores}", peers=2)
        host = self.made(made.settings, made.store, made.core, now=Instant(self.now))
        self.hosts[id] = host
        self._say(host)

    def _open(self, host: Disk, serial: int) -> None:
        """A host opens a run that rests before its first pass."""
        ref = RunRef(host.id, host.store, serial)
        event = replace(opened(self.flow, verdict="TODO"), host=host.id, store=host.store)
        run = attached(fold(ref, [event]), self.flow)
        body = to_text(encode_event(event))
        host.logs[ref] = [Record(run=ref, epoch=1, seq=1, event=event, body=body)]
        host.flows[ref], host.directory[ref.key] = self.flow, row_of(run, None)
        host.restart()
        host.unsynced = []
        self.runs.append(ref)
        self._say(host)

    def _heal(self) -> None:
        """All is well: what is gone is forgotten everywhere, and who was forgotten in error is
        replaced."""
        self.is_calm = True
        self.tell("all is well")
        for id, host in list(self.hosts.items()):
            if (id, host.store) in self.forgotten:
                self._wipe(host)
        for host in self.hosts.values():
            self._say(host, Drain(on=False))
            for id, store in sorted(self.lost):
                self._say(host, Forget(host=id, store=store, force=True))

    def _step(self) -> None:
        self.now += self.chance.randrange(1, 400)
        due = [one for one in self.post if one[0] <= self.now]
        self.post = [one for one in self.post if one[0] > self.now]
        for _, envelope in due:
            self._deliver(envelope)
        host = self.chance.choice(list(self.hosts.values()))
        if host.due is not None and host.due <= self.now:
            self._say(host)
        if self.chance.random() < 0.3:
            host.now = Instant(self.now)
            host.read_logs()
            self._carry(host)
        for ref, run in list(host.core.table.runs.items()):
            if not host.core.table.is_foreign(run):
                self._work(host, ref)
                self._let_sleep(host, ref)
        for ref in list(host.core.table.runs.asleep):
            self._attend(host, ref)

    def _let_sleep(self, host: Disk, ref: RunRef) -> None:
        run = host.core.table.runs.awake.get(ref)
        if run is not None and run.phase == "resting" and self.chance.random() < 0.3:
            timers = [effect for effect in owed(run) if isinstance(effect, SetTimer)]
            if host.core.let_sleep(ref):
                self.counts["asleep"] += 1
                self.timers[host.store, ref] = timers

    def _attend(self, host: Disk, ref: RunRef) -> None:
        """What reaches a run that is asleep: a timer, or a person."""
        for timer in self.timers.get((host.store, ref), ()):
            if timer.due <= self.now:
                self._say(host, TimerFired(key=timer.key, kind=timer.kind), run=ref)
                return
        if self.chance.random() < 0.1:
            self._look(host, host.read_run(ref))

    # --- what a host does ---

    def _say(self, host: Host, *words: object, run: RunRef | None = None) -> None:
        host.now = Instant(self.now)
        host.step(*words, run=run)  # type: ignore[arg-type]  # inputs all
        host.settle()
        self._carry(host)

    def _carry(self, host: Host) -> None:
        sent, host.sent = host.sent, []
        for envelope in sent:
            copies = 1
            if not self.is_calm:
                copies = self.chance.choices((0, 1, 2), (2, 7, 1))[0]
            for _ in range(copies):
                late = self.chance.choice((1, 5, 50, 3000)) if not self.is_calm else 5
                self.post.append((self.now + self.chance.randrange(late), envelope))

    def _deliver(self, envelope: Envelope) -> None:
        for host in list(self.hosts.values()):
            if host.id == envelope.from_host or envelope.to_host not in (None, host.id):
                continue
            self.counts[type(envelope.message).__name__] += 1
            host.now = Instant(self.now)
            host.hear(envelope)
            host.settle()
            self._carry(host)

    def _work(self, host: Host, ref: RunRef) -> None:
        """Do some of what a run owes, and now and then have a person look at it."""
        run = host.run(ref)
        for effect in sorted(owed(run), key=repr):
            if self.chance.random() < 0.5:
                continue
            match effect:
                case JudgeRun(epoch=epoch, seq=seq, asks=asks):
                    verdicts = tuple(self._verdict(run, ask) for ask in asks)
                    self._say(host, Judged(epoch=epoch, seq=seq, verdicts=verdicts), run=ref)
                    return
                case StartAction(key=key):
                    self._act(host, run, key)
                    return
                case StopAction(key=key):
                    self.running.discard((host.store, key))
                    self._say(host, Reported(key=key, report=Stopped(), at=host.now), run=ref)
                    return
                case SetTimer(key=key, kind=kind, due=at) if at <= self.now:
                    self._say(host, TimerFired(key=key, kind=kind), run=ref)
                    return
                case _:
                    pass
        if run.phase == "resting" and self.chance.random() < 0.1:
            self._look(host, run)

    def _act(self, host: Host, run: Run, key: Key) -> None:
        """Start an action, or end it, or tell of its end again."""
        at = (host.store, key)
        if at in self.over:
            report = self._report(run, key, self.over[at])
            self._say(host, Reported(key=key, report=report, at=host.now), run=run.ref)
        elif at in self.running:
            if self.chance.random() < 0.4:
                self.running.discard(at)
                self.over[at] = self.chance.choice(STATUSES)
        else:
            self._watch_start(host, run, key)
            self.running.add(at)
            self._say(host, Started(key=key, at=host.now), run=run.ref)

    def _report(self, run: Run, key: Key, status: int) -> Report:
        """What an action reports that ended with a status."""
        return Exited(status=status, outputs={})

    def _verdict(self, run: Run, ask: Question) -> Verdict:
        """Each node enters; its state follows from the status of its action."""
        if ask.stage == "before":
            return Verdict()
        state = run.nodes[ask.node]
        outcome = state.outcome
        assert outcome is not None
        name = "SERVER_ERROR" if outcome.result == "error" else BY_STATUS[outcome.status or 0]
        return Verdict(state=name, due=Instant(self.now + RETRY_MS))

    def _look(self, host: Host, run: Run) -> None:
        """A person begins a pass, or decides about what crashed: it is done, or runs again."""
        assert run.passes is not None
        assert run.flow is not None
        crashed = [node for node, state in run.nodes.items() if state.state == "CRASHED"]
        word: Signal
        if crashed:
            states = []
            for node in crashed:
                state = self.chance.choice(("DONE", "TO_RETRY"))
                states.append(StateEdit(node=node, state=state))
                self.starts.pop((run.ref, node), None)
            self.counts["checked"] += 1
            word = Edit(
                by="ann",
                base=run.passes.base,
                digest=digest_of(run.flow),
                flow=run.flow,
                states=tuple(states),
            )
        elif run.passes.number:
            word = BeginPass(by="ann")
        else:
            word = Resolve(by="ann", resolution="r1")
        self.tell(f"{host.id}  {type(word).__name__} {run.ref}")
        self._say(host, word, run=run.ref)

    # --- faults ---

    def _fault(self) -> None:
        host = self.chance.choice(list(self.hosts.values()))
        kind = self.chance.choice(self.faults)
        self.counts[kind] += 1
        match kind:
            case "restart":
                host.restart()
                self._say(host)
            case "power":
                self._fail_power(host)
            case "drain":
                self._say(host, Drain(on=not host.core.site.draining))
            case "wipe" if not self.lost:
                self._wipe(host)
            case "forget" if self.lost - self.forgotten:
                self._forget(*sorted(self.lost - self.forgotten)[0])
            case "mistake" if not self.forgotten:
                self._forget(host.id, host.store)
            case _:
                return
        self.tell(f"{host.id}  {kind}")

    def _fail_power(self, host: Disk) -> None:
        """A host goes down, and its actions and what was not synced with it."""
        self.running = {one for one in self.running if one[0] != host.store}
        self.over = {one: status for one, status in self.over.items() if one[0] != host.store}
        host.lose(self.chance.randrange(UNSYNCED_MAX + 1))
        self._say(host)
        for ref, run in list(host.core.table.runs.items()):
            if not host.core.table.is_foreign(run):
                self._report_lost(host, ref)

    def _report_lost(self, host: Disk, ref: RunRef) -> None:
        """The warden knows nothing of the actions that had begun."""
        for effect in sorted(owed(host.run(ref)), key=repr):
            if isinstance(effect, StartAction) and effect.started:
                failed = Failed(cause="lost", why="the power failed")
                word = Reported(key=effect.key, report=failed, at=host.now)
                self._say(host, word, run=ref)

    def _wipe(self, host: Host) -> None:
        self.lost.add((host.id, host.store))
        self.running = {one for one in self.running if one[0] != host.store}
        self._add(host.id)

    def _forget(self, id: HostId, store: StoreId) -> None:
        self.forgotten.add((id, store))
        other = self.chance.choice([host for host in self.hosts.values() if host.id != id])
        self._say(other, Forget(host=id, store=store, force=True))

    # --- invariants ---

    def _watch_start(self, host: Host, run: Run, key: Key) -> None:
        """A step that has to run once starts again only where its earlier ends are known, or after
        a person decided."""
        if (host.id, host.store) in self.forgotten:
            assert host.core.cluster is not None
            if host.core.cluster.members.is_forgotten:
                raise Broken(f"forgotten_host_begins_nothing: {key} at {host.id}")
            return  # it does not know it yet: who forgot it in error answers for that
        self.tell(f"{host.id}  starts {key}")
        self.counts["starts"] += 1
        earlier = self.starts.setdefault((run.ref, key.node), [])
        ends = {
            (e.node, e.visit, e.attempt) for e in host.events(run.ref) if isinstance(e, ActionEnded)
        }
        assert run.flow is not None
        for start in earlier if not run.flow.by_id[key.node].idempotent else ():
            is_known = (start.key.node, start.key.visit, start.key.attempt) in ends
            if not is_known or start.key == key:
                raise Broken(f"step_runs_once: {key} at {host.id}, after {start}")
        earlier.append(Start(host.store, key))

    def _copies_are_prefixes(self) -> None:
        """Copies of a log agree within an epoch, up to where one was superseded."""
        for ref in dict.fromkeys(ref for host in self.hosts.values() for ref in host.logs):
            copies = (host.logs.get(ref, []) for host in self.hosts.values())
            logs = [list(_before_superseded(log)) for log in copies]
            for one in logs:
                for other in logs:
                    for mine, theirs in zip(one, other, strict=False):
                        if mine.epoch == theirs.epoch and mine.body != theirs.body:
                            raise Broken(f"copies_are_prefixes: {ref} at {mine.epoch}.{mine.seq}")


def _before_superseded(log: Sequence[Record]) -> Iterator[Record]:
    for record in log:
        if isinstance(record.event, GrantSuperseded):
            return
        yield record


def play(seed: int, bug: str = "", *, story: bool = False) -> tuple[str, Counter[str]]:
    """Play a trial; what it broke, empty if nothing, and what occurred."""
    world = World(Random(seed), story=story)
    with BUGS[bug]() if bug else nullcontext():
        try:
            world.play()
        except Broken as broken:
            return str(broken), world.counts
    return "", world.counts


if __name__ == "__main__":
    sys.exit(play_many(__doc__, play, BUGS, partial(play, story=True)))
