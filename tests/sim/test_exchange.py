"""Flyte's exchange, simulated: its rules hold, and each of them is needed."""

from collections.abc import Iterator
from typing import Final

import pytest
import structlog

from floe.server.flyte import packs
from floe.server.flyte.site import TOGETHER
from tests.sim.exchange.__main__ import play
from tests.sim.exchange.bugs import BUGS
from tests.sim.exchange.tasks import Call
from tests.sim.exchange.world import World

FIRST: Final = {
    "unknown-pack-is-404": 1,
    "keeper-away-is-404": 30,
    "unknown-store-is-404": 1,
    "labels-do-not-count": 1,
    "gone-taker-keeps-action": 1,
    "gone-taker-is-not-seen": 1,
    "taken-action-is-offered": 2,
    "take-is-no-promise": 30,
    "giving-back-is-sent-once": 35,
    "given-up-take-is-kept": 1,
    "event-is-no-promise": 11,
    "result-is-no-promise": 29,
    "row-stays": 2,
    "result-is-no-event": 1,
    "late-result-is-an-event": 1,
}
"""The first seed that shows a bug."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.slow
def test_no_trial_breaks_a_rule_of_the_exchange() -> None:
    broken = {seed: found for seed in range(1, 61) if (found := play(seed)[0])}

    assert broken == {}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_hosts_without_a_rule_of_the_exchange_break(bug: str) -> None:
    assert play(FIRST[bug], bug)[0] != ""


def test_keeper_removes_no_pack_while_a_host_is_away_that_may_have_seen_it() -> None:
    world = World(1)
    h1, h2 = world.servers["h1"], world.servers["h2"]
    world.run(world.now + 8_000)
    world.ask_at(h1, packs.register, Call(b'{"name": "P"}'), lambda status, body: None)
    world.run(world.now + 20_000)

    def after_minutes() -> list[str]:
        for _ in range(TOGETHER):
            h1.begin(h1.site.note_minute(5), lambda result: None)
            world.run(world.now + 1_000)
        return [row.name for row in h1.site.packs.all()]

    h2.stop(power=False)
    world.run(world.now + 20_000)
    while_away = after_minutes()
    h2.start()
    world.run(world.now + 5_000)

    assert (while_away, after_minutes()) == (["P"], [])
