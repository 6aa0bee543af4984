"""Some of what scripts/fuzz sends for an hour: requests of fixed seeds at a real host."""

from collections.abc import Iterator

import pytest

from tests.fuzz.target import Target, target
from tests.fuzz.trial import ROUND, Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with target(tmp_path_factory.mktemp("fuzz")) as at:
        yield at


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_hostile_requests_are_answered_rightly_and_soon(seed: int, at: Target) -> None:
    trial = Trial(at, seed, print)

    trial.round(range(2 * ROUND))

    assert trial.tally.faults == []
