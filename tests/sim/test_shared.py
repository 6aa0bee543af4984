"""Shared rows, simulated: their rules hold, and each of them is needed."""

from typing import Final

import pytest

from tests.sim.shared import play

FIRST: Final = {
    "new-keeper-opens-at-once": 70,
    "closed-keeper-writes": 8,
    "rows-go-to-hosts-with-rows-of-their-own": 10,
    "any-keeper-is-believed": 2908,
    "higher-number-wins": 396,
    "deletions-are-not-inferred": 3,
    "requests-are-not-remembered": 3,
    "answer-before-the-copy": 1,
    "whole-copy-adds-only": 1,
    "forgotten-deletions-are-not-noted": 1,
    "earlier-sequences-are-not-noted": 1,
    "collected-hosts-are-not-noted": 1,
}
"""The first seed that shows a bug."""


@pytest.mark.slow
def test_no_trial_breaks_a_rule_of_shared_rows() -> None:
    broken = {seed: found for seed in range(1, 101) if (found := play(seed)[0])}

    assert broken == {}


@pytest.mark.slow
@pytest.mark.parametrize("bug", FIRST)
def test_hosts_without_a_rule_of_shared_rows_break(bug: str) -> None:
    seed = FIRST[bug]

    assert play(seed)[0] == ""
    assert play(seed, bug)[0] != ""
