"""The take of outside work, simulated: the real cores of three hosts, with takers and faults.

Programs ask any host for work, answer it, and lose what they are told. Messages between hosts are
lost, doubled and late; hosts crash and lose their power, and one may be forgotten. The rules are
those of docs/cluster-protocol.md, "Outside work".

    python -m tests.sim.take --seeds 20000
    python -m tests.sim.take --seed 7 --bug refusal-is-not-final
"""

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final
from unittest.mock import patch

from floe.host import handlers, promises, takes
from floe.host.inputs import Forget, GiveBack, Reply, TakeOldest
from floe.host.peers import seeking
from floe.host.peers.outbox import Outbox
from floe.host.peers.seeking import Seeking
from floe.host.step_result import StepResult
from floe.kernel import decide, evolve, outside_work
from floe.kernel import offers as offers_module
from floe.model.call import OutsideWork, TakenWork
from floe.model.event import NodeSettled, NodeStarted
from floe.model.ids import HostId, Instant, Key, RunRef
from floe.model.nouns import replace
from floe.model.peer_message import Envelope
from floe.model.run import Run, Takes
from floe.model.signal import Answered, Reported
from tests.make import a_flow, a_node
from tests.make_hosts import Host, a_host_core, met
from tests.sim.model_command import play_many

TICK_MS: Final = 100
STORM: Final = 40
CALM: Final = 300
PATIENCE: Final = 40
"""Ticks after which a taker asks again."""
NAMES: Final = ("h1", "h2", "h3")

_HERE: Final = OutsideWork(type="toy.a", queue="q")
_FAR: Final = OutsideWork(type="toy.b", queue="q", labels=frozenset(("x",)))
FLOWS: Final = (
    a_flow(a_node("build", _HERE), on_host_lost="restart"),
    a_flow(
        a_node("build", _FAR),
        a_node("next", _HERE, on="task.build.good"),
        host_tags=("far",),
        on_host_lost="restart",
    ),
)


class Broken(Exception):
    """An invariant does not hold."""


@dataclass
class Taker:
    """A program that asks a host, works, and answers."""

    name: str
    labels: frozenset[str]
    host: str = ""
    """Which it asked; empty if it asks none now."""
    take: str = ""
    once: str = ""
    """Empty for a take that floe names."""
    asked: str = ""
    """The host that it asked last."""
    asks: int = 0
    """How often it asks at a time."""
    is_clean: bool = False
    """The take got nothing: its name may be used again."""
    is_in_doubt: bool = False
    """The take may have got something that the taker does not know: it is repeated."""
    ticket: int = 0
    asked_at: int = 0
    work: TakenWork | None = None
    until: int = 0
    """When it answers."""
    is_void: bool = False
    """Its work was given back although it has it: a connection ended right after the answer."""


@dataclass
class Machine(Host):
    """A host, its disk, and its disk at the last promise."""

    safe: tuple[Any, ...] = ({}, {}, {}, {})
    down_until: int = 0
    is_gone: bool = False
    crashes: int = 0
    stored: Callable[["Machine", StepResult], None] = lambda _, __: None

    @property
    def is_up(self) -> bool:
        """Whether its process runs."""
        return not self.is_gone and not self.down_until

    def keep(self, decided: StepResult) -> StepResult:
        """Store a decision; a promise saves all before it, too."""
        super().keep(decided)
        if decided.promise:
            self.save()
        self.stored(self, decided)
        return decided

    def save(self) -> None:
        """Put everything on the disk."""
        logs = {ref: list(log) for ref, log in self.logs.items()}
        self.safe = (dict(self.ledger), logs, dict(self.flows), dict(self.directory))

    def lose_power(self) -> None:
        """Go back to the last promise."""
        ledger, logs, flows, directory = self.safe
        self.ledger, self.flows, self.directory = dict(ledger), dict(flows), dict(directory)
        self.logs = {ref: list(log) for ref, log in logs.items()}


