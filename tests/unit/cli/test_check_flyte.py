"""`floe check --dialect flyte`: flows of flyte by file, folder or standard input."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from floe.cli import check
from floe.cli.flyte import command as flyte

FLOW = """name: greet
description: a flow
steps:
  - id: hello
    event: {packName: Slack, name: Said}
    command: {packName: Slack, name: SendMessage, input: '{{ %s }}'}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/good.yaml").write_text(FLOW % "Event.Payload.text")
    (tmp_path / "flows/bad.json").write_text(FLOW % "1 +")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(check.command, ["--dialect", "flyte", *arguments], input=given)


def test_flows_of_a_folder_are_checked_with_their_templates(root: Path) -> None:
    done = checked("flows")

    assert done.exit_code == 1
    assert done.output.startswith("flows/bad.json:6:")
    assert done.output.endswith("2 files, 1 error, 0 warnings\n")


def test_both_commands_report_the_same(root: Path) -> None:
    files = ["flows/bad.json", "flows/good.yaml"]

    assert checked(*files).output == CliRunner().invoke(flyte, ["check", *files]).output


def test_flow_is_read_from_standard_input(root: Path) -> None:
    done = checked("-", given=FLOW % "Event.Payload.text")

    assert (done.exit_code, done.output) == (0, "1 file, 0 errors, 0 warnings\n")


def test_folder_without_flows_is_named(root: Path) -> None:
    (root / "empty").mkdir()

    done = checked("empty")

    assert "empty has no .yml, .yaml or .json file" in str(done.exception)
