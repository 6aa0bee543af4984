"""The event inbox, simulated: its rules hold, and each of them is needed."""

from typing import Final

import pytest

from tests.sim.inbox import BUGS, play

FIRST: Final = {"event-is-no-promise": 6}
"""The first seed that shows a bug; 1 for the others."""


@pytest.mark.slow
def test_no_trial_breaks_a_rule_of_the_event_inbox() -> None:
    broken = {seed: found for seed in range(1, 51) if (found := play(seed)[0])}

    assert broken == {}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_hosts_without_a_rule_of_the_event_inbox_break(bug: str) -> None:
    assert play(FIRST.get(bug, 1), bug)[0] != ""
