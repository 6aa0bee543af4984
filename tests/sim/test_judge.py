"""Judged runs under faults: the invariants hold, and each deliberate bug breaks one."""

from typing import Final

import pytest

from tests.sim.judge import play
from tests.sim.judge_bugs import BUGS

FIRST: Final = {
    "late-answer": 5,
    "later-attempts": 1,
    "update-again": 23,
    "update-during-pass": 159,
    "twice-a-pass": 2,
    "pass-in-pass": 2,
    "action-again": 2,
    "lost-again": 1,
    "no-limit": 3,
    "one-fatal-state": 3,
    "unjudged-again": 1,
    "recheck-again": 3,
    "waiting-items-run": 30,
    "paused-wakes": 145,
    "pause-enters": 3,
    "stale-index": 96,
}
"""The first seed that shows a bug."""


@pytest.mark.slow
def test_no_trial_breaks_a_rule_of_judged_runs() -> None:
    broken = {seed: found for seed in range(1, 101) if (found := play(seed)[0])}

    assert broken == {}


@pytest.mark.parametrize("bug", BUGS)
def test_kernel_with_a_bug_breaks_an_invariant(bug: str) -> None:
    assert play(FIRST[bug], bug)[0] != ""
