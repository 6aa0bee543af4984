"""A model of runs that rest and move, played before the rules are built into the hub.

An adopter gives a run to a host. The run goes in passes; between two passes it rests, and waits for
an update. While it rests its host may give it back, and the adopter grants it again, perhaps to a
different host. The rules continue those of `docs/cluster-protocol.md`:

17. A run at rest stays with the host that has its pen. That host, H, owes the adopter A what it
    stored since the last acknowledgement (`Rested`), and repeats it until A has stored it. A's copy
    is a prefix of H's.
18. H that cannot begin the next pass stores a floor (which never falls) and `RunReturned` in one
    transaction, sends `Returned` with the facts that A lacks until it is acknowledged, and begins
    nothing of that run any more. It answers an offer of that epoch by the same `Returned`. A stores
    the facts: it has the pen. H never takes the run back, also if A is forgotten: A may have
    granted it elsewhere. H returns no run of a forgotten adopter.
19. A grants a run with a history like any other; H stores `RunResumed` in place of `RunActivated`.
    A that has the pen may also resume the run itself.
20. A pass begins by a stored `PassBegan`, at the pen holder alone.
21. forget(H): A continues from its prefix under a new epoch. Each step that is not idempotent and
    that the prefix does not show as settled is marked as crashed: a person decides about it.
22. An update goes to the host that its sender believes to have the pen. A host without the pen
    replies `Moved`; then the sender asks the adopter, and waits while a grant is out. An update is
    acknowledged when the pen holder has stored it *and* the adopter has it, unless the adopter is
    forgotten. The sender repeats it until then; it stands once in the log, by its key.
23. The start of a step that is not idempotent is a promise: on disk before the step starts.

    python -m tests.sim.move --seeds 20000
    python -m tests.sim.move --seed 7 --bug no-floor
"""

import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any, Final

from tests.sim.model_command import play_many

Fact = tuple[Any, ...]
RUNS: Final = 3
PASSES: Final = 3
STEPS: Final = 3
"""Of a pass, one after the other; the middle one is not idempotent."""

FAULTS: Final = ("crash", "crash", "power", "power", "wipe", "drain", "drain", "forget")

BUGS: Final = {
    "no-floor": "a host that returned a run takes an old offer of it again",
    "floor-falls": "the late acknowledgement of a return lowers the floor of a later refusal",
    "refused-after-return": "an old offer of a returned run is refused, not answered by its return",
    "deleted-before-the-ack": "a host forgets a returned run before the adopter has it",
    "return-without-facts": "the adopter takes a run back without what the host stored",
    "silence-is-a-return": "the adopter takes a run back from a host that does not answer",
    "returned-run-is-taken-back": "a host resumes the run that it returned to a lost adopter",
    "returned-run-goes-on": "a host begins a pass of a run that it returned",
    "nothing-crashes": "after a forget, steps that may have run start again",
    "begun-steps-crash": "after a forget, only steps that the adopter saw begin are marked",
    "start-is-no-promise": "the start of a step that is not idempotent may be lost with the power",
    "update-without-pen": "any host that knows a run stores updates of it",
    "update-acked-at-once": "an update is acknowledged before the adopter has it",
    "update-counts-twice": "a repeated update is stored again",
    "update-forgotten-by-sender": "an update is sent once",
    "rested-is-sent-once": "what the adopter lacks is not repeated",
    "answer-of-any-epoch": "the adopter takes a return of any epoch",
}


def is_idempotent(step: int) -> bool:
    return step % STEPS != 1


@dataclass
class Copy:
    """A run at one host."""

    log: list[Fact] = field(default_factory=list)
    role: str = "none"
    """adopter: pended, granted, handed, active, done; grantee: active, returned, ended."""
    epoch: int = 0
    host: str = ""
    """At the adopter: to which it is granted, and its store."""
    store: int = 0
    acked: int = 0
    """At a grantee: how many facts the adopter has acknowledged."""

    def stands(self, name: str) -> list[Fact]:
        return [fact for fact in self.log if fact[0] == name]


