"""A short storm over three real hosts; scripts/chaos has long ones."""

from pathlib import Path

import pytest

from tests.acceptance.cluster import clustered
from tests.acceptance.cluster_faults import Fault
from tests.acceptance.cluster_storm import Storm
from tests.acceptance.product import DEADLINE_S

FAULTS = [
    Fault(0.5, 2.0, "kill", ("h2",)),
    Fault(1.5, 4.0, "part", ("h1", "h3")),
    Fault(3.0, 5.0, "freeze", ("h1",)),
    Fault(4.5, 6.0, "double", ("h2", "h3")),
    Fault(5.5, 7.0, "kill", ("h1",)),
]
SECONDS = 7.0
RUNS = 40


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_cluster_in_a_storm_starts_each_run_once_on_the_right_host(tmp_path: Path) -> None:
    with clustered(tmp_path / "cluster") as (cluster, proxies):
        storm = Storm(cluster, proxies, seed=1, say=print)

        tally = storm.rage(RUNS, FAULTS, SECONDS, settle_s=DEADLINE_S)

    assert tally.complaints == [], tally
