"""Short storms over two real hosts and their packs; scripts/chaos has long ones."""

from pathlib import Path

import pytest

from tests.acceptance.cluster import clustered
from tests.acceptance.flyte_storm import HOSTS, PAUSE_S, Storm
from tests.acceptance.journal_storm import JournalStorm

SECONDS = 10.0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_action_is_taken_once_while_hosts_and_packs_are_killed(tmp_path: Path) -> None:
    with clustered(tmp_path / "cluster", tags=HOSTS) as (cluster, _):
        tally = Storm(cluster, tmp_path, seed=1, say=print).rage(SECONDS, PAUSE_S)

    assert tally.complaints == [], tally
    assert tally.hosts_killed, tally
    assert tally.packs_killed, tally


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_action_that_began_ends_while_packs_with_journals_and_hosts_are_killed(
    tmp_path: Path,
) -> None:
    with clustered(tmp_path / "cluster", tags=HOSTS) as (cluster, _):
        tally = JournalStorm(cluster, tmp_path, seed=2, say=print).rage(SECONDS, PAUSE_S)

    assert tally.complaints == [], tally
    assert tally.hosts_killed, tally
    assert tally.packs_killed, tally
