"""Plays trials of flyte's exchange."""

import sys
from collections import Counter
from functools import partial

import structlog

from tests.sim import exchange
from tests.sim.exchange.bugs import BUGS, with_bug
from tests.sim.exchange.names import names_from
from tests.sim.exchange.world import World
from tests.sim.model_command import play_many
from tests.sim.truth import Broken


def play(seed: int, bug: str = "", *, story: bool = False) -> tuple[str, Counter[str]]:
    """A trial: the invariant that it breaks, empty for none, and what happened how often."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with names_from(seed), with_bug(bug):
        world = World(seed, story=story)
        try:
            world.play()
        except Broken as broken:
            return str(broken), world.truth.counts
    return "", world.truth.counts


if __name__ == "__main__":
    sys.exit(play_many(exchange.__doc__, play, BUGS, partial(play, story=True)))
