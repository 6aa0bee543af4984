"""A simulated cluster: machines, a network and one virtual clock, all from one seed."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, Final

from floe.host.core import HostCore
from floe.host.inputs import FLOOR_MAX, Drain, Input, Received, Reply, Start, Unsent
from floe.host.ledger import LEDGER_KINDS
from floe.host.passed_over import PASSED_OVER
from floe.host.peers.whereabouts import pen_of
from floe.host.site import SiteSettings
from floe.host.step_result import Recorded
from floe.kernel.process import takes_slot
from floe.model.event import (
    GrantRevoked,
    GrantSuperseded,
    RunActivated,
    RunEnded,
    RunEnding,
    RunPended,
)
from floe.model.ids import FlowId, HostId, Key, NodeId, RunRef, StoreId
from floe.model.moving import RunResumed, RunReturned
from floe.model.peer_message import Envelope, Offer, Withdraw
from floe.model.run import Run
from floe.model.signal import Cancel, Exited, Report
from floe.model.summary import Summary
from tests.make import NOW
from tests.sim import invariants, moving
from tests.sim.disk import Disk
from tests.sim.flows import DIGESTS, FLOW_FILES, FLOWS
from tests.sim.machine import PEOPLE_MS, Fuse, Machine
from tests.sim.mishaps import Mishap
from tests.sim.network import Network, Way, Weather
from tests.sim.removal import Spaces
from tests.sim.truth import Branch, Truth

REFUSED_MS: Final = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a trial's story."""

    at: int
    who: str
    what: str
    more: str

    def __str__(self) -> str:
        colon = ": " if self.more else ""
        return f"{self.at / 1000:9.3f}  {self.who:<4} {self.what}{colon}{self.more}"


