"""Children of judged runs, on real cores: their rules hold, and each of them is needed."""

from typing import Final

import pytest

from tests.sim.judged_children import BUGS, play

FIRST: Final = {
    "child-is-opened-again": 1,
    "rows-are-no-news": 5,
    "children-here-are-no-news": 5,
    "children-are-not-read-at-arrival": 5,
    "update-is-confirmed-before-the-disk-has-it": 1,
    "update-wakes-again": 2,
    "same-news-counts-again": 1,
    "lost-child-is-no-news": 10034,
    "end-at-a-forgotten-host-is-news": 132,
}
"""The first seed that shows a bug."""


@pytest.mark.slow
def test_no_trial_breaks_a_rule_of_judged_children() -> None:
    broken = {seed: found for seed in range(1, 101) if (found := play(seed)[0])}

    assert broken == {}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_rule_of_judged_children_is_needed(bug: str) -> None:
    assert play(FIRST[bug], bug)[0] != ""
