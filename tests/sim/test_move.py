"""The model of runs that rest and move: its rules hold, and each of them is needed."""

from typing import Final

import pytest

from tests.sim.move import BUGS, play

FIRST: Final = {
    "no-floor": 372,
    "floor-falls": 19888,
    "refused-after-return": 1234,
    "deleted-before-the-ack": 34,
    "return-without-facts": 33,
    "silence-is-a-return": 2,
    "returned-run-is-taken-back": 1492,
    "returned-run-goes-on": 292,
    "nothing-crashes": 19,
    "begun-steps-crash": 19,
    "start-is-no-promise": 18,
    "update-without-pen": 1,
    "update-acked-at-once": 5,
    "update-counts-twice": 1,
    "update-forgotten-by-sender": 1,
    "rested-is-sent-once": 2,
    "answer-of-any-epoch": 372,
}
"""The first seed that shows a bug."""


@pytest.mark.slow
def test_no_trial_breaks_a_rule_of_rest_and_move() -> None:
    broken = {seed: found for seed in range(1, 101) if (found := play(seed)[0])}

    assert broken == {}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_model_without_a_rule_breaks(bug: str) -> None:
    assert play(FIRST[bug], bug)[0] != ""
