"""Judged runs under faults: the invariants hold, and each deliberate bug breaks one."""

from typing import Final

import pytest

from tests.sim.judge import play
from tests.sim.judge_bugs import BUGS

FIRST: Final = {
    "late-answer": 2,
    "later-attempts": 1,
    "update-again": 113,
    "update-during-pass": 113,
    "twice-a-pass": 16,
    "pass-in-pass": 2,
    "action-again": 4,
    "lost-again": 3,
    "no-limit": 7,
    "one-fatal-state": 7,
    "unjudged-again": 1,
    "recheck-again": 3,
    "waiting-items-run": 11,
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
