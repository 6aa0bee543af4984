"""docs/tutorial-release.md, step by step: its own documents in the terminal, and on a real host."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.flows import ROOT, floe
from tests.acceptance.people import as_text, hosted
from tests.acceptance.product import DEADLINE_S
from tests.acceptance.warm import floe_ran

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BEGUN, MATRIX, SIGNED, KEYED, PLACES, LIVE, TESTS = re.findall(
    r"^```yaml\n(.*?)^```$",
    (ROOT / "docs/tutorial-release.md").read_text(),
    re.DOTALL | re.MULTILINE,
)
SIGN: Final = SIGNED[: SIGNED.index("      - name: Checked")]
DEPLOY: Final = PLACES[PLACES.index("\n  - name: Deploy") :]

WITH_MATRIX: Final = BEGUN + MATRIX
WITH_IF: Final = WITH_MATRIX + SIGNED
WITH_SECRET: Final = WITH_IF.replace(SIGN, KEYED)
WITH_PLACES: Final = WITH_SECRET + PLACES
WHOLE: Final = WITH_PLACES.replace(DEPLOY, f"\n{LIVE}")
STEPS: Final = (BEGUN, WITH_MATRIX, WITH_IF, WITH_SECRET, WITH_PLACES, WHOLE)

KEY: Final = {"FLOE_SECRET_SIGN_KEY": "a-long-enough-key"}


class Desk:
    """A folder with release.yml as it is after a step."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        (folder / "release.yml").write_text(text)

    def types(
        self, *words: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        known = {**os.environ, **(env or {})}
        return as_text(floe_ran(words, cwd=self.folder, env=known, timeout_s=DEADLINE_S))

    def runs(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        """What a good `floe run` of the file prints."""
        done = self.types("run", "release.yml", *words, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_document_of_each_step_has_no_mistake(tmp_path: Path, step: int) -> None:
    checked = Desk(tmp_path, STEPS[step]).types("check", "release.yml")

    assert (checked.returncode, checked.stderr) == (0, "1 file, 0 errors, 0 warnings\n")


def test_first_task_runs_with_values(tmp_path: Path) -> None:
    Desk(tmp_path, BEGUN).runs("-d", "version=1.5.0", "-d", "env=prod")


def test_matrix_tests_each_combination(tmp_path: Path) -> None:
    printed = Desk(tmp_path, WITH_MATRIX).runs()

    for python in ("3.12", "3.13"):
        for database in ("sqlite", "postgres"):
            assert f"│ {python} on {database}\n" in printed


def test_signature_is_skipped_outside_of_production(tmp_path: Path) -> None:
    desk = Desk(tmp_path, WITH_IF)

    assert "task.sign  skipped  since values.env was 'test'\n" in desk.runs()
    assert "✔ task.sign  good" in desk.runs("-d", "env=prod")


def test_signature_needs_its_key(tmp_path: Path) -> None:
    desk = Desk(tmp_path, WITH_SECRET)

    refused = desk.types("run", "release.yml", "-d", "env=prod")

    assert refused.returncode == 1
    assert "this host has no secret SIGN_KEY" in refused.stdout
    assert "✔ task.sign  good" in desk.runs("-d", "env=prod", env=KEY)


def test_places_are_deployed_to_by_runs_of_their_own(tmp_path: Path) -> None:
    printed = Desk(tmp_path, WITH_PLACES).runs("--flow", "release")

    assert "│ 1.4.0 (10 bytes) is at https://eu.example.com, https://us.example.com\n" in printed


def test_place_is_rolled_out_again_until_it_is_healthy(tmp_path: Path) -> None:
    printed = Desk(tmp_path, WHOLE).runs(
        "--flow", "deploy", "-d", "place=eu", "-d", "version=1.4.0"
    )

    assert printed.count("│ rolled back\n") == 1
    assert "✔ task.healthy  good visit 2 #2" in printed
    assert "  output url = https://eu.example.com\n" in printed


def test_tests_of_the_flows_are_met(tmp_path: Path) -> None:
    desk = Desk(tmp_path, WHOLE)
    (tmp_path / "release.test.yml").write_text(TESTS)

    tested = desk.types("test", "release.yml")

    assert tested.returncode == 0, tested.stdout
    assert tested.stdout.count("ok   ") == 3


def test_release_runs_on_a_host_with_the_key(tmp_path: Path) -> None:
    with hosted(tmp_path, WHOLE, env=KEY) as host:
        followed = floe(host, "trigger", "release", "-d", "env=prod", "--wait")
        run = followed.split()[0]

        assert "4 items, all good" in floe(host, "show", run)
        assert "3.13 on sqlite" in floe(host, "log", run, "test[2]")
        assert "└ " in floe(host, "runs")