@dataclass
class Disk:
    store: int
    runs: dict[str, Copy] = field(default_factory=dict)
    floors: dict[str, int] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    drains: bool = False

    def copy(self) -> "Disk":
        """What a power failure leaves."""
        runs = {run: replace(item, log=item.log[:]) for run, item in self.runs.items()}
        return Disk(self.store, runs, dict(self.floors), set(self.forgotten), self.drains)


class Host:
    """One host: what is on its disk, what a power failure would leave, and what it runs."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name, self.up = world, name, True
        self.disk = Disk(world.new_store())
        self.synced = self.disk.copy()
        self.working: set[tuple[str, int]] = set()
        """Attempts in this process: run and step."""

    def promise(self) -> None:
        self.synced = self.disk.copy()

    def append(self, run: str, *facts: Fact) -> None:
        self.disk.runs[run].log.extend(facts)

    def send(self, to: str, store: int, kind: str, **body: Any) -> None:
        self.promise()  # nothing leaves a host before it is on disk
        self.world.carry(Message(self.name, self.disk.store, to, store, kind, body))

    # --- what a host does with a run whose pen it has ---

    def has_pen(self, run: str) -> bool:
        item = self.disk.runs.get(run)
        return item is not None and item.role in ("active", "pended")

    def work(self, run: str) -> None:
        """Do the next thing of a run that is active here."""
        item, bug = self.disk.runs[run], self.world.bug
        roles = ("active", "returned") if bug == "returned-run-goes-on" else ("active",)
        if item.role not in roles:
            return
        log = item.log
        if rests(log):
            number = passes(log)
            if number == PASSES:
                self.append(run, ("ended",))
                item.role = "done" if adopter_of(run) == self.name else "ended"
                self.promise()
            elif number == 0 or ("update", f"u{number}") in log:
                stays = not self.disk.drains or self.is_last(run) or item.role == "returned"
                if stays:
                    self.append(run, ("pass", number + 1))
            return
        step = next_step(log)
        if step is None:
            self.append(run, ("rested", passes(log)))
        elif ("crashed", step) in log:  # a person looked at it, and it is over
            self.append(run, ("settled", step))
        elif ("started", step) not in log:
            self.append(run, ("started", step))
            if not is_idempotent(step) and bug != "start-is-no-promise":
                self.promise()
            self.world.starts(run, step)
            self.working.add((run, step))
        elif (run, step) in self.working:
            self.working.discard((run, step))
            self.append(run, ("settled", step))
        elif is_idempotent(step):
            self.world.starts(run, step)
            self.working.add((run, step))
        else:
            self.append(run, ("crashed", step))

    def is_last(self, run: str) -> bool:
        """Whether the adopter is forgotten: there is nobody to return the run to."""
        return self.world.store_of_adopter(run) in self.disk.forgotten

    def gives_back(self, item: Copy) -> bool:
        """Whether a run rests at a host that begins no pass any more."""
        return self.disk.drains and rests(item.log)

    def raise_floor(self, run: str, epoch: int) -> None:
        """Refuse this run up to an epoch; a floor never falls."""
        least = 0 if self.world.bug == "floor-falls" else self.disk.floors.get(run, 0)
        self.disk.floors[run] = max(epoch, least)

    # --- what a host repeats ---

    def tick(self) -> None:
        for run in list(self.disk.runs):
            item = self.disk.runs[run]
            if adopter_of(run) == self.name and self.world.store_of_adopter(run) == self.disk.store:
                self.adopt(run, item)
            else:
                self.owe(run, item)
        self.promise()

    def adopt(self, run: str, item: Copy) -> None:
        world = self.world
        if item.role in ("granted", "handed") and item.store in self.disk.forgotten:
            item.epoch += 1
            facts: list[Fact] = [("revoked", item.epoch)]
            if world.bug != "nothing-crashes":
                for step in range(PASSES * STEPS):
                    seen = ("started", step) in item.log or world.bug != "begun-steps-crash"
                    known = ("settled", step) in item.log or ("crashed", step) in item.log
                    if not is_idempotent(step) and seen and not known:
                        facts.append(("crashed", step))
            self.append(run, *facts)
            item.role, item.host, item.store = "pended", "", 0
        elif item.role == "granted":
            self.send(item.host, item.store, "Offer", run=run, epoch=item.epoch, log=list(item.log))
        elif item.role == "handed" and world.bug == "silence-is-a-return" and world.chance(0.1):
            item.role = "pended"
        elif item.role == "pended" or (item.role == "active" and self.gives_back(item)):
            self.grant(run, item)

    def grant(self, run: str, item: Copy) -> None:
        choices = [
            host
            for host in self.world.hosts.values()
            if not self.world.drains_as_known(host) and host.disk.store not in self.disk.forgotten
        ]
        if not choices:
            return
        host = self.world.random.choice(choices)
        item.epoch += 1
        if host is self:
            self.append(run, ("granted", item.epoch, self.name), ("resumed", item.epoch, self.name))
            item.role, item.host, item.store = "active", self.name, self.disk.store
        else:
            self.append(run, ("granted", item.epoch, host.name))
            item.role, item.host, item.store = "granted", host.name, host.disk.store

    def owe(self, run: str, item: Copy) -> None:
        adopter, store, bug = adopter_of(run), self.world.store_of_adopter(run), self.world.bug
        if store in self.disk.forgotten:
            if item.role == "returned" and bug == "returned-run-is-taken-back":
                item.role = "active"
            return
        if item.role == "active" and self.gives_back(item) and passes(item.log) < PASSES:
            item.role = "returned"
            self.append(run, ("runreturned", item.epoch))
            if bug != "no-floor":
                self.raise_floor(run, item.epoch)
        if item.role == "returned":
            self.send_facts(adopter, store, "Returned", run)
            if bug == "deleted-before-the-ack":
                del self.disk.runs[run]
        elif item.role == "ended":
            self.send_facts(adopter, store, "Ended", run)
        elif item.acked < len(item.log) and rests(item.log):
            if bug == "rested-is-sent-once" and not self.world.chance(0.2):
                return
            self.send_facts(adopter, store, "Rested", run)
            if bug == "rested-is-sent-once":
                item.acked = len(item.log)

    def send_facts(self, to: str, store: int, kind: str, run: str) -> None:
        """Send the adopter what it lacks."""
        item = self.disk.runs[run]
        at = item.acked
        if kind == "Returned" and self.world.bug == "return-without-facts":
            self.send(to, store, kind, run=run, epoch=item.epoch, at=0, facts=[])
        else:
            self.send(to, store, kind, run=run, epoch=item.epoch, at=at, facts=item.log[at:])

    # --- what a host receives ---

    def receive(self, message: "Message") -> None:
        body, reply = message.body, self.reply
        if message.store != self.disk.store:
            return  # NotMe
        if message.of in self.disk.forgotten:
            reply(message, "Forgotten", gone=message.of)
            return
        match message.kind:
            case "Offer":
                self.on_offer(message)
            case "Accepted":
                item = self.mine(message)
                if item and item.role == "granted" and item.epoch == body["epoch"]:
                    self.extend(item, body)
                    item.role = "handed"
            case "Refused":
                item = self.mine(message)
                if item and item.role == "granted" and item.epoch == body["epoch"]:
                    self.append(body["run"], ("grantreturned", item.epoch))
                    item.role, item.host, item.store = "pended", "", 0
            case "Rested":
                item = self.mine(message)
                if item and item.role in ("granted", "handed") and item.epoch == body["epoch"]:
                    self.extend(item, body)
                    item.role = "handed"
                    know = {"run": body["run"], "epoch": item.epoch, "know": len(item.log)}
                    reply(message, "RestedStored", **know)
            case "Returned":
                self.on_returned(message)
            case "Ended":
                item = self.mine(message)
                if item and item.role in ("granted", "handed") and item.epoch == body["epoch"]:
                    self.extend(item, body)
                    item.role = "done"
                if item and (item.role == "done" or item.epoch > body["epoch"]):
                    reply(message, "EndedStored", run=body["run"], epoch=body["epoch"])
            case "RestedStored":
                item = self.disk.runs.get(body["run"])
                if item and item.epoch == body["epoch"] and item.role in ("active", "ended"):
                    item.acked = max(item.acked, body["know"])
            case "ReturnedStored" | "EndedStored":
                item = self.disk.runs.get(body["run"])
                if item and item.epoch == body["epoch"] and item.role in ("returned", "ended"):
                    if self.world.bug != "no-floor":
                        self.raise_floor(body["run"], item.epoch)
                    del self.disk.runs[body["run"]]
            case "Forgotten":
                if body["gone"] == self.disk.store:
                    for run in list(self.disk.runs):
                        if adopter_of(run) != self.name:
                            self.disk.runs[run].role = "superseded"
                    self.working.clear()
            case "Update":
                self.on_update(message)
            case kind:
                raise ValueError(kind)
        self.promise()

    def mine(self, message: "Message") -> Copy | None:
        """The run as its adopter, if the sender is the host that has it."""
        run = message.body["run"]
        item = self.disk.runs.get(run)
        if item is None or adopter_of(run) != self.name:
            return None
        if self.world.bug == "answer-of-any-epoch":
            message.body["epoch"] = item.epoch
            return item
        return item if item.store == message.of else None

    def extend(self, item: Copy, body: dict[str, Any]) -> None:
        """Take over what the copy lacks; a repeated part changes nothing."""
        known = len(item.log) - body["at"]
        if known < 0:
            self.world.fail("a part of the log is missing at its adopter")
        item.log.extend(body["facts"][known:])

    def on_offer(self, message: "Message") -> None:
        run, epoch, log = message.body["run"], message.body["epoch"], message.body["log"]
        item, bug = self.disk.runs.get(run), self.world.bug
        adopter = message.sender
        if item and item.role == "superseded":
            return
        answers = {"active": "Accepted", "ended": "Ended", "returned": "Returned"}
        if bug in ("refused-after-return", "no-floor"):
            del answers["returned"]
        if item and item.epoch == epoch and item.role in answers:
            self.send_facts(adopter, message.of, answers[item.role], run)
            return
        if item and item.epoch >= epoch and item.role != "returned":
            return
        is_late = epoch <= self.disk.floors.get(run, 0) or (item and item.epoch > epoch)
        if is_late or self.disk.drains or self.world.chance(0.1):
            if not is_late:
                self.raise_floor(run, epoch)
            self.send(adopter, message.of, "Refused", run=run, epoch=epoch)
            return
        # a copy that was returned is replaced: the new grant shows that its return arrived
        name = "resumed" if passes(log) else "activated"
        new = Copy([*log, (name, epoch, self.name)], "active", epoch, acked=len(log))
        self.disk.runs[run] = new
        self.send_facts(adopter, message.of, "Accepted", run)

    def on_returned(self, message: "Message") -> None:
        run, epoch = message.body["run"], message.body["epoch"]
        item = self.mine(message)
        if item and item.role in ("granted", "handed") and item.epoch == epoch:
            self.extend(item, message.body)
            item.role, item.host, item.store = "pended", "", 0
        held = self.disk.runs.get(run)
        if held and (held.epoch > epoch or held.role in ("pended", "active", "done")):
            self.reply(message, "ReturnedStored", run=run, epoch=epoch)

    def on_update(self, message: "Message") -> None:
        run, key, bug = message.body["run"], message.body["key"], self.world.bug
        item = self.disk.runs.get(run)
        is_over = item is not None and item.role in ("done", "ended")
        may_store = self.has_pen(run) or bug == "update-without-pen"
        if item is None or not (is_over or may_store):
            self.world.moved(run, key, item.host if item and item.role == "handed" else "")
            return
        fact = ("update", key)
        if not is_over and (fact not in item.log or bug == "update-counts-twice"):
            self.append(run, fact)
        is_own = self.world.store_of_adopter(run) == self.disk.store
        is_kept = is_own or is_over or self.is_last(run) or fact in item.log[: item.acked]
        if is_kept or bug == "update-acked-at-once":
            self.world.acknowledge(run, key)

    def reply(self, message: "Message", kind: str, **body: Any) -> None:
        self.send(message.sender, message.of, kind, **body)


@dataclass
class Message:
    sender: str
    of: int
    """The store of the sender."""
    to: str
    store: int
    kind: str
    body: dict[str, Any]


class Broken(Exception):
    """An invariant does not hold."""


class World:
    """Hosts, a network that loses, doubles and reorders, faults, and the senders of updates."""

    def __init__(self, seed: int, bug: str = "", *, story: bool = False) -> None:
        self.random, self.bug, self.story = Random(seed), bug, story
        self.stores = 0
        self.counts: Counter[str] = Counter()
        self.started: Counter[tuple[str, int]] = Counter()
        self.messages: list[Message] = []
        self.stormy = True
        self.hosts: dict[str, Host] = {}
        for name in ("a", "b", "c"):
            self.hosts[name] = Host(self, name)
        self.lost: set[int] = set()
        """Stores whose disk is gone."""
        self.adopters: dict[str, int] = {}
        for n in range(RUNS):
            host = self.hosts["ab"[n % 2]]
            run = f"{host.name}-{n}"
            self.adopters[run] = host.disk.store
            host.disk.runs[run] = Copy([("pended",)], "pended")
            host.promise()
        self.updates = {(run, f"u{n}"): run[0] for run in self.adopters for n in range(1, PASSES)}
        """Updates that are not acknowledged, and where their sender believes the pen to be."""

    def new_store(self) -> int:
        self.stores += 1
        return self.stores

    def chance(self, share: float) -> bool:
        return self.stormy and self.random.random() < share

    def store_of_adopter(self, run: str) -> int:
        return self.adopters[run]

    def drains_as_known(self, host: Host) -> bool:
        return host.disk.drains and not self.chance(0.3)

    def tell(self, text: str) -> None:
        if self.story:
            sys.stdout.write(f"{text}\n")

    def fail(self, text: str) -> None:
        raise Broken(text)

    def carry(self, message: Message) -> None:
        if self.chance(0.2):
            self.counts[f"lost {message.kind}"] += 1
            return
        self.messages.append(message)
        if self.chance(0.2):
            self.counts[f"doubled {message.kind}"] += 1
            self.messages.append(replace(message, body=dict(message.body)))

    def starts(self, run: str, step: int) -> None:
        self.tell(f"    {run} step {step} starts")
        self.started[run, step] += 1
        if not is_idempotent(step) and self.started[run, step] > 1:
            self.fail(f"step {step} of {run} starts twice")

    def acknowledge(self, run: str, key: str) -> None:
        if self.bug == "update-acked-at-once" or not self.chance(0.3):  # else the reply is lost
            self.updates.pop((run, key), None)

    def moved(self, run: str, key: str, host: str) -> None:
        if (run, key) in self.updates:
            self.updates[run, key] = host or run[0]

    # --- a trial ---

    def play(self) -> None:
        for _ in range(self.random.randint(80, 200)):
            self.step()
        self.stormy = False
        for host in self.hosts.values():
            host.up, host.disk.drains = True, False
        for store in self.lost:
            for host in self.hosts.values():
                host.disk.forgotten.add(store)
        for _ in range(1500):
            self.step()
            if self.is_over():
                break
        self.judge()

    def is_over(self) -> bool:
        living = [run for run, store in self.adopters.items() if store not in self.lost]
        return not self.messages and all(
            self.hosts[run[0]].disk.runs[run].role == "done"
            for run in living
            if self.hosts[run[0]].disk.store not in self.hosts["c"].disk.forgotten
        )

    def step(self) -> None:
        names = [name for name, host in self.hosts.items() if host.up]
        action = self.random.random()
        if self.stormy and action < 0.06:
            self.fault()
        elif action < 0.5 and self.messages:
            message = self.messages.pop(self.random.randrange(len(self.messages)))
            host = self.hosts[message.to]
            if host.up:
                kind, of = message.kind, message.sender
                self.tell(f"{message.to} receives {kind} of {of} {message.body}")
                self.counts[message.kind] += 1
                host.receive(message)
        elif action < 0.6:
            self.send_update()
        elif names:
            host = self.hosts[self.random.choice(names)]
            if self.random.random() < 0.4:
                host.tick()
            else:
                for run in list(host.disk.runs):
                    host.work(run)
        self.check()

    def send_update(self) -> None:
        if not self.updates:
            return
        (run, key), name = self.random.choice(list(self.updates.items()))
        host = self.hosts[name]
        number = int(key[1:])
        begun = any(
            ("rested", number) in item.log or number == passes(item.log)
            for h in self.hosts.values()
            if (item := h.disk.runs.get(run)) is not None
        )
        if not begun:
            return  # it does not exist before the pass that begins what it is about
        if self.bug == "update-forgotten-by-sender":
            del self.updates[run, key]
        if not host.up or self.chance(0.3):
            if (run, key) in self.updates:
                self.updates[run, key] = adopter_of(run)
            return
        self.tell(f"{name} receives update {key} of {run}")
        if host.disk.store not in host.disk.forgotten:
            body = {"run": run, "key": key}
            host.receive(Message("", 0, name, host.disk.store, "Update", body))

    def fault(self) -> None:
        host = self.hosts[self.random.choice(list(self.hosts))]
        kind = self.random.choice(FAULTS)
        self.counts[kind] += 1
        self.tell(f"{kind} {host.name}")
        match kind:
            case "crash" | "power":
                host.up = not host.up
                host.working.clear()
                if kind == "power":
                    host.disk = host.synced.copy()
            case "drain":
                host.disk.drains = not host.disk.drains
                host.promise()
            case "wipe" if len(self.lost) < 1:
                self.lost.add(host.disk.store)
                host.disk = Disk(self.new_store())
                host.disk.forgotten = set(self.lost)
                host.working.clear()
                host.promise()
            case "forget" if self.lost:
                for store in self.lost:
                    self.hosts[self.random.choice(list(self.hosts))].disk.forgotten.add(store)

    # --- invariants ---

    def check(self) -> None:
        forgotten = set().union(*(host.disk.forgotten for host in self.hosts.values()))
        for run in self.adopters:
            pens = [
                host.name
                for host in self.hosts.values()
                if host.disk.store not in forgotten and host.has_pen(run)
            ]
            if len(pens) > 1:
                self.fail(f"{run} has two pens: {pens}")
            adopter = self.hosts[run[0]]
            if adopter.disk.store != self.adopters[run]:
                continue
            known = adopter.disk.runs[run]
            for host in self.hosts.values():
                item = host.disk.runs.get(run)
                if host is adopter or item is None or host.disk.store != known.store:
                    continue
                if item.epoch == known.epoch and item.log[: len(known.log)] != known.log:
                    self.fail(f"the copy of {run} is no prefix of the log at {host.name}")
        for host in self.hosts.values():
            for run, item in host.disk.runs.items():
                for name in ("pass", "update", "ended"):
                    facts = item.stands(name)
                    if len(facts) != len(set(facts)):
                        self.fail(f"{run} has a {name} twice")

    def judge(self) -> None:
        for run, store in self.adopters.items():
            if store in self.lost:
                continue
            item = self.hosts[run[0]].disk.runs[run]
            if item.role != "done":
                self.fail(f"{run} never ended: {item.role} {item.log}")
            if passes(item.log) != PASSES:
                self.fail(f"{run} ended after {passes(item.log)} passes")
            for key in (f"u{n}" for n in range(1, PASSES)):
                if ("update", key) not in item.log:
                    self.fail(f"{run} lost its update {key}")


def adopter_of(run: str) -> str:
    return run[0]


def passes(log: list[Fact]) -> int:
    return sum(fact[0] == "pass" for fact in log)


def rests(log: list[Fact]) -> bool:
    """Whether the pass that began last is over."""
    number = passes(log)
    return number == 0 or ("rested", number) in log


def next_step(log: list[Fact]) -> int | None:
    """The first step of this pass that is not settled."""
    first = (passes(log) - 1) * STEPS
    return next((n for n in range(first, first + STEPS) if ("settled", n) not in log), None)


def play(seed: int, bug: str = "", *, story: bool = False) -> tuple[str, Counter[str]]:
    """Play a trial; what it broke, empty if nothing, and what occurred."""
    world = World(seed, bug, story=story)
    try:
        world.play()
    except Broken as broken:
        return str(broken), world.counts
    return "", world.counts


if __name__ == "__main__":
    sys.exit(play_many(__doc__, play, BUGS, partial(play, story=True)))
