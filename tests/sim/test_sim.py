"""The simulated cluster: no seed breaks an invariant, each bug does, and a seed tells one story."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.bugs import BUGS, Bug
from tests.sim.report import story_of
from tests.sim.trial import FAULTS_MIN, RUNS_MIN, trial

ROOT = Path(__file__).parents[2]

SEEDS = range(1, 201)

KEPT = {1539: "a refusal that was said again counted for what the host had become since"}
"""Seeds that once broke an invariant."""


@pytest.mark.slow
@pytest.mark.parametrize("first", SEEDS[::25])
def test_no_invariant_is_broken(first: int) -> None:
    verdicts = [trial(seed) for seed in range(first, first + 25)]

    assert {v.seed: v.broken for v in verdicts if v.broken} == {}


@pytest.mark.parametrize("seed", KEPT, ids=KEPT.values())
def test_what_was_broken_once_stays_mended(seed: int) -> None:
    assert trial(seed).broken == ""


def test_trial_has_its_hosts_runs_and_faults() -> None:
    verdicts = [trial(seed) for seed in range(1, 6)]

    assert min(v.hosts for v in verdicts) >= 3
    assert min(v.runs for v in verdicts) >= RUNS_MIN
    assert min(v.faults.total() for v in verdicts) >= FAULTS_MIN


def test_seed_tells_one_story() -> None:
    assert story_of(trial(7, story=True)) == story_of(trial(7, story=True))


@pytest.mark.slow
def test_story_does_not_depend_on_the_order_of_sets() -> None:
    told = {_told("1"), _told("2")}

    assert len(told) == 1


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS.keys())
def test_bug_is_caught(bug: Bug) -> None:
    verdicts = (trial(seed, bug=bug) for seed in bug.seeds)
    caught = next((v.broken for v in verdicts if v.broken), "")

    assert caught.startswith(bug.breaks)


def _told(hash_seed: str) -> str:
    told = subprocess.run(
        [sys.executable, "-m", "tests.sim", "--seed", "3"],
        cwd=ROOT,
        env={"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout
