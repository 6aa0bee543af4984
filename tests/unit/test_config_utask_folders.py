"""The folders of uTask: which files are read, and what an unreadable one leaves."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from floe.config import utask_folders
from floe.config.check_utask import check_utask, check_utask_text
from floe.config.utask import UtaskSettings
from floe.config.utask_folders import UtaskFolders, folders_of, read_folders, read_items

TEMPLATE = """name: {name}
description: a template
title_format: a task
steps: {{one: {{action: {action}}}}}
"""
FUNCTION = "{name: say, action: {type: echo, configuration: {}}}"
ECHO = "{type: echo, configuration: {}}"


def template(path: Path, action: str = ECHO) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.format(name=path.stem, action=action))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    template(tmp_path / "templates/one.yaml")
    template(tmp_path / "templates/two.yaml", "{type: say, configuration: {}}")
    for path in ("functions/say.yaml", "functions/below/.hidden.yaml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(FUNCTION)
    (tmp_path / "scripts").mkdir()
    return tmp_path


def names(folder: Path, functions: Path | None = None) -> list[str]:
    return [*read_folders(UtaskFolders((folder,), functions)).templates]


def test_templates_are_the_yaml_files_directly_in_a_folder(tmp_path: Path) -> None:
    for name in ("two.yaml", "one.yaml", "c.yml", "d.yaml.bak", "below/e.yaml"):
        template(tmp_path / name)
    (tmp_path / "f.yaml").mkdir()

    assert names(tmp_path) == ["one", "two"]


def test_functions_are_also_in_the_folders_below(root: Path) -> None:
    (root / "functions/say.yaml").rename(root / "functions/below/say.yaml")

    assert names(root / "templates", root / "functions") == ["one", "two"]


def test_a_link_to_a_file_is_the_file(root: Path) -> None:
    (root / "templates/three.yaml").symlink_to(template(root / "elsewhere/three.yaml"))

    assert "three" in names(root / "templates")


def test_a_folder_that_contains_itself_ends(root: Path) -> None:
    (root / "functions/below/again").symlink_to(root / "functions")

    assert names(root / "templates", root / "functions") == ["one", "two"]


@pytest.mark.parametrize("kind", ["pipe", "binary", "large", "dangling"])
def test_a_file_that_cannot_be_read_leaves_the_others(root: Path, kind: str) -> None:
    path = root / "templates/bad.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "dangling":
        path.symlink_to("nowhere")
    else:
        path.write_bytes(b"\xff" if kind == "binary" else b"#" * (1 << 20) + b"\n")
    catalog = read_folders(UtaskFolders((root / "templates",), root / "functions"))

    assert [*catalog.templates] == ["one", "two"]
    assert [finding.file for finding in catalog.findings] == [str(path)]


def test_a_missing_folder_is_a_finding(root: Path) -> None:
    catalog = read_folders(UtaskFolders((root / "templates", root / "nope"), root / "gone"))

    assert [*catalog.templates] == ["one"]
    assert {str(root / "nope"), str(root / "gone")} < {one.file for one in catalog.findings}


def test_too_many_files_are_not_all_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utask_folders, "FILES_MAX", 1)
    catalog = read_folders(UtaskFolders((root / "templates",)))

    assert [*catalog.templates] == ["one"]
    assert "more than 1 files" in catalog.findings[0].what


def test_scripts_of_a_config_are_in_its_folder(root: Path) -> None:
    script = root / "scripts/run.sh"
    template(root / "templates/run.yaml", "{type: script, configuration: {file_path: run.sh}}")
    folders = (root / "templates",)
    settings = UtaskSettings(templates=folders, functions=root / "functions")

    def loaded(scripts: Path | None) -> bool:
        return "run" in read_folders(folders_of(replace(settings, scripts=scripts))).templates

    assert not loaded(root / "scripts")
    script.write_text("#!/bin/sh")
    script.chmod(0o755)
    assert loaded(root / "scripts")
    assert not loaded(None)


def test_items_are_values_or_texts(tmp_path: Path) -> None:
    for name, text in {
        "text": "a word\n",
        "map": "{a: 1, b: [yes]}",
        "broken": "{a: [",
        "empty": "",
        "secret": "x",
        ".hidden": "x",
    }.items():
        (tmp_path / name).write_text(text)

    items, findings = read_items(tmp_path, ["secret"])

    assert items == {"text": "a word", "map": {"a": 1, "b": [True]}, "broken": "{a: ["}
    assert findings == []


def test_a_folder_of_both_is_checked_whole(root: Path) -> None:
    assert check_utask(root) == (3, ())


def test_a_folder_of_templates_is_checked_with_the_functions_beside_it(root: Path) -> None:
    assert check_utask(root / "templates") == (3, ())


def test_a_folder_of_functions_is_checked_alone(root: Path) -> None:
    (root / "functions/say.yaml").write_text("name: [")

    checked = check_utask(root / "functions")

    assert checked.files == 1
    assert [finding.file for finding in checked.findings] == [str(root / "functions/say.yaml")]


def test_of_one_file_only_its_own_mistakes_are_shown(root: Path) -> None:
    template(root / "templates/bad.yaml", "{type: nope}")
    sub = template(root / "templates/sub.yaml", "{type: subtask, configuration: {template: bad}}")

    assert check_utask(sub) == (1, ())
    assert len(check_utask(root / "templates/bad.yaml").findings) == 1


def test_a_file_of_any_name_may_be_checked(root: Path) -> None:
    assert check_utask(template(root / "templates/new.yml")) == (1, ())


def test_a_file_that_is_not_there_is_a_finding(root: Path) -> None:
    (finding,) = check_utask(root / "nope.yaml").findings

    assert "cannot be read" in finding.what


def test_a_text_is_checked_without_its_neighbours() -> None:
    text = TEMPLATE.format(name="one", action="{type: say}")

    (finding,) = check_utask_text(text, "-").findings

    assert (finding.file, finding.line) == ("-", 4)
