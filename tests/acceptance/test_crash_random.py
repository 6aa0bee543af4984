"""A host under load that is killed at random moments; `scripts/chaos` does more of it."""

import sys
from pathlib import Path

import pytest

from tests.acceptance.storm import Storm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DEATHS = 10


def test_nothing_is_lost_and_nothing_happens_twice(tmp_path: Path) -> None:
    tally = Storm(tmp_path, seed=1).rage(DEATHS)

    sys.stdout.write(f"{tally}\n")

    assert tally.complaints == []
    assert tally.killed
    assert tally.runs
