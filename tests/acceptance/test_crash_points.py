"""`kill -9` of the host at every point of a step: nothing is lost, nothing happens twice."""

import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.crash_host import ACTS, POINTS
from tests.acceptance.trial import RUNNING, Death, Trial, Verdict, serving, table

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

AT_ONCE = 3


@pytest.fixture(scope="module")
def alive(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """The same runs on a host that nobody kills."""
    with serving() as served:
        return Trial(tmp_path_factory.mktemp("alive") / "trial", served, []).judge()


@pytest.fixture(scope="module")
def verdicts(
    alive: Verdict, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Verdict]]:
    """For each act, what became of runs whose host died before it and, started again, after it."""
    folder = tmp_path_factory.mktemp("dead")

    def judged(act: str) -> Verdict:
        # Early: so that the next host passes it too, and one that joins acts reaches it.
        early = alive.passed[f"before {act}"] // 4
        deaths = [Death(f"before {act}", max(early, 1)), Death(f"after {act}")]
        if act.startswith(("find", "sweep")):
            deaths.insert(0, RUNNING)
        return Trial(folder / act.replace(" ", "-"), served, deaths).judge()

    with serving() as served, ThreadPoolExecutor(AT_ONCE) as pool:
        yield dict(zip(ACTS, pool.map(judged, ACTS), strict=True))


def test_runs_end_as_they_must_on_a_host_that_lives(alive: Verdict) -> None:
    assert alive.complaints == []


def test_no_point_is_passed_that_has_no_name(alive: Verdict) -> None:
    assert set(alive.passed) <= set(POINTS)


@pytest.mark.parametrize("act", ACTS)
def test_host_killed_before_and_after(act: str, verdicts: dict[str, Verdict]) -> None:
    assert verdicts[act].complaints == []
    assert verdicts[act].unreached == []


def test_host_was_killed_at_every_point(verdicts: dict[str, Verdict]) -> None:
    died = Counter(point for verdict in verdicts.values() for point in verdict.died)
    passed = sum((verdict.passed for verdict in verdicts.values()), Counter())

    sys.stdout.write(table(POINTS, passed, died))

    assert [point for point in POINTS if not died[point]] == []
