"""One trial: a cluster, its runs and its faults from one seed, then a quiet end.

In the quiet end everything heals: hosts are up, the network is calm, the operator forgets the
stores that are no more. Then each run must end, or wait on a thing it names.
"""

import time
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from random import Random
from typing import Final

from floe.host.rerun_plan import RerunRequest
from floe.host.site import SiteSettings
from floe.model.ids import FlowId, HostId, RunRef
from floe.model.keep import Keep
from tests.make import NOW
from tests.sim import invariants
from tests.sim.bug import Bug
from tests.sim.faults import LEAN, SWARM, Faults
from tests.sim.flows import CHILD_FLOWS, KINDS, MOVING_FLOWS
from tests.sim.machine import REST_MS, Machine
from tests.sim.mishaps import LEANS, MISHAPS, MOVES, MOVES_LEAN, Lean, Mishap, aim_of, text_of
from tests.sim.network import Weather
from tests.sim.removal import prune
from tests.sim.reruns import start_again
from tests.sim.truth import Broken, Place
from tests.sim.world import Line, World

STORM_MS: Final = 12_000
"""Triggers and faults fall into this."""

QUIET_MS: Final = 10_000
"""After the last fault, each run ends, goes on or says what it waits for within this."""

END_MS: Final = 90_000
"""After the last fault, each run that nothing holds up has ended within this."""

WAITING_MS: Final = 5000
"""People answer within this, where runs are to wait long."""

LOOK_MS: Final = 500

CLIENT_MS: Final = 700
CLIENT_TRIES: Final = 30

KEEPS: Final = (
    Keep(runs=1),
    Keep(runs=2),
    Keep(runs=4, workspaces="failed"),
    Keep(workspaces="none"),
    Keep(age_s=1.0),
)
"""What hosts keep of ended runs; by turns, as if the config was changed."""

RUNS_MIN: Final = 20
FAULTS_MIN: Final = 10


@dataclass(slots=True)
class Verdict:
    """What became of a trial."""

    seed: int
    broken: str = ""
    """The invariant that does not hold and how; empty where all do."""
    story: list[Line] = field(default_factory=list)
    met: Counter[Mishap] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    hosts: int = 0
    runs: int = 0
    virtual_s: float = 0.0
    cpu_s: float = 0.0


def trial(
    seed: int, *, bug: Bug | None = None, moves: bool = False, story: bool = False
) -> Verdict:
    """Play one seed, with a bug in the hub if one is given; equal seeds give equal stories.

    `moves`: play runs that move above all.
    """
    begun = time.process_time()
    lean, aims = (MOVES_LEAN, MOVES) if moves else (None, MISHAPS)
    play = Trial(seed, (bug.lean if bug else None) or lean, aims, story=story)
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
        world.log("", "BROKEN" if verdict.broken else "over", verdict.broken)
        verdict.story = world.story
    verdict.met = world.met
    verdict.faults = play.faults.counts
    verdict.hosts = len(world.machines)
    verdict.runs = len(world.truth.accepted)
    verdict.virtual_s = (world.now - NOW) / 1000
    verdict.cpu_s = time.process_time() - begun
    return verdict


