"""`floe check --dialect utask`: files, folders, exit codes and the schema."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from floe.cli import check

TEMPLATE = """name: one
description: a template
title_format: a task
steps: {one: {action: {type: %s, configuration: {}}}}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/good.yaml").write_text(TEMPLATE % "echo")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(check.command, ["--dialect", "utask", *arguments], input=given)


def test_templates_without_mistakes_are_counted(root: Path) -> None:
    done = checked(".", "templates/good.yaml")

    assert (done.exit_code, done.output) == (0, "2 files, 0 errors, 0 warnings\n")


def test_a_mistake_has_a_place_and_makes_the_status_1(root: Path) -> None:
    (root / "templates/bad.yaml").write_text(TEMPLATE.replace("name: one", "name: two") % "ecko")

    done = checked("templates", "templates/bad.yaml")

    assert done.exit_code == 1
    assert done.output == (
        "templates/bad.yaml:4:24: error: Invalid step one: Invalid executor action:"
        " No runner for type 'ecko'\n    try: did you mean `echo`?\n"
        "3 files, 1 error, 0 warnings\n"
    )


def test_findings_are_json_on_request(root: Path) -> None:
    (finding,) = json.loads(checked("--json", "-", given=TEMPLATE % "nope").output)

    assert (finding["file"], finding["line"], finding["level"]) == ("-", 4, "error")


def test_the_schema_is_that_of_templates(root: Path) -> None:
    assert json.loads(checked("--schema").output)["title"] == "uTask"


def test_a_config_is_checked_with_the_folders_that_it_names(root: Path) -> None:
    (root / "floe.yml").write_text(
        "common: {utask: {templates: [templates], functions: nope}}\nflows: []\n"
    )
    (root / "templates/bad.yaml").write_text("name: [")

    done = CliRunner().invoke(check.command, ["floe.yml"])

    assert done.exit_code == 1
    assert f"{root}/nope: warning: the folder does not exist" in done.output
    assert f"{root}/templates/bad.yaml:1:" in done.output
