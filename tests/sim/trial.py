"""One trial: a cluster, its runs and its faults from one seed, then a quiet end.

In the quiet end everything heals: hosts are up, the network is calm, the operator forgets the
stores that are no more. Then each run must end, or wait on a thing it names.
"""

import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from floe.hub.core import HostSettings
from floe.hub.words import Forget, Free
from floe.model.refs import FlowId, HostId
from tests.make import NOW
from tests.sim import invariants
from tests.sim.bugs import Bug
from tests.sim.flows import KINDS
from tests.sim.machine import Fuse, Machine
from tests.sim.network import Weather
from tests.sim.points import POINTS
from tests.sim.truth import Broken, Place
from tests.sim.world import Line, World

STORM_MS: Final = 12_000
"""Triggers and faults fall into this."""

QUIET_MS: Final = 10_000
"""After the last fault, each run ends, goes on or says what it waits for within this."""

END_MS: Final = 90_000
"""After the last fault, each run that nothing holds up has ended within this."""

LOOK_MS: Final = 500

SWARM: Final = (0, 1, 1, 6)
"""How much a trial has of a kind of fault or flow."""

CLIENT_MS: Final = 700
CLIENT_TRIES: Final = 30

RUNS_MIN: Final = 20
FAULTS_MIN: Final = 10


@dataclass(slots=True)
class Verdict:
    """What became of a trial."""

    seed: int
    broken: str = ""
    """The invariant that does not hold and how; empty where all do."""
    story: list[Line] = field(default_factory=list)
    coverage: Counter[tuple[str, str]] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    hosts: int = 0
    runs: int = 0
    virtual_s: float = 0.0
    cpu_s: float = 0.0


def trial(seed: int, *, bug: Bug | None = None, story: bool = False) -> Verdict:
    """Play one seed, with a bug in the hub if one is given; equal seeds give equal stories."""
    begun = time.process_time()
    play = Trial(seed, bug.favours if bug else (), story=story)
    verdict = Verdict(seed)
    with bug.at_work() if bug else nullcontext():
        try:
            play.run()
        except Broken as broken:
            verdict.broken = str(broken)
        except Exception as error:  # the core may do anything
            where = traceback.format_exc() if story else f"{type(error).__name__}: {error}"
            verdict.broken = f"core_raises: {where}"
    world = play.world
    if world.story is not None:
        world.tell("", "BROKEN" if verdict.broken else "over", verdict.broken)
        verdict.story = world.story
    verdict.coverage = world.network.coverage
    verdict.crashes = world.crashes
    verdict.faults = play.faults
    verdict.hosts = len(world.machines)
    verdict.runs = len(world.truth.accepted)
    verdict.virtual_s = (world.now - NOW) / 1000
    verdict.cpu_s = time.process_time() - begun
    return verdict