class Trial:
    """A seed's plan, carried out."""

    def __init__(
        self,
        seed: int,
        lean: Lean | None = None,
        aims: Sequence[Mishap] = MISHAPS,
        *,
        story: bool,
    ) -> None:
        """`lean`: what there is much of; None for what leads to the mishap it is aimed at.

        With a lean it plays child runs, and flows whose runs move, only if that favours them.
        """
        random = self.random = Random(seed)
        self._has_bucket = seed % 2 == 1
        self.world = World(random, story=story)
        self.aim = aim_of(seed, aims)
        self._is_bent = lean is not None
        self._lean = lean or LEANS.get(self.aim[1], Lean())
        self._hosts = [HostId(f"h{n}") for n in range(1, random.choice((3, 3, 3, 3, 4, 5)) + 1)]
        keeper = None if random.random() < 0.06 else self._hosts[0]
        self.faults = Faults(self.world, keeper, self._lean)
        self._answered: set[int | str] = set()

    def run(self) -> None:
        """The storm and the quiet end. Raises Broken."""
        world = self.world
        self._switch_on()
        self._plan()
        world.run_until(NOW + STORM_MS)
        self.faults.heal()
        healed = world.now
        invariants.copies_are_prefixes(world.disks())
        world.run_until(healed + QUIET_MS, self._is_over_now)
        invariants.every_run_says_why(world)
        while not invariants.is_over(world) and world.now < healed + END_MS:
            world.run_until(world.now + LOOK_MS)
        invariants.check_end(world)

    def _switch_on(self) -> None:
        random, hosts = self.random, self._hosts
        arm = random.choice(hosts)
        linux = {random.choice(hosts), random.choice(hosts)}
        if self._lean.is_waiting:  # whichever host is drained, there is a different one
            linux = {*hosts[-2:], *linux}
            self.world.people_ms = WAITING_MS
        bad_clock = random.choice(hosts) if random.random() < 0.2 else None
        for host in hosts:
            tags = {t for t, having in (("arm", {arm}), ("linux", linux)) if host in having}
            settings = SiteSettings(
                id=host,
                tags=frozenset(tags),
                slots=random.randrange(2, 9),
                workspace_root="/w",
                peers=len(hosts) - 1,
                keeper=self.faults.keeper,
                packs_at_end=not self._has_bucket,
                rest_ms=REST_MS,
            )
            skew_ms = random.randrange(-300, 300)
            if host == bad_clock:
                skew_ms = random.choice((-600_000, 600_000))
            if self._lean.is_ahead and host == self.faults.keeper:
                skew_ms = 600_000
            self.world.add(settings, skew_ms)

    def _plan(self) -> None:
        random, world, lean = self.random, self.world, self._lean
        world.log("", "is aimed at", text_of(self.aim))
        world.network.weather = Weather(
            loss=0.2 if lean.is_late else random.choice((0.0, 0.05, 0.2)),
            double=0.3 if lean.is_late else random.choice((0.0, 0.05, 0.3)),
            late=0.3 if lean.is_late else random.choice((0.0, 0.05, 0.3)),
            delay_ms=random.choice((3, 20, 60)),
        )
        world.slow = 0.9 if lean.is_slow else world.slow
        world.luck = 0.4 if lean.is_unlucky else world.luck
        world.at(random.randrange(STORM_MS // 4), self.faults.aim, self.aim)
        flows = [k.flow.id for k in KINDS]
        later = (*CHILD_FLOWS, *MOVING_FLOWS)
        played = [kind for kind in KINDS if not (self._is_bent and kind.flow.id in later)]
        mixed = {kind.flow.id: kind.weight * random.choice(SWARM) for kind in played}
        weights = [mixed.get(flow, 0) + LEAN * (flow in lean.flows) for flow in flows]
        weights[0] += 1
        burst = random.randrange(200, STORM_MS - 2000)
        for n in range(RUNS_MIN + random.randrange(0, 6)):
            at = burst + n if n % 3 == 0 else random.randrange(100, STORM_MS - 1500)
            flow = random.choices(flows, weights)[0]
            world.at(at, self._trigger, n, self._any_host(), flow, 0)
        for _ in range(random.randrange(2, 7) + lean.cancels):
            world.at(random.randrange(300, STORM_MS - 300), self._cancel)
        for _ in range(4 + lean.prunes):
            world.at(random.randrange(2000, STORM_MS), self._prune)
        for n in range(random.randrange(2, 7) + lean.reruns):
            world.at(random.randrange(2000, STORM_MS - 500), self._rerun, f"r{n}")
        for _ in range(FAULTS_MIN + random.randrange(0, 5)):
            world.at(random.randrange(200, STORM_MS - 500), self.faults.strike)

    def _trigger(self, number: int, machine: Machine, flow: FlowId, tries: int) -> None:
        """A client that asks again, under one key, until it is answered."""
        if number in self._answered or tries > CLIENT_TRIES:
            return
        self.world.trigger(machine, flow, number, lambda: self._answered.add(number))
        delay = CLIENT_MS if self.random.random() > 0.1 else 2
        self.world.at(delay, self._trigger, number, machine, flow, tries + 1)

    def _cancel(self) -> None:
        world, random = self.world, self.random
        runs = [ref for ref in world.truth.accepted if Place(*ref.adopter) not in world.truth.lost]
        if not runs:
            return
        # The newest are the ones that are being handed over.
        ref = runs[-1] if random.random() < 0.4 else random.choice(runs)
        asked = ref.host
        at = [b for b in world.truth.branches.values() if b.run == ref and b.until is None]
        if at and random.random() < 0.3:
            asked = at[-1].place.host
        world.cancel(world.machines[asked], ref)

    def _prune(self) -> None:
        """A host removes what it does not keep, as it does every minute."""
        machine = self._any_host()
        if machine.core is not None:
            prune(machine, self.random.choice(KEEPS))

    def _rerun(self, once: str) -> None:
        """Somebody starts again a run that ended, more often than not one that ended just now."""
        world, random = self.world, self.random
        ended = list(world.truth.ended)
        if not ended:
            world.at(CLIENT_MS, self._rerun, once)
            return
        key = random.choice(ended[-6:] if random.random() < 0.6 else ended)
        old = world.truth.ended[key][-1]
        kind = random.choice(("all", "failed", "from"))
        node = random.choice(sorted(old.nodes) or ["build"]) if kind == "from" else ""
        again = RerunRequest(
            node=node,
            failed=kind == "failed",
            values={},
            same_host=random.random() < 0.2,
            by=once,
        )
        self._ask_again(self._any_host(), old.ref, again, once, 0)

    def _ask_again(
        self, machine: Machine, ref: RunRef, again: RerunRequest, once: str, tries: int
    ) -> None:
        """A client that asks again, under one key, until it is answered."""
        if once in self._answered or tries > CLIENT_TRIES:
            return
        start_again(self.world, machine, ref, again, once, lambda: self._answered.add(once))
        delay = CLIENT_MS if self.random.random() > 0.1 else 2
        self.world.at(delay, self._ask_again, machine, ref, again, once, tries + 1)

    def _is_over_now(self) -> bool:
        return self.world.now % 16 == 0 and invariants.is_over(self.world)

    def _any_host(self) -> Machine:
        return self.random.choice(list(self.world.machines.values()))
