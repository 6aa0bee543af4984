"""A hub dies at each point that a re-run, a limit or a removal passes: it happens exactly once.

The points are those that the same story passes when nobody dies, so a new one is tried by itself.
"""

from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Final

import pytest

from floe.host.rerun_plan import RerunRequest
from floe.host.site import SiteSettings
from floe.model.ids import FlowId, HostId, RunRef
from floe.model.keep import Keep
from tests.sim import invariants
from tests.sim.machine import Fuse, Machine
from tests.sim.mishaps import Mishap
from tests.sim.network import Weather
from tests.sim.removal import prune
from tests.sim.reruns import start_again
from tests.sim.world import World

HOSTS: Final = tuple(HostId(f"h{n}") for n in (1, 2, 3))
MEET_MS: Final = 3000
AGAIN_MS: Final = 100
LONG_MS: Final = 60_000
CHAIN: Final = FlowId("chain")

Story = Callable[[World, Fuse], None]
"""Lights the fuse where what it is about begins."""


class Tally(Fuse):
    """Kills nobody, and notes the points that are passed."""

    def __init__(self) -> None:
        super().__init__(None)
        self.passed: dict[Mishap, None] = {}

    def burns(self, when: str, names: Iterable[str]) -> Mishap | None:
        self.passed |= dict.fromkeys((when, name) for name in names)
        return None


def a_world() -> World:
    """Three hosts that have met, in calm weather; h1 is the keeper."""
    world = World(Random(1))
    world.luck, world.slow, world.heals = 1.0, 0.0, True
    world.network.weather = Weather()
    for host in HOSTS:
        settings = SiteSettings(
            id=host,
            tags=frozenset(),
            slots=4,
            workspace_root="/w",
            peers=len(HOSTS) - 1,
            keeper=HOSTS[0],
            packs_at_end=True,
        )
        world.add(settings, 0)
    world.run_until(world.now + MEET_MS)
    return world


def insist(world: World, ask: Callable[[Callable[[], None]], None]) -> None:
    """Ask until there is an answer."""
    answered: list[bool] = []

    def again() -> None:
        if not answered:
            ask(lambda: answered.append(True))
            world.at(AGAIN_MS, again)

    again()
    until = world.now + LONG_MS
    while not answered and world.now < until:
        world.run_until(world.now + 1)


def started(world: World, host: HostId, flow: FlowId, number: int) -> None:
    """Request a run of a flow."""
    insist(world, partial(world.trigger, world.machines[host], flow, number))


def played(world: World) -> None:
    """Let all that was requested come to its end."""
    until = world.now + LONG_MS
    while not invariants.is_over(world) and world.now < until:
        world.run_until(world.now + AGAIN_MS)
    world.run_until(world.now + 2 * AGAIN_MS)
    invariants.check_end(world)


def rerun(
    world: World, fuse: Fuse, *, node: str = "", failed: bool = False, is_away: bool = False
) -> None:
    """Start a run again, on its host or on a different one."""
    world.luck = 0.0 if failed else 1.0
    started(world, HOSTS[1], CHAIN, 1)
    played(world)
    [old] = world.truth.accepted
    world.luck = 1.0
    holder = world.machines[world.truth.ended[old.key][-1].host or old.host]
    if is_away:
        world.drain(holder, on=True)
        world.run_until(world.now + AGAIN_MS)
    world.fuse = fuse
    again = RerunRequest(node=node, failed=failed, values={}, by="second")
    asked = world.machines[HOSTS[2]]
    insist(
        world,
        lambda answered: start_again(world, asked, old, again, "second", answered),
    )
    played(world)
    [new] = world.truth.accepted.keys() - {old}
    _check_workspace(world, holder, old, new, is_away=is_away)


def _check_workspace(
    world: World, holder: Machine, old: RunRef, new: RunRef, *, is_away: bool
) -> None:
    made_by = holder.spaces.made_by
    at = world.machines[world.truth.ended[new.key][-1].host or new.host]
    assert (f"/w/spaces/{CHAIN}/ws/{old.key}" in made_by) == is_away
    assert at.spaces.made_by[f"/w/spaces/{CHAIN}/ws/{new.key}"] == (new if is_away else old)
    assert (at is holder) != is_away


def limited(world: World, fuse: Fuse, *, flow: str) -> None:
    """Request more runs than a limit allows at once."""
    world.fuse = fuse
    for n in range(4):
        started(world, HOSTS[n % 3], FlowId(flow), n)
    played(world)
    assert len(world.truth.accepted) == 4


def removed(world: World, fuse: Fuse) -> None:
    """Remove the older of two runs."""
    for number in (1, 2):
        started(world, HOSTS[1], CHAIN, number)
        played(world)
    older, newer = sorted(world.truth.accepted)
    world.fuse = fuse
    for _ in range(20):
        for machine in world.machines.values():
            if machine.core is not None:
                prune(machine, Keep(runs=1))
        world.run_until(world.now + 5 * AGAIN_MS)
    played(world)
    listed = {ref for machine in world.machines.values() for ref in machine.disk.rows}
    assert (older in listed, newer in listed) == (False, True)


STORIES: Final[dict[str, Story]] = {
    "whole": rerun,
    "whole, away": partial(rerun, is_away=True),
    "from": partial(rerun, node="test"),
    "from, away": partial(rerun, node="test", is_away=True),
    "failed": partial(rerun, failed=True),
    "failed, away": partial(rerun, failed=True, is_away=True),
    "queue": partial(limited, flow="pair"),
    "skip": partial(limited, flow="skip"),
    "cancel-older": partial(limited, flow="newest"),
    "removal": removed,
}


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_story_is_whole_wherever_a_hub_dies(story: Story) -> None:
    tally = Tally()
    told(story, tally)

    unreached = [point for point in tally.passed if not told(story, Fuse(point))]

    assert tally.passed
    assert unreached == []


def told(story: Story, fuse: Fuse) -> bool:
    """Tell a story; whether a hub died at the point of the fuse."""
    world = a_world()
    try:
        story(world, fuse)
    except AssertionError as error:
        raise AssertionError(f"{fuse.point}: {error}") from error
    return world.fuse is None