class World:
    """Everything that exists in one trial."""

    def __init__(self, random: Random, *, story: bool = False) -> None:
        self.random = random
        self.now = int(NOW)
        self.truth = Truth()
        self.met: Counter[Mishap] = Counter()
        """How often each mishap happened."""
        self.network = Network(random, self.at, self.met)
        self.machines: dict[HostId, Machine] = {}
        self.fuse: Fuse | None = None
        """Burns at whichever hub passes its point."""
        self.snare: Mishap | None = None
        """The fate of the next message of a kind."""
        self.story: list[Line] | None = [] if story else None
        self.old_disks: list[Disk] = []
        """Of stores that are no more, for whoever compares copies."""
        self.said: set[tuple[object, ...]] = set()
        """For bugs that say nothing twice."""
        self.luck = random.choice((0.6, 0.9, 0.9, 1.0))
        """The share of commands that end well."""
        self.slow = random.choice((0.05, 0.05, 0.1, 0.5))
        """And of those that take long."""
        self.people_ms = PEOPLE_MS
        """People answer within this."""
        self.heals = False
        """The quiet end: what is down comes back soon."""
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = count()
        self._tickets: dict[int, Callable[[Reply], None]] = {}
        self._stores = count(1)

    # --- time ---

    def at(self, delay_ms: int, call: Callable[..., None], *args: object) -> None:
        """Call something later."""
        heapq.heappush(self._heap, (self.now + delay_ms, next(self._count), call, args))

    def run_until(self, until: int, is_over: Callable[[], bool] = lambda: False) -> None:
        """Let things happen up to an instant, or until asked to stop."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, call, args = heapq.heappop(heap)
            call(*args)
            if is_over():
                return
        self.now = max(self.now, until)

    def heal(self) -> None:
        """Nothing goes wrong any more, but for a fuse; and what is down comes back soon."""
        self.log("", "everything heals")
        self.heals, self.snare = True, None
        self.network.weather = Weather()
        self.network.cuts.clear()
        self.network.unpinged.clear()

    def log(self, who: str, what: str, more: str = "") -> None:
        """Add a line to the story."""
        if self.story is not None:
            self.story.append(Line(self.now - NOW, who, what, more))

    # --- machines ---

    def add(self, settings: SiteSettings, skew_ms: int) -> Machine:
        """A machine with an empty disk, switched on."""
        machine = Machine(self, settings, self._new_disk(settings.id, skew_ms), skew_ms)
        self.machines[settings.id] = machine
        machine.boot()
        return machine

    def make_core(self, machine: Machine) -> HostCore:
        """A hub on a machine's disk, as `hub/life` puts it together."""
        disk = machine.disk
        serial, fence = disk.row("serial", "run"), disk.row("keeper", "fence")
        return HostCore(
            machine.settings,
            disk.store,
            serial=serial if isinstance(serial, int) else 0,
            fence=fence if isinstance(fence, int) else 0,
            term=disk.term,
            rows={kind: disk.ledger(kind) for kind in (*LEDGER_KINDS, PASSED_OVER)},
        )

    def reboot_later(self, machine: Machine) -> None:
        """Somebody starts the hub again."""
        delay = self.random.randrange(50, 500 if self.heals else 4000)
        self.at(delay, self._reboot, machine, machine.life)

    def _reboot(self, machine: Machine, life: int) -> None:
        if machine.core is None and machine.life == life:
            machine.boot()

    def wipe(self, machine: Machine, backup: Disk | None = None) -> None:
        """A machine is replaced: an empty disk, or a backup's content under a new name."""
        machine.kill("its disk is gone")
        machine.end_commands()
        machine.processes.clear()
        machine.spaces = Spaces()
        old = machine.place
        self.truth.lost.add(old)
        self.old_disks.append(machine.disk)
        for branch in list(self.truth.branches.values()):
            if branch.place == old:
                self.truth.close(branch.run, branch.epoch, self.now)
        machine.moves = ()
        machine.skew_ms = self.random.randrange(-300, 300)  # and another clock
        fresh = self._new_disk(machine.id, machine.skew_ms)
        if backup is not None:
            fresh = replace_store(backup, fresh)
            self.truth.restored |= {row.key for row in backup.rows.values()}
            self.truth.doubled |= {ref.key for ref in backup.logs}
        machine.disk, machine.drained = fresh, False
        machine.drains += 1
        self.note_amnesia()
        self.log(machine.id, "is restored" if backup else "is wiped", f"{old} is now {fresh.store}")

    def note_amnesia(self) -> None:
        """See whether anybody is left who remembers the latest term of a keeper."""
        known = [m.disk for m in self.machines.values() if m.place not in self.truth.forgotten]
        rows = [disk.row("obeyed", "keeper") for disk in known]
        terms = [row["term"] for row in rows if isinstance(row, Mapping)]
        seen = max((term for term in terms if isinstance(term, int)), default=0)
        self.truth.amnesia |= any(term > seen for term, _ in self.truth.fences.values())

    def disks(self) -> list[Disk]:
        """All that there ever were."""
        return [*(m.disk for m in self.machines.values()), *self.old_disks]

    def fail_power(self, machine: Machine, batches: int) -> None:
        """A machine goes down; what no promise made durable may be lost with it."""
        lost = machine.disk.lose(batches)
        machine.kill(f"the power fails, {lost} batches are lost")
        machine.end_commands()
        if lost:  # an attempt of which the disk knows nothing any more may begin again
            machine.backup = None  # it would know more than the disk
            for key, place in list(self.truth.starts.items()):
                if place == machine.place and not machine.disk.has_started(key):
                    del self.truth.starts[key]

    def _new_disk(self, host: HostId, skew_ms: int) -> Disk:
        store = StoreId(f"{host}s{next(self._stores):02d}")
        return Disk(store, (self.now + skew_ms) // 1000)

    def pause(self, machine: Machine) -> None:
        """A hub stands still for a while."""
        pause_ms = self.random.randrange(300, 4000)
        self.log(machine.id, "stands still", f"{pause_ms} ms")
        machine.paused_until = self.now + pause_ms

    # --- messages ---

    def part(self, cuts: Set[Way], unpinged: Set[Way] = frozenset()) -> None:
        """Nothing goes from some hosts to others for a while, and no ping from some more."""
        self.log("net", "parts", f"{sorted(cuts | unpinged)}")
        self.network.cuts |= cuts
        self.network.unpinged |= unpinged
        self.at(self.random.randrange(300, 5000), self._join, cuts, unpinged)

    def _join(self, cuts: Set[Way], unpinged: Set[Way]) -> None:
        self.log("net", "joins", f"{sorted(cuts | unpinged)}")
        self.network.cuts -= cuts
        self.network.unpinged -= unpinged

    def send(self, machine: Machine, envelope: Envelope) -> None:
        """Put a message on the network; None as receiver is every other host."""
        invariants.what_is_said_is_stored(self.truth, machine.disk, envelope)
        if self.story is not None:
            to = envelope.to_host or "all"
            self.log(machine.id, f"says to {to}", short(envelope.message))
        hosts = [envelope.to_host] if envelope.to_host else list(self.machines)
        for to in hosts:
            if to == machine.id and envelope.to_host is None:
                continue
            receiver = self.machines[to]
            fate = self._snared(envelope, receiver) if self.snare else ""
            cut = (machine.id, to) in self.network.cuts
            if receiver.core is None and not cut and (fate or self.random.random() < 0.7):
                self.met["refused", type(envelope.message).__name__] += 1
                if isinstance(envelope.message, Offer):
                    self.at(REFUSED_MS, self._refused, machine, machine.life, envelope.message)
                continue
            if isinstance(envelope.message, Offer):
                machine.written.add((envelope.message.run, envelope.message.epoch))
            self.network.carry(envelope, to, self._deliver, fate)

    def _snared(self, envelope: Envelope, receiver: Machine) -> str:
        """The fate of a message that the snare is for; as to its receiver, that happens now."""
        assert self.snare is not None
        fate, kind = self.snare
        way = (envelope.from_host, receiver.id)
        is_meant = kind == type(envelope.message).__name__ and way[0] != way[1]
        if not is_meant or receiver.core is None or way in self.network.cuts:
            return ""
        if fate == "stranger" and envelope.to_store != receiver.disk.store:
            return ""
        self.snare = None
        match fate:
            case "cut":
                self.part({way})
            case "refused":
                receiver.kill("kill -9")
                self.reboot_later(receiver)
            case "paused":
                self.pause(receiver)
            case "stranger":
                self.wipe(receiver)
                receiver.boot()
            case _:
                pass  # the network's
        return fate

    def _refused(self, machine: Machine, life: int, offer: Offer) -> None:
        if machine.life == life and (offer.run, offer.epoch) not in machine.written:
            machine.say(Unsent(run=RunRef.parse(offer.run), epoch=offer.epoch))

    def _deliver(self, envelope: Envelope, to: HostId) -> None:
        machine = self.machines[to]
        kind = type(envelope.message).__name__
        if machine.core is None:
            self.met["lost", kind] += 1
            return
        if machine.paused_until > self.now:
            self.met["paused", kind] += 1
        if envelope.to_store is not None and envelope.to_store != machine.disk.store:
            self.met["stranger", kind] += 1
        if self.story is not None:
            self.log(to, f"hears from {envelope.from_host}", short(envelope.message))
        self._receive(machine, machine.life, envelope)

    def _receive(self, machine: Machine, life: int, envelope: Envelope) -> None:
        if machine.life != life or machine.lists is None:
            return
        if machine.paused_until > self.now:
            self.at(machine.paused_until - self.now, self._receive, machine, life, envelope)
            return
        if machine.lists.receive(envelope):
            return
        machine.say(Received(envelope=envelope, floor=self._floor(machine, envelope)))

    def _floor(self, machine: Machine, envelope: Envelope) -> int | None:
        message = envelope.message
        if not isinstance(message, Offer | Withdraw):
            return None
        ref = RunRef.parse(message.run)
        assert machine.core is not None
        is_gone = ref in machine.disk.logs or message.run in machine.disk.pruned
        if is_gone and ref not in machine.core.table.runs:
            return FLOOR_MAX
        row = machine.disk.row("floor", message.run)
        return row if isinstance(row, int) else None

    # --- people ---

    def ask(
        self,
        machine: Machine,
        word: Input,
        then: Callable[[Reply], None],
        run: RunRef | None = None,
        once: str = "",
    ) -> None:
        """Say something to a hub and wait for its answer."""
        ticket = next(self._count) + 1
        self._tickets[ticket] = then
        machine.say(word, run, ticket=ticket, once=once)

    def answer(self, reply: Reply) -> None:
        """A hub answers somebody."""
        if then := self._tickets.pop(reply.ticket, None):
            then(reply)

    def trigger(
        self, machine: Machine, flow: FlowId, number: int, answered: Callable[[], None]
    ) -> None:
        """Somebody starts a run, with its number as a value; `answered` hears of the 202, or that
        the trigger passes it over."""
        once = f"k{number}"
        known = machine.disk.row("once", once)
        if machine.core is not None and isinstance(known, str):
            self.accepted(machine, RunRef.parse(known), answered)
            return
        declared = FLOW_FILES.get(flow)
        word = Start(
            flow=declared or FLOWS[DIGESTS[flow]],
            digest=None if declared else DIGESTS[flow],
            trigger=NodeId("start"),
            values={"n": number},
            by=once,
            once=once,
        )
        self.ask(machine, word, lambda reply: self._started(machine, word, reply, answered))

    def _started(
        self, machine: Machine, start: Start, reply: Reply, answered: Callable[[], None]
    ) -> None:
        if reply.run is not None:
            self.accepted(machine, reply.run, answered)
            return
        invariants.start_is_passed_over_by_its_if(machine.disk, start)
        self.log(machine.id, "passes over", f"{start.once}: {reply.why}")
        answered()

    def accepted(self, machine: Machine, run: RunRef | None, answered: Callable[[], None]) -> None:
        """A start is answered with its run."""
        assert run is not None, "a start is answered with its run"
        answered()
        if run not in self.truth.accepted:
            self.truth.accepted[run] = self.now
            self.log(machine.id, "accepts", run.key)

    def drain(self, machine: Machine, *, on: bool) -> None:
        """Somebody asks a host to take no new runs, or to take them again."""
        machine.drains += 1
        machine.drained = False
        if not on:
            machine.say(Drain(on=False))
            return
        self.log(machine.id, "is asked to drain")
        asked = machine.drains
        self.ask(machine, Drain(on=True), lambda _: self._drained(machine, asked))

    def _drained(self, machine: Machine, asked: int) -> None:
        self.log(machine.id, "drains")
        machine.drained = machine.drains == asked

    def cancel(self, machine: Machine, run: RunRef) -> None:
        """Somebody asks a host for the end of a run."""
        self.log(machine.id, "is asked to cancel", run.key)
        self.ask(machine, Cancel(by="alice"), lambda r: self._cancelled(machine, run, r), run)

    def _cancelled(self, machine: Machine, run: RunRef, reply: Reply) -> None:
        if reply.changed:
            self.log(machine.id, "has taken the cancel of", run.key)
            if machine.id == run.host:
                self.truth.cancelled.setdefault(run, self.now)

    # --- what is seen ---

    def watch(self, machine: Machine, step: Recorded, epoch: int) -> None:
        """A fact was stored on a machine; `epoch` is the run's at the end of the batch."""
        record, run = step.record, step.run
        event = record.event
        if self.story is not None:
            self.log(
                machine.id,
                f"stores {type(event).__name__}",
                f"{run.ref.key} {record.epoch}.{record.seq}",
            )
        match event:
            case RunPended() if run.ref.store == machine.disk.store:
                if run.parent is None:
                    invariants.check_request(self.truth, run)
                of, spaces = run.rerun_of, machine.spaces.made_by
                if of and of.host == machine.id and (made_by := spaces.get(of.workspace)):
                    self.truth.promised[run.ref, machine.place] = made_by
            case RunActivated(host=host) | RunResumed(host=host) if (
                host == machine.id and run.epoch == epoch
            ):
                if isinstance(event, RunResumed):
                    moving.moved_run_keeps_what_is_done(step)
                assert run.flow is not None
                branch = Branch(
                    run=run.ref,
                    epoch=run.epoch,
                    place=machine.place,
                    flow=run.flow,
                    fences=run.fences,
                    since=self.now,
                    space=self.truth.promised.get((run.ref, machine.place))
                    if run.moved_from
                    else None,
                )
                invariants.check_activation(
                    self.truth, branch, machine.settings, drained=machine.drained
                )
                self.truth.open(branch)
            case RunEnded():
                invariants.nothing_is_left_of_an_ended_run(self.truth, machine.place, run)
                self.truth.ended.setdefault(run.ref.key, []).append(run)
                self._close(machine, run.ref, run.epoch)
            case RunReturned():
                moving.moved_run_keeps_what_is_done(step)
                moving.moved_run_leaves_nothing(self.truth, machine.place, step)
                self._close(machine, run.ref, run.epoch)
            case RunEnding():
                invariants.cancelled_run_ends_bad(self.truth, machine.place, run)
            case GrantRevoked() if run.ref.store == machine.disk.store:
                invariants.grant_is_taken_back_with_reason(self.truth, step, machine.place)
            case GrantSuperseded():
                invariants.grant_is_taken_back_with_reason(self.truth, step, machine.place)
                self.truth.superseded.add((run.ref, run.epoch))
                if run.phase == "ended":
                    self._close(machine, run.ref, run.epoch)
            case _:
                pass
        at = self.truth.branches.get((run.ref, run.epoch))
        if at is not None and at.place == machine.place:
            was, at.busy_since = at.busy_since, None
            if takes_slot(run):
                at.busy_since = was or self.now
                if was is None and at.since == self.now:
                    invariants.host_has_what_the_flow_asks(self.truth, at, machine.settings)

    def free_slots(self, machine: Machine, runs: Iterable[Run]) -> None:
        """A batch is one moment: a run that only waits after it leaves its slot to those that begin
        in it."""
        for run in runs:
            at = self.truth.branches.get((run.ref, run.epoch))
            if at is not None and at.place == machine.place and not takes_slot(run):
                at.busy_since = None

    def watch_removal(self, machine: Machine, key: str, row: Summary | None) -> None:
        """A machine removed a run; it had that row of it."""
        self.log(machine.id, "removes", key)
        self.truth.pruned.add((machine.place, key))
        if row is not None and pen_of(row) == str(machine.place):
            place, chosen = machine.place, machine.removing
            invariants.removal_is_of_the_host_with_the_log(self.truth, key, place, chosen)
            invariants.what_a_re_run_shows_is_kept(self.truth, key, place)
            self.truth.removed[key] = machine.place
        if (ref := RunRef.parse(key)).adopter == machine.place:
            self.truth.reruns.pop(ref, None)  # also one whose log is gone with its host

    def _close(self, machine: Machine, run: RunRef, epoch: int) -> None:
        branch = self.truth.branches.get((run, epoch))
        if branch is not None and branch.place == machine.place:
            self.truth.close(run, epoch, self.now)

    def start_process(self, machine: Machine, key: Key) -> None:
        """A warden starts an attempt."""
        invariants.check_start(self.truth, machine.disk, machine.place, key)
        self.truth.starts[key] = machine.place
        self.truth.living.setdefault((key.run, key.epoch), set()).add(key)
        self.log(machine.id, "starts", str(key))
        random = self.random
        delay = random.randrange(10, 3500 if random.random() < self.slow else 300)
        status = 0 if random.random() < self.luck else 1
        printed = len(key.node) % 2
        report = Exited(status=status, outputs={"made_by": str(key)}, output_bytes=printed)
        self.at(delay, self.end_process, machine, key, report, machine.disk.store)

    def end_process(
        self, machine: Machine, key: Key, report: Report, store: StoreId | None = None
    ) -> None:
        """The last process of an attempt is gone."""
        process = machine.processes.get(key)
        if process is None or process.report is not None:
            return
        if store is not None and store != machine.disk.store:
            return
        living = self.truth.living[key.run, key.epoch]
        living.discard(key)
        self.log(machine.id, f"ends {type(report).__name__}", str(key))
        machine.over(key, report)


def replace_store(backup: Disk, fresh: Disk) -> Disk:
    """A backup's content as a store of its own."""
    disk = backup.copy()
    disk.store, disk.term = fresh.store, fresh.term
    return disk


def short(message: object) -> str:
    """A message as the story has it."""
    parts = [type(message).__name__]
    names = ("run", "epoch", "claim", "tags", "fences", "why", "opening", "mine", "after", "upto")
    for name in names:
        value = getattr(message, name, None)
        if value not in (None, "", 0, {}):
            text = sorted(value) if isinstance(value, frozenset) else value
            if name == "claim":
                text = f"{value.run}#{value.number}"
            parts.append(f"{text}" if name in ("run", "claim") else f"{name} {text}")
    return " ".join(parts)