class Trial:
    """A seed's plan, carried out."""

    def __init__(self, seed: int, favours: Collection[str] = (), *, story: bool) -> None:
        """`favours`: faults of which there are many; late words and leases come with them."""
        self.random = Random(seed)
        self.world = World(self.random, story=story)
        self.faults: Counter[str] = Counter()
        self.keeper: HostId | None = None
        self._answered: set[int] = set()
        self._fault_weights: list[int] = []
        self._favours = favours

    def run(self) -> None:
        """The storm and the quiet end. Raises Broken."""
        world = self.world
        self._plan()
        world.run_until(NOW + STORM_MS)
        self._heal()
        healed = world.now
        invariants.copies_are_prefixes(world.disks())
        world.run_until(healed + QUIET_MS, self._is_over_now)
        invariants.every_run_says_why(world)
        while not invariants.is_over(world) and world.now < healed + END_MS:
            world.run_until(world.now + LOOK_MS)
        invariants.check_end(world)

    # --- the plan ---

    def _plan(self) -> None:
        random, world = self.random, self.world
        hosts = [HostId(f"h{n}") for n in range(1, random.choice((3, 3, 3, 3, 4, 5)) + 1)]
        self.keeper = None if random.random() < 0.06 else hosts[0]
        arm = random.choice(hosts)
        linux = {random.choice(hosts), random.choice(hosts)}
        bad_clock = random.choice(hosts) if random.random() < 0.2 else None
        for host in hosts:
            tags = {t for t, having in (("arm", {arm}), ("linux", linux)) if host in having}
            settings = HostSettings(
                id=host,
                tags=frozenset(tags),
                slots=random.randrange(2, 9),
                workspace_root="/w",
                peers=len(hosts) - 1,
                keeper=self.keeper,
            )
            skew_ms = random.randrange(-300, 300)
            if host == bad_clock:
                skew_ms = random.choice((-600_000, 600_000))
            world.add(settings, skew_ms)
        self._storm()

    def _storm(self) -> None:
        random, world = self.random, self.world
        world.network.weather = Weather(
            loss=random.choice((0.0, 0.05, 0.2)),
            double=random.choice((0.0, 0.05, 0.3)),
            late=random.choice((0.0, 0.05, 0.3)),
            delay_ms=random.choice((3, 20, 60)),
        )
        # Each trial has its own mixture: what is everywhere as rare as its mean never piles up.
        self._fault_weights = [w * random.choice(SWARM) for w in _FAULT_WEIGHTS]
        flow_weights = [w * random.choice(SWARM) for w in _WEIGHTS]
        if self._favours:
            self._fault_weights = [
                50 if f.__name__.lstrip("_") in self._favours else w for f, w in _FAULT_KINDS
            ]
            flow_weights = [20 if k.flow.resource_tags else k.weight for k in KINDS]
            world.network.weather.late = world.network.weather.double = 0.3
        self._fault_weights[0] += 1
        flow_weights[0] += 1
        burst = random.randrange(200, STORM_MS - 2000)
        for n in range(RUNS_MIN + random.randrange(0, 6)):
            at = burst + n if n % 3 == 0 else random.randrange(100, STORM_MS - 1500)
            flow = random.choices(_FLOWS, flow_weights)[0]
            world.at(at, self._trigger, n, self._any_host(), flow, 0)
        for _ in range(random.randrange(2, 7)):
            world.at(random.randrange(300, STORM_MS - 300), self._cancel)
        for _ in range(4):
            world.at(random.randrange(2000, STORM_MS), self._retain)
        for _ in range(FAULTS_MIN + random.randrange(0, 5)):
            world.at(random.randrange(200, STORM_MS - 500), self._fault)

    def _trigger(self, number: int, machine: Machine, flow: FlowId, tries: int) -> None:
        """A client that asks again, under one key, until it is answered."""
        if number in self._answered or tries > CLIENT_TRIES:
            return
        self.world.trigger(machine, flow, f"k{number}", lambda: self._answered.add(number))
        delay = CLIENT_MS if self.random.random() > 0.1 else 2
        self.world.at(delay, self._trigger, number, machine, flow, tries + 1)

    def _cancel(self) -> None:
        world, random = self.world, self.random
        runs = [ref for ref in world.truth.accepted if Place(*ref[:2]) not in world.truth.lost]
        if not runs:
            return
        # The newest are the ones that are being handed over.
        ref = runs[-1] if random.random() < 0.4 else random.choice(runs)
        asked = ref.host
        at = [b for b in world.truth.branches.values() if b.run == ref and b.until is None]
        if at and random.random() < 0.3:
            asked = at[-1].place.host
        world.cancel(world.machines[asked], ref)

    def _retain(self) -> None:
        machine = self._any_host()
        if machine.core is not None:
            machine.retain()

    # --- faults ---

    def _fault(self) -> None:
        fault = self.random.choices(_FAULTS, self._fault_weights)[0]
        if fault(self):
            self.faults[fault.__name__.lstrip("_")] += 1
        else:
            self._crash()
            self.faults["crash"] += 1

    def _crash(self) -> bool:
        machine = self._any_host()
        if machine.core is not None:
            machine.kill("kill -9")
            self.world.crashes["at rest"] += 1
            self.world.reboot_later(machine)
        return True

    def _fuse(self) -> bool:
        machine = self._any_host()
        if machine.core is None or machine.fuse is not None:
            return False
        random = self.random
        fuse = Fuse("", random.randrange(30))
        if random.random() < 0.7:
            fuse = Fuse(random.choice(POINTS), random.choice((0, 0, 0, 1, 2)))
        machine.fuse = fuse
        self.world.at(random.randrange(300, 6000), self._burn, machine, fuse)
        return True

    def _burn(self, machine: Machine, fuse: Fuse) -> None:
        """What a hub did not come to pass, it dies without."""
        if machine.fuse is fuse and machine.core is not None:
            machine.kill("kill -9")
            self.world.crashes["at rest"] += 1
            self.world.reboot_later(machine)

    def _power(self) -> bool:
        machine = self._any_host()
        self.world.fail_power(machine, self.random.randrange(0, 6))
        self.world.reboot_later(machine)
        return True

    def _wipe(self) -> bool:
        machine = self._any_host()
        self.world.wipe(machine)
        self.world.reboot_later(machine)
        return True

    def _back_up(self) -> bool:
        machine = self._any_host()
        machine.backup = machine.disk.copy()
        self.world.at(self.random.randrange(500, 5000), self._restore, machine, machine.place)
        return True

    def _restore(self, machine: Machine, place: Place) -> None:
        if machine.backup is not None and machine.place == place and not self.world.heals:
            self.world.wipe(machine, machine.backup)
            self.world.reboot_later(machine)
        machine.backup = None

    def _forget(self) -> bool:
        """The operator forgets a store that is no more, or in error one that lives."""
        truth = self.world.truth
        gone = sorted(truth.lost - truth.forgotten)
        machine = self._any_host()
        place = gone[0] if gone else machine.place
        if not gone and (self.random.random() < 0.7 or len(truth.forgotten) > 1):
            return False
        others = [m for m in self.world.machines.values() if m.id != place.host and m.core]
        if not others:
            return False
        self._say_forget(self.random.choice(others), place)
        return True

    def _say_forget(self, machine: Machine, place: Place) -> None:
        self.world.truth.forgotten.add(place)
        self.world.note_amnesia()
        self.world.tell(machine.id, "is told to forget", str(place))
        machine.say(Forget(host=place.host, store=place.store, force=True))

    def _free(self) -> bool:
        """The operator takes a resource from the run that holds it."""
        truth, keeper = self.world.truth, self.keeper
        tags = [tag for tag, held in truth.holders.items() if held and tag in ("db", "lab")]
        if keeper is None or self.world.machines[keeper].core is None or not tags:
            return False
        tag = self.random.choice(tags)
        run = truth.holders[tag][0].run
        truth.freed |= {(lease, run) for lease in ("db", "lab")}
        self.world.tell(keeper, "is told to free", f"{tag} of {run.key}")
        self.world.machines[keeper].say(Free(tag=tag, run=run.key))
        return True

    def _drain(self) -> bool:
        machine = self._any_host()
        if machine.core is None:
            return False
        self.world.drain(machine, on=True)
        self.world.at(self.random.randrange(500, 12_000), self._undrain, machine)
        return True

    def _undrain(self, machine: Machine) -> None:
        self.world.drain(machine, on=False)

    def _part(self) -> bool:
        random, hosts = self.random, list(self.world.machines)
        one, other = random.sample(hosts, 2)
        cuts = {(one, other)}
        if random.random() < 0.5:
            cuts.add((other, one))
        if random.random() < 0.3:
            cuts |= {(one, h) for h in hosts} | {(h, one) for h in hosts}
        self.world.tell("net", "parts", f"{sorted(cuts)}")
        self.world.network.cuts |= cuts
        self.world.at(random.randrange(300, 5000), self._join, cuts)
        return True

    def _join(self, cuts: set[tuple[HostId, HostId]]) -> None:
        self.world.tell("net", "joins", f"{sorted(cuts)}")
        self.world.network.cuts -= cuts

    def _pause(self) -> bool:
        machine = self._any_host()
        pause_ms = self.random.randrange(300, 4000)
        self.world.tell(machine.id, "stands still", f"{pause_ms} ms")
        machine.paused_until = self.world.now + pause_ms
        return True

    def _refuse(self) -> bool:
        self._any_host().refusals = self.random.randrange(1, 4)
        return True

    def _slip(self) -> bool:
        """A clock is set."""
        machine = self._any_host()
        machine.skew_ms += self.random.choice((-2000, 2000, 600_000))
        self.world.tell(machine.id, "has its clock set", f"{machine.skew_ms} ms off")
        return True

    def _move_keeper(self) -> bool:
        """Every host gets another keeper in its config, one after another."""
        if self.keeper is None:
            return False
        hosts = list(self.world.machines)
        self.keeper = self.random.choice([h for h in hosts if h != self.keeper])
        self.world.tell("", "the keeper is to be", self.keeper)
        for machine in self.world.machines.values():
            self.world.at(self.random.randrange(1, 2000), self._reconfigure, machine)
        return True

    def _reconfigure(self, machine: Machine) -> None:
        if machine.settings.keeper != self.keeper:
            machine.settings = replace(machine.settings, keeper=self.keeper)
            machine.kill("it gets another config")
            self.world.reboot_later(machine)

    def _wipe_keeper(self) -> bool:
        if self.keeper is None:
            return False
        machine = self.world.machines[self.keeper]
        self.world.wipe(machine)
        self.world.reboot_later(machine)
        return True

    # --- the quiet end ---

    def _heal(self) -> None:
        world = self.world
        world.tell("", "everything heals")
        world.heals = True
        world.network.weather = Weather()
        world.network.cuts.clear()
        for machine in world.machines.values():
            machine.fuse, machine.refusals, machine.backup = None, 0, None
            machine.paused_until = 0
            if machine.place in world.truth.forgotten:
                world.wipe(machine)
            if machine.settings.keeper != self.keeper:
                machine.settings = replace(machine.settings, keeper=self.keeper)
                machine.kill("it gets another config")
            if machine.core is None:
                machine.boot()
            world.drain(machine, on=False)
            machine.turn_soon()
        for place in sorted(world.truth.lost):  # once more: who was told first may be gone too
            others = [m for m in world.machines.values() if m.id != place.host]
            self._say_forget(self.random.choice(others), place)

    def _is_over_now(self) -> bool:
        return self.world.now % 16 == 0 and invariants.is_over(self.world)

    def _any_host(self) -> Machine:
        return self.random.choice(list(self.world.machines.values()))


_FLOWS: Final = [kind.flow.id for kind in KINDS]
_WEIGHTS: Final = [kind.weight for kind in KINDS]

Fault = Callable[[Trial], bool]

_FAULT_KINDS: Final[tuple[tuple[Fault, int], ...]] = (
    (Trial._crash, 8),
    (Trial._fuse, 30),
    (Trial._power, 3),
    (Trial._wipe, 3),
    (Trial._wipe_keeper, 3),
    (Trial._back_up, 3),
    (Trial._forget, 6),
    (Trial._drain, 4),
    (Trial._free, 2),
    (Trial._part, 10),
    (Trial._pause, 4),
    (Trial._refuse, 3),
    (Trial._slip, 3),
    (Trial._move_keeper, 2),
)
_FAULTS: Final = [fault for fault, _ in _FAULT_KINDS]
_FAULT_WEIGHTS: Final = [weight for _, weight in _FAULT_KINDS]