@dataclass
class World:
    """One trial."""

    seed: int
    story: bool = False
    tick: int = 0
    ticket: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    messages: list[tuple[int, Envelope]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    """By named take, the key that it got."""
    accepted: dict[str, str] = field(default_factory=dict)
    """By key, the host that accepted its answer."""
    named: set[str] = field(default_factory=set)
    """The takes that takers named."""
    strayed: set[str] = field(default_factory=set)
    """Those that two hosts were asked for: only the first knows the name."""
    due_back: list[tuple[Machine, str]] = field(default_factory=list)
    """Takes whose answer did not reach the taker, and the host that noticed."""

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.loss = self.random.choice((0.0, 0.05, 0.2))
        far = frozenset({"far"})
        made = [a_host_core(NAMES[0], peers=2)]
        made += [a_host_core(name, peers=2, tags=far) for name in NAMES[1:]]
        self.machines = {
            str(one.id): Machine(one.settings, one.store, one.core, stored=self.stored)
            for one in made
        }
        met(*self.machines.values())
        for machine in self.machines.values():
            machine.save()  # that they know each other is a promise
        labels = (frozenset[str](), frozenset(("x",)), frozenset(("x", "y")))
        self.takers = [Taker(name, has) for name, has in zip("abc", labels, strict=True)]

    # --- what happens ---

    def play(self) -> None:
        """The storm, the calm, and the judgement."""
        faults = {self.random.randrange(STORM) for _ in range(self.random.randint(0, 4))}
        for self.tick in range(STORM + CALM):
            if self.tick in faults:
                self.fault()
            if self.tick < STORM // 2 and self.random.random() < 0.3:
                machine, flow = self.any_machine(), self.random.choice(FLOWS)
                if machine.is_up:
                    self.act(machine, partial(machine.start, flow))
            self.carry()
            for machine in self.machines.values():
                if machine.down_until and machine.down_until <= self.tick and not machine.is_gone:
                    machine.down_until = 0
                    machine.restart()
                if machine.is_up:
                    machine.now = Instant(machine.now + TICK_MS)
                    self.act(machine, machine.step)
            for taker in self.takers:
                self.turn(taker)
            if self.tick > STORM and self.is_over():
                break
        self.judge()

    def any_machine(self) -> Machine:
        return self.machines[self.random.choice(NAMES)]

    def chance(self, share: float) -> bool:
        return self.tick < STORM and self.random.random() < share

    def tell(self, text: str) -> None:
        if self.story:
            sys.stdout.write(f"{self.tick:4} {text}" + "\n")

    def act(self, machine: Machine, act: Callable[[], object]) -> None:
        """Let a host do something, and send what it says."""
        act()
        machine.settle()
        while self.due_back:
            noticed, take = self.due_back.pop()
            noticed.step(GiveBack(take=take))
        for one in self.machines.values():
            sent, one.sent = one.sent, []
            for envelope in sent:
                for name in NAMES if envelope.to_host is None else (envelope.to_host,):
                    if name != one.id:
                        self.send(replace(envelope, to_host=HostId(name)))

    def send(self, envelope: Envelope) -> None:
        name = type(envelope.message).__name__
        for _ in range(1 + self.chance(self.loss)):
            if self.chance(self.loss):
                self.counts[f"{name} lost"] += 1
                continue
            late = self.random.choice((0, 1, 5, 30)) if self.chance(0.3) else 0
            self.messages.append((self.tick + late, envelope))

    def carry(self) -> None:
        due = [one for at, one in self.messages if at <= self.tick]
        self.messages = [one for one in self.messages if one[0] > self.tick]
        self.random.shuffle(due)
        for envelope in due:
            machine = self.machines[str(envelope.to_host)]
            if machine.is_up:
                self.counts[type(envelope.message).__name__] += 1
                self.act(machine, partial(machine.hear, envelope))

    def stored(self, machine: Machine, decided: StepResult) -> None:
        """A step is stored: bring its replies to the takers."""
        for reply in decided.replies:
            for taker in self.takers:
                if reply.ticket and (taker.ticket, taker.host) == (reply.ticket, machine.id):
                    self.hear(machine, taker, reply)

    def fault(self) -> None:
        kind = self.random.choice(("crash", "crash", "power", "power", "forget"))
        machine = self.any_machine()
        if not machine.is_up:
            return
        if kind == "forget" and (machine.id == "h1" or self.counts["forget"]):
            kind = "power"
        self.counts[kind] += 1
        self.tell(f"{kind} {machine.id}")
        machine.crashes += 1
        machine.down_until = self.tick + self.random.choice((1, 3, 10))
        if kind == "power":
            machine.lose_power()
        if kind == "forget":
            machine.is_gone = True
            h1 = self.machines["h1"]
            h1.down_until = 0
            forget = Forget(host=machine.id, store=machine.store, force=True)
            self.act(h1, partial(h1.step, forget, ticket=0))
        for taker in self.takers:
            if taker.host == machine.id:
                self.give_up(taker)

    # --- takers ---

    def turn(self, taker: Taker) -> None:
        if taker.work is not None:
            if self.tick >= taker.until:
                self.answer(taker, taker.work)
        elif not taker.host:
            if self.random.random() < 0.4:
                self.ask(taker)
        elif self.tick - taker.asked_at > PATIENCE:
            self.give_up(taker)

    def give_up(self, taker: Taker) -> None:
        """A taker waits no longer for an answer; a named take is repeated."""
        taker.host = ""
        taker.is_in_doubt = bool(taker.once) and taker.work is None

    def ask(self, taker: Taker) -> None:
        machine, before = self.any_machine(), self.machines.get(taker.asked)
        if before and not before.is_gone and (taker.is_in_doubt or taker.is_clean):
            machine = machine if self.chance(0.1) else before
        if not machine.is_up:
            return
        if taker.asked != machine.id:
            self.strayed.add(taker.take)
        taker.asked = str(machine.id)
        self.ticket += 1
        if not taker.is_in_doubt and not (taker.is_clean and self.random.random() < 0.5):
            taker.take = f"{taker.name}{self.ticket}"
            taker.once = f"take:{taker.take}" if self.random.random() < 0.5 else ""
            self.named |= {taker.take} if taker.once else set()
        is_repeat, taker.is_in_doubt, taker.is_clean = taker.is_in_doubt, False, False
        self.counts["repeated"] += is_repeat
        self.tell(f"{taker.name} asks {machine.id} for {taker.take}, repeated: {is_repeat}")
        taker.host, taker.ticket, taker.asked_at = str(machine.id), self.ticket, self.tick
        wanted = TakeOldest(
            queue="q",
            labels=taker.labels,
            take=taker.take,
            by=taker.name,
            once=taker.once,
            is_repeat=is_repeat,
        )
        run = machine.ledger.get(("once", taker.once))
        if isinstance(run, str):
            self.ask_again(machine, taker, wanted, RunRef.parse(run))
            return
        taker.asks = 2 if taker.once and self.chance(0.5) else 1
        for _ in range(taker.asks):
            if machine.is_up:
                self.act(machine, partial(machine.step, wanted, ticket=self.ticket))

    def ask_again(self, machine: Machine, taker: Taker, wanted: TakeOldest, ref: RunRef) -> None:
        """A host that knows the run of a take asks for its work, as the hub does."""
        has = [one for one in self.machines.values() if self.has(one, ref)]
        if not has or has[0] is machine:
            work = takes.taken_before(machine.run(ref), wanted.take) if has else None
            self.hear(machine, taker, Reply(ticket=0, run=ref, changed=False, taken=work))
            return
        again = replace(wanted, run=ref.key, run_at=has[0].id)
        self.act(machine, partial(machine.step, again, ticket=taker.ticket))

    def hear(self, machine: Machine, taker: Taker, reply: Reply) -> None:
        """A host answers a taker, which may not get the answer."""
        if taker.work is None and taker.once and self.chance(0.2):
            self.give_up(taker)
        elif reply.taken is None and taker.work is None:
            is_open = bool(reply.why) or taker.asks > 1
            taker.is_in_doubt = bool(taker.once) and not reply.is_void and is_open
            taker.is_clean = bool(taker.once) and not (reply.is_void or reply.run or is_open)
            taker.host = ""
            self.counts["void"] += reply.is_void
            self.tell(f"{taker.name} has nothing of {taker.take}: {reply.why or reply.is_void}")
        else:
            self.deliver(machine, taker, reply.taken)

    def deliver(self, machine: Machine, taker: Taker, work: TakenWork | None) -> None:
        """An answer comes to a taker, or gets lost; the host that writes it notices that."""
        if work is None:
            return
        if taker.once and (before := self.answers.setdefault(work.take, work.key)) != work.key:
            raise Broken(f"take_answers_the_same: {work.take} got {before}, then {work.key}")
        if taker.work is not None:
            return  # the second answer to a named take
        if not taker.once and self.chance(0.3):
            self.counts["given back"] += 1
            self.tell(f"{machine.id} gives {work.key} of {work.take} back")
            taker.host = ""
            self.due_back.append((machine, work.take))
            if self.chance(0.3):
                taker.work, taker.is_void, taker.until = work, True, self.tick + 3
            return
        for other in self.takers:
            if other.work is not None and other.work.key == work.key and not other.is_void:
                raise Broken(f"work_has_one_taker: {work.key} is at {other.name} and {taker.name}")
        if work.key in self.accepted:
            raise Broken(f"answer_counts_once: {work.key} is taken after its answer")
        self.tell(f"{taker.name} has {work.key} of {work.take} through {machine.id}")
        self.counts["taken"] += 1
        taker.work = work
        taker.until = self.tick + self.random.choice((1, 5, 20))

    def answer(self, taker: Taker, work: TakenWork) -> None:
        """Answer at the host with the pen, once it is there, and perhaps twice."""
        key = Key.parse(work.key)
        here = (m for m in self.machines.values() if self.holds(m, key))
        machine = next(here, None)
        if machine is None:
            if not any(m.down_until and not m.is_gone for m in self.machines.values()):
                taker.host, taker.work, taker.is_void = "", None, False  # no host knows of it
            return
        report = Answered(good=True, outputs={"by": taker.name})
        take = work.take if taker.is_void or self.random.random() < 0.7 else ""
        signal = Reported(key=key, report=report, at=machine.now, take=take)
        state = machine.run(key.run).nodes.get(key.node)
        is_held = state is not None and state.takes is not None and state.takes.take == work.take
        changed = 0
        for _ in range(1 + (self.random.random() < 0.3)):
            before = machine.run(key.run).seq if self.holds(machine, key) else 0
            self.act(machine, partial(machine.step, signal, run=key.run, ticket=-1))
            log = machine.logs.get(key.run, [])
            news = [r.event for r in log if r.seq > before > 0]
            changed += any(isinstance(e, NodeSettled) and e.node == key.node for e in news)
        self.tell(f"{taker.name} answers {key}: {changed}")
        if taker.is_void and not is_held:
            if changed:
                raise Broken(f"void_take_never_answers: {work.take} answered {work.key}")
            taker.host, taker.work, taker.is_void = "", None, False
            return
        if changed and (changed > 1 or work.key in self.accepted):
            raise Broken(f"answer_counts_once: {work.key} was answered twice")
        if changed:
            self.counts["answered"] += 1
            self.accepted[work.key] = str(machine.id)
        elif work.key not in self.accepted and machine.run(key.run).epoch == key.epoch:
            self.check_refused(machine.run(key.run), key, work)
        taker.host, taker.work, taker.is_void = "", None, False

    def holds(self, machine: Machine, key: Key) -> bool:
        return machine.is_up and self.has(machine, key.run)

    def has(self, machine: Machine, ref: RunRef) -> bool:
        run = machine.core.table.runs.get(ref)
        is_there = run is not None and (run.store or run.ref.store) == machine.store
        return is_there and not machine.is_gone

    def check_refused(self, run: Run, key: Key, work: TakenWork) -> None:
        """A taker that has its work to the end may answer it."""
        raise Broken(
            f"taker_may_answer: {work.key} of {work.take} is refused at {key.node} of {run.phase}"
        )

    # --- the end ---

    def is_over(self) -> bool:
        runs = [
            run
            for machine in self.machines.values()
            if not machine.is_gone
            for run in machine.core.table.runs.values()
            if run.phase != "ended"
        ]
        if any(taker.is_in_doubt or (taker.once and taker.host) for taker in self.takers):
            return False
        return not (self.messages or self.owes_words()) and all(self.is_stuck(run) for run in runs)

    def owes_words(self) -> bool:
        """Whether a host repeats a message about outside work until it is answered."""
        return any(
            kind in ("seek", "take", "untake")
            for machine in self.machines.values()
            if not machine.is_gone and machine.core.cluster is not None
            for _, kind, _, _ in machine.core.cluster.outbox.waiting()
        )

    def is_stuck(self, run: Run) -> bool:
        """Whether a run waits for an answer that no taker will give."""
        states = [run.nodes[node] for node in run.open]
        held = [taker.work.key for taker in self.takers if taker.work and not taker.is_void]
        is_held = any(Key.parse(key).run == run.ref for key in held)
        return bool(states) and not is_held and all(state.phase == "started" for state in states)

    def judge(self) -> None:
        """What has to hold once all is calm."""
        for machine in self.machines.values():
            if machine.is_gone:
                continue
            for ref, log in machine.logs.items():
                ends = [(r.epoch, r.event) for r in log if isinstance(r.event, NodeSettled)]
                if max(Counter((e, s.node, s.visit) for e, s in ends).values(), default=0) > 1:
                    raise Broken(f"answer_counts_once: {ref} settled a node twice")
                known = {str(Key(ref, e, s.node, s.visit, s.attempt)) for e, s in ends}
                for key, host in self.accepted.items():
                    if Key.parse(key).run == ref and host == machine.id and key not in known:
                        raise Broken(f"accepted_answer_is_kept: {key} lost it")
            for run in machine.core.table.runs.values():
                if (run.store or run.ref.store) == machine.store and run.phase == "active":
                    self.judge_open(run)

    def judge_open(self, run: Run) -> None:
        for node in run.open:
            taken = run.nodes[node].takes
            if taken is None or not taken.take:
                raise Broken(f"offered_work_is_not_lost: {run.ref}.{node} was never taken")
            has = any(taker.work and taker.work.take == taken.take for taker in self.takers)
            if taken.take in self.strayed:
                self.counts["delivery unknown"] += 1
                continue
            if taken.take in self.named and not has:
                raise Broken(f"named_take_is_not_lost: {run.ref}.{node} is held by {taken}")
            through = self.machines[str(taken.through)]
            if not through.crashes:
                raise Broken(f"taken_work_has_a_taker: {run.ref}.{node} is held by {taken}")
            self.counts["delivery unknown"] += 1


# --- deliberate bugs ---


def _offered_while_taken(state: Any) -> bool:
    return isinstance(state.work, OutsideWork) and state.phase in ("entered", "started")


def _without_void(state: Any, event: Any) -> Any:
    done = outside_work.returned_state(state, event)
    return replace(done, takes=replace(done.takes or Takes(), void=()))


def _refused_alone(step: Any, key: Any, take: str) -> bool:
    run = step.site.table.runs.get(key.run)
    state = run.nodes.get(key.node) if run else None
    holds = state is not None and state.takes is not None and state.takes.take == take
    return holds and takes.give_back(step, key, take)


def _without_takes(run: Any, event: Any) -> bool:
    return type(event) is not NodeStarted and promises.is_promise(run, event)


_send = Outbox.send


def _untake_once(self: Any, step: Any, host: Any, store: Any, kind: str, *rest: Any) -> None:
    if kind == "untake":
        step.send(host, store, rest[-1])
    else:
        _send(self, step, host, store, kind, *rest)


def _kept(self: Any, step: Any, host: Any, key: str, take: str) -> None:
    self._outbox.done(host, "take", f"{key} {take}")


def _answer_of_any(state: Any, signal: Any) -> bool:
    return outside_work.is_taken(state)


_hand_over = takes.hand_over


def _unnamed(step: Any, wanted: Any, handed: Any) -> None:
    _hand_over(step, replace(wanted, once=""), handed)


def _back_to_any(self: Any, step: Any, member: Any, message: Any) -> None:
    """A late answer to a take that is over gives the work back, also if its taker has it."""
    if (seek := self._seeks.get(message.take)) is None and message.work:
        self._owe(step, member.id, message.key, message.take)
    elif seek is not None:
        _taken(self, step, member, message)


_taken = Seeking.taken


def _never_void(step: Any, peers: Any, wanted: Any) -> bool:
    return bool(step.site.void_takes.has(step.site.id, wanted.take))


def _back_alone(step: Any, through: str, take: str, owed: Any = ()) -> bool:
    """Give back what a void take has, and keep nothing."""
    key = step.site.table.takes.of(through, take)
    return key is not None and takes.give_back(step, key, take)


BUGS: Final[dict[str, tuple[Any, ...]]] = {
    "taken-work-is-offered": (patch.object(offers_module, "is_offered", _offered_while_taken),),
    "void-take-takes-again": (patch.object(evolve, "returned_state", _without_void),),
    "refusal-is-not-final": (patch.object(seeking, "give_back", _refused_alone),),
    "take-is-no-promise": (patch("floe.host.step.is_promise", _without_takes),),
    "answer-is-no-promise": (patch.object(handlers, "Reported", GiveBack),),
    "giving-back-is-sent-once": (patch.object(Outbox, "send", _untake_once),),
    "given-up-take-is-kept": (patch.object(Seeking, "_owe", _kept),),
    "any-taker-may-answer": (patch.object(decide, "answers", _answer_of_any),),
    "named-take-is-new": (
        patch.object(takes, "hand_over", _unnamed),
        patch.object(seeking, "hand_over", _unnamed),
    ),
    "repeated-take-is-new": (patch.object(handlers, "_is_void", _never_void),),
    "void-take-is-not-kept": (
        patch.object(takes, "make_void", _back_alone),
        patch.object(seeking, "make_void", _back_alone),
    ),
    "late-answer-gives-back": (patch.object(Seeking, "taken", _back_to_any),),
}


def play(seed: int, bug: str = "", *, story: bool = False) -> tuple[str, Counter[str]]:
    """A trial: the invariant that it breaks, empty for none, and what happened how often."""
    with ExitStack() as stack:
        for change in BUGS.get(bug, ()):
            stack.enter_context(change)
        world = World(seed, story)
        try:
            world.play()
        except Broken as broken:
            return str(broken), world.counts
    return "", world.counts


if __name__ == "__main__":
    sys.exit(play_many(__doc__, play, BUGS, partial(play, story=True)))
