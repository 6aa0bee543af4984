"""The simulated cluster: no seed breaks an invariant, each bug does, and a seed tells one story."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim import faults as faults_module
from tests.sim.bug import Bug
from tests.sim.bugs import BUGS
from tests.sim.flows import DIGESTS
from tests.sim.mishaps import LATER_THINGS, LEANS, MESSAGES, MISHAPS, THINGS, aim_of
from tests.sim.report import SHORT, short_story_of, story_of
from tests.sim.trial import FAULTS_MIN, RUNS_MIN, trial

ROOT = Path(__file__).parents[2]

SEEDS = range(1, 201)


@pytest.mark.slow
@pytest.mark.parametrize("first", SEEDS[::25])
def test_no_invariant_is_broken(first: int) -> None:
    verdicts = [trial(seed) for seed in range(first, first + 25)]

    assert {v.seed: v.broken for v in verdicts if v.broken} == {}


def test_trial_has_its_hosts_runs_and_faults() -> None:
    verdicts = [trial(seed) for seed in range(1, 6)]

    assert min(v.hosts for v in verdicts) >= 3
    assert min(v.runs for v in verdicts) >= RUNS_MIN
    assert min(v.faults.total() for v in verdicts) >= FAULTS_MIN


def test_seed_gives_one_story() -> None:
    assert story_of(trial(7, story=True)) == story_of(trial(7, story=True))


def test_short_story_is_of_what_was_broken() -> None:
    verdict = trial(1, bug=BUGS["cancel-locally-while-granted"], story=True)

    lines = short_story_of(verdict).splitlines()

    assert verdict.broken in lines[-1]
    assert len(lines) <= SHORT + 1


def test_each_mishap_has_its_seed() -> None:
    aims = [aim_of(seed) for seed in range(len(MISHAPS))]

    assert sorted(aims) == sorted(MISHAPS)


def test_trials_lean_to_what_there_is() -> None:
    faults = {fault for lean in LEANS.values() for fault in lean.faults}
    flows = {flow for lean in LEANS.values() for flow in lean.flows}

    assert LEANS.keys() <= {*THINGS, *LATER_THINGS, *MESSAGES}
    assert faults <= {fault.__name__ for fault, _ in faults_module.KINDS}
    assert flows <= set(DIGESTS)


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
