"""Judged runs that move, on real cores: their rules hold, and each of them is needed."""

from typing import Final

import pytest

from tests.sim.judged_moves import BUGS, play

FIRST: Final = {
    "nothing-crashes": 7,
    "granted-run-stays": 29,
    "lost-host-goes-on": 1,
    "answer-of-any-epoch": 44,
    "rest-is-reported-before-the-disk-has-it": 720,
    "sleeper-of-a-forgotten-host-goes-on": 21,
}
"""The first seed that shows a bug."""


@pytest.mark.slow
def test_no_trial_breaks_a_rule_of_judged_runs_that_move() -> None:
    broken = {seed: found for seed in range(1, 101) if (found := play(seed)[0])}

    assert broken == {}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_rule_of_judged_runs_that_move_is_needed(bug: str) -> None:
    assert play(FIRST[bug], bug)[0] != ""
