"""The simulated cluster with child runs: no seed of these trials breaks an invariant."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Final

import pytest

from tests.sim.bug import Bug
from tests.sim.bugs import CHILDREN, RESTARTS
from tests.sim.flows import SPREAD
from tests.sim.trial import trial

SOUND = Bug(breaks=(), seeds=range(0), at_work=nullcontext, lean=CHILDREN)
"""No bug, and many flows with child runs."""


OF_ITEMS: Final = replace(CHILDREN, flows=(SPREAD,) * 3)

FREED_IN_ONE_APPEND: Final = (62, 137, 263, 293)
"""Seeds where one append frees the slot of a parent that waits, or ends a child and its parent."""


@pytest.mark.slow
def test_append_with_a_child_is_one_moment() -> None:
    verdicts = [trial(seed, bug=SOUND) for seed in FREED_IN_ONE_APPEND]

    assert {v.seed: v.broken for v in verdicts if v.broken} == {}


@pytest.mark.slow
def test_no_invariant_is_broken_by_a_child_for_each_item() -> None:
    items = Bug(breaks=(), seeds=range(0), at_work=nullcontext, lean=OF_ITEMS)

    verdicts = [trial(seed, bug=items) for seed in range(1, 31)]

    assert {v.seed: v.broken for v in verdicts if v.broken} == {}


@pytest.mark.slow
def test_no_invariant_is_broken_by_parents_that_start_again() -> None:
    restarts = Bug(breaks=(), seeds=range(0), at_work=nullcontext, lean=RESTARTS)

    verdicts = [trial(seed, bug=restarts) for seed in range(1, 31)]

    assert {v.seed: v.broken for v in verdicts if v.broken} == {}


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, 41)[::10])
def test_no_invariant_of_child_runs_is_broken(first: int) -> None:
    verdicts = [trial(seed, bug=SOUND) for seed in range(first, first + 10)]

    assert {v.seed: v.broken for v in verdicts if v.broken} == {}
