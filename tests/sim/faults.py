"""What befalls the hosts of a trial: each kind of fault, and how often a trial has which."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from floe.host.inputs import Drain, Forget, Free, Input, Reply
from floe.kernel.moving import may_move
from floe.model.ids import HostId
from tests.sim.machine import Fuse, Machine
from tests.sim.mishaps import AT_REST, POINTS, Lean, Mishap
from tests.sim.truth import Place
from tests.sim.world import World

SWARM: Final = (0, 1, 1, 6)
"""How much a trial has of a kind of fault or flow."""

LEAN: Final = 50
"""And of one to which it leans, besides."""


AGAIN_MS: Final = 1000
"""After this long an operator says again what was not answered."""

HOUR_MS: Final = 3_600_000
YEAR_MS: Final = 365 * 24 * HOUR_MS


class Faults:
    """Strikes a world, now here, now there."""

    def __init__(self, world: World, keeper: HostId | None, lean: Lean) -> None:
        self.world = world
        self._lean = lean
        self.random: Random = world.random
        self.keeper = keeper
        """As the config is to name it."""
        self.counts: Counter[str] = Counter()
        # Each trial has its own mixture: what is everywhere as rare as its mean never piles up.
        self._weights = [
            (weight and weight * self.random.choice(SWARM)) + LEAN * lean.faults.count(_name(fault))
            for fault, weight in KINDS
        ]
        self._weights[0] += 1

    def strike(self) -> None:
        """Let one thing go wrong; where that cannot be now, a hub dies."""
        fault = self.random.choices(_FAULTS, self._weights)[0]
        done = fault if fault(self) else Faults.crash
        if done is not fault:
            self.crash()
        self.counts[_name(done)] += 1

    def aim(self, mishap: Mishap) -> None:
        """Have a mishap happen as soon as anybody gives occasion to it."""
        if mishap in POINTS:
            self.world.fuse = Fuse(mishap, self.random.choice((0, 0, 0, 0, 1, 5)))
        else:
            self.world.snare = mishap

    def crash(self) -> bool:
        """A hub is killed."""
        self._kill(self._any_host())
        return True

    def fuse(self) -> bool:
        """A hub is killed as it passes a point."""
        machine, random = self._any_host(), self.random
        if machine.core is None or machine.fuse is not None:
            return False
        fuse = Fuse(None, random.randrange(30))
        if random.random() < 0.7:
            fuse = Fuse(random.choice(POINTS), random.choice((0, 0, 0, 1, 2)))
        machine.fuse = fuse
        self.world.at(random.randrange(300, 6000), self._burn, machine, fuse)
        return True

    def power(self) -> bool:
        """A machine goes down with all that runs on it."""
        machine = self._any_host()
        self.world.fail_power(machine, self.random.randrange(0, 6))
        self.world.reboot_later(machine)
        return True

    def wipe(self) -> bool:
        """A disk is replaced by an empty one."""
        self._wipe(self._busy_host())
        return True

    def wipe_keeper(self) -> bool:
        """The keeper's disk is."""
        if self.keeper is None:
            return False
        self._wipe(self.world.machines[self.keeper])
        return True

    def back_up(self) -> bool:
        """A disk is replaced by a copy of what it was."""
        machine = self._any_host()
        machine.backup = machine.disk.copy()
        self.world.at(self.random.randrange(500, 5000), self._restore, machine, machine.place)
        return True

    def forget(self) -> bool:
        """The operator forgets a store that is no more, or in error one that lives."""
        truth, random = self.world.truth, self.random
        gone = sorted(truth.lost - truth.forgotten)
        machines = self.world.machines.values()
        in_error = sum(m.place in truth.forgotten for m in machines)
        if gone and random.random() < 0.7:
            place = gone[0]
        elif in_error < 2 and random.random() < 0.5:
            place = self._busy_host().place
        else:
            return False
        self.say_forget(random.choice([m for m in machines if m.id != place.host]), place)
        return True

    def forget_apart(self) -> bool:
        """A store that lives is forgotten in error. Who adopted a run there hears that late: of the
        store it hears no pings, of the others nothing; and it dies in between."""
        random, machines, truth = self.random, self.world.machines, self.world.truth
        lent = [
            (machines[b.run.host], b.place)
            for b in truth.branches.values()
            if b.until is None and machines[b.run.host].place == Place(*b.run.adopter) != b.place
        ]
        if not lent or any(m.place in truth.forgotten for m in machines.values()):
            return self.forget()
        adopter, place = random.choice(lent)
        others = [host for host in machines if host not in (adopter.id, place.host)]
        self.world.part({(host, adopter.id) for host in others}, {(place.host, adopter.id)})
        self.say_forget(machines[random.choice(others)], place)
        self.world.at(random.randrange(200, 3000), self._kill, adopter)
        return True

    def say_forget(self, machine: Machine, place: Place) -> None:
        """The operator tells one host that a store is gone."""
        self.world.truth.forgotten.add(place)
        self.world.note_amnesia()
        self.world.log(machine.id, "is told to forget", str(place))
        self._say(machine, Forget(host=place.host, store=place.store, force=True), [])

    def _say(self, machine: Machine, word: Input, answers: list[Reply]) -> None:
        """An operator says it again until it is answered."""
        if not answers:
            self.world.ask(machine, word, answers.append)
            self.world.at(AGAIN_MS, self._say, machine, word, answers)

    def drain(self) -> bool:
        """A host is to take no runs for a while."""
        machine = self._waiting_host() if self._lean.is_waiting else self._any_host()
        if machine.core is None:
            return False
        self.world.drain(machine, on=True)
        self.world.at(self.random.randrange(500, 12_000), self._undrain, machine)
        return True

    def free(self) -> bool:
        """The operator takes a resource from the run that holds it."""
        truth, keeper = self.world.truth, self.keeper
        tags = [tag for tag, held in truth.holders.items() if held and tag in ("db", "lab")]
        if keeper is None or self.world.machines[keeper].core is None or not tags:
            return False
        tag = self.random.choice(tags)
        run = truth.holders[tag][0].run
        truth.freed |= {(lease, run) for lease in ("db", "lab")}
        self.world.log(keeper, "is told to free", f"{tag} of {run.key}")
        self.world.machines[keeper].say(Free(tag=tag, run=run.key))
        return True

    def part(self) -> bool:
        """One host does not reach another, nor perhaps the other it; or one reaches nobody."""
        random, hosts = self.random, list(self.world.machines)
        one, other = random.sample(hosts, 2)
        cuts = {(one, other)}
        if random.random() < 0.5:
            cuts.add((other, one))
        if random.random() < 0.3:
            cuts |= {(one, h) for h in hosts} | {(h, one) for h in hosts}
        self.world.part(cuts)
        return True

    def pause(self) -> bool:
        """A hub stands still."""
        self.world.pause(self._any_host())
        return True

    def refuse(self) -> bool:
        """A disk takes nothing."""
        self._any_host().refusals = self.random.randrange(1, 4)
        return True

    def slip(self) -> bool:
        """A clock is set, by seconds or by a year, and a host believes it."""
        machine = self._any_host()
        by_ms = self.random.choice((-2000, 2000, 600_000, -HOUR_MS, -YEAR_MS, YEAR_MS))
        machine.set_clock(by_ms)
        self.world.log(machine.id, "has its clock set", f"{machine.skew_ms} ms off")
        return True

    def move_keeper(self) -> bool:
        """Every host gets another keeper in its config, one after another."""
        if self.keeper is None:
            return False
        hosts = list(self.world.machines)
        self.keeper = self.random.choice([h for h in hosts if h != self.keeper])
        self.world.log("", "the keeper is to be", self.keeper)
        for machine in self.world.machines.values():
            self.world.at(self.random.randrange(1, 2000), self._reconfigure, machine)
        return True

    def misname_keeper(self) -> bool:
        """The config of one host names a wrong keeper for a while."""
        if self.keeper is None:
            return False
        random, machines = self.random, self.world.machines
        host, wrong = random.sample([h for h in machines if h != self.keeper], 2)
        self._name_keeper(machines[host], wrong)
        self.world.at(random.randrange(500, 3000), self._reconfigure, machines[host])
        return True

    def heal(self) -> None:
        """Nothing goes wrong any more; the operator forgets what is gone."""
        world = self.world
        world.heal()
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
            self._say(machine, Drain(on=False), [])  # its hub may die of the first
            machine.turn_soon()
        for place in sorted(world.truth.lost):  # once more: who was told first may be gone too
            others = [m for m in world.machines.values() if m.id != place.host]
            self.say_forget(self.random.choice(others), place)

    @property
    def _hosts(self) -> list[Machine]:
        return list(self.world.machines.values())

    def _any_host(self) -> Machine:
        return self.random.choice(self._hosts)

    def _busy_host(self) -> Machine:
        """More often than not one that runs what others adopted, if there is any."""
        open_ = [b for b in self.world.truth.branches.values() if b.until is None]
        busy = [self.world.machines[b.place.host] for b in open_ if b.run.host != b.place.host]
        return self.random.choice(busy if busy and self.random.random() < 0.8 else self._hosts)

    def _waiting_host(self) -> Machine:
        """More often than not one with a run that may move, if there is any."""
        waiting = [
            machine
            for machine in self._hosts
            if machine.core is not None
            and any(
                run.store == machine.disk.store and may_move(run)
                for run in machine.core.table.runs.values()
            )
        ]
        return self.random.choice(
            waiting if waiting and self.random.random() < 0.8 else self._hosts
        )

    def _kill(self, machine: Machine) -> None:
        if machine.core is not None:
            machine.kill("kill -9")
            self.world.met[AT_REST] += 1
            self.world.reboot_later(machine)

    def _burn(self, machine: Machine, fuse: Fuse) -> None:
        """What a hub did not come to pass, it dies without."""
        if machine.fuse is fuse:
            self._kill(machine)

    def _wipe(self, machine: Machine) -> None:
        self.world.wipe(machine)
        self.world.reboot_later(machine)

    def _restore(self, machine: Machine, place: Place) -> None:
        if machine.backup is not None and machine.place == place and not self.world.heals:
            self.world.wipe(machine, machine.backup)
            self.world.reboot_later(machine)
        machine.backup = None

    def _undrain(self, machine: Machine) -> None:
        self.world.drain(machine, on=False)

    def _reconfigure(self, machine: Machine) -> None:
        if machine.settings.keeper != self.keeper:
            self._name_keeper(machine, self.keeper)

    def _name_keeper(self, machine: Machine, keeper: HostId | None) -> None:
        machine.settings = replace(machine.settings, keeper=keeper)
        machine.kill("it gets another config")
        self.world.reboot_later(machine)


Fault = Callable[[Faults], bool]
"""Returns whether it could be."""

KINDS: Final[tuple[tuple[Fault, int], ...]] = (
    (Faults.crash, 8),
    (Faults.fuse, 30),
    (Faults.power, 3),
    (Faults.wipe, 3),
    (Faults.wipe_keeper, 3),
    (Faults.back_up, 3),
    (Faults.forget, 6),
    (Faults.drain, 4),
    (Faults.free, 2),
    (Faults.part, 10),
    (Faults.pause, 4),
    (Faults.refuse, 3),
    (Faults.slip, 3),
    (Faults.move_keeper, 2),
    (Faults.misname_keeper, 0),
    (Faults.forget_apart, 0),
)
"""And how often each is in a trial; 0: only in those that lean to it."""

_FAULTS: Final = [fault for fault, _ in KINDS]


def _name(fault: Fault) -> str:
    return fault.__name__
