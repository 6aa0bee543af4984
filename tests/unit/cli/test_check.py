"""`floe check` of several documents that name each other's flows."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from floe.cli import check

PARENT = """
id: release
triggers: [{id: start, type: data}]
tasks: [{id: a, type: flow, listen: trigger.good, opts: {flow: deploi}}]
"""
CHILD = """
id: deploy
triggers: [{id: start, type: data}]
tasks: [{id: go, type: exec, listen: trigger.good, opts: {cmd: make}}]
"""
CONFIG = """
flows:
  - {id: release, flow-file: release.yml, triggers: [{id: start, type: data}]}
  - {id: deploy, flow-file: deploy.yml, triggers: [{id: start, type: data}]}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "release.yml").write_text(PARENT)
    (tmp_path / "deploy.yml").write_text(CHILD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(*files: str) -> str:
    return CliRunner().invoke(check.command, files).output


def test_flow_of_a_different_file_of_the_folder_is_known(root: Path) -> None:
    assert (
        "release.yml:4:64: warning: there is no flow `deploi`\n    try: did you mean `deploy`?"
        in printed(".")
    )


def test_other_files_of_the_folder_are_not_read_for_one_file(root: Path) -> None:
    assert "no flow" not in printed("release.yml")


def test_flow_file_is_checked_with_the_flows_of_its_config(root: Path) -> None:
    (root / "floe.yml").write_text(CONFIG)

    assert "release.yml:4:64: error: there is no flow `deploi`" in printed("floe.yml")
