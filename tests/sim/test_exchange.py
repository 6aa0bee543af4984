"""Flyte's exchange, simulated: its rules hold, and each of them is needed."""

from collections.abc import Iterator
from typing import Final

import pytest
import structlog

from tests.sim.exchange.__main__ import play
from tests.sim.exchange.bugs import BUGS

FIRST: Final = {
    "unknown-pack-is-404": 1,
    "keeper-away-is-404": 30,
    "unknown-store-is-404": 1,
    "labels-do-not-count": 1,
    "gone-taker-keeps-action": 1,
    "gone-taker-is-not-seen": 1,
    "taken-action-is-offered": 2,
    "take-is-no-promise": 30,
    "giving-back-is-sent-once": 35,
    "given-up-take-is-kept": 1,
    "event-is-no-promise": 11,
    "result-is-no-promise": 29,
    "row-stays": 2,
    "result-is-no-event": 1,
    "late-result-is-an-event": 1,
}
"""The first seed that shows a bug."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.slow
def test_no_trial_breaks_a_rule_of_the_exchange() -> None:
    broken = {seed: found for seed in range(1, 61) if (found := play(seed)[0])}

    assert broken == {}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_hosts_without_a_rule_of_the_exchange_break(bug: str) -> None:
    assert play(FIRST[bug], bug)[0] != ""
