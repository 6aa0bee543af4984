"""The take of outside work, simulated: its rules hold, and each of them is needed."""

from typing import Final

import pytest

from tests.sim.take import BUGS, play

FIRST: Final = {
    "taken-work-is-offered": 1,
    "void-take-takes-again": 14,
    "refusal-is-not-final": 109,
    "take-is-no-promise": 3,
    "answer-is-no-promise": 31,
    "giving-back-is-sent-once": 97,
    "given-up-take-is-kept": 2,
    "any-taker-may-answer": 13,
    "named-take-is-new": 3,
    "late-answer-gives-back": 1,
}
"""The first seed that shows a bug."""


@pytest.mark.slow
def test_no_trial_breaks_a_rule_of_takes() -> None:
    broken = {seed: found for seed in range(1, 101) if (found := play(seed)[0])}

    assert broken == {}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_hosts_without_a_rule_of_takes_break(bug: str) -> None:
    assert play(FIRST[bug], bug)[0] != ""
