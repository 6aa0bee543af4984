"""The check of commit messages, on repositories of its own."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.commit_messages import announced, checked, git

LONG = "many\n" * 6
WHY = "\n\nIt was missing, and cost a day."

Commit = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made(tmp_path / "origin")
    return tmp_path / "origin"


def made(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True)
    git(folder, "config", "user.name", "a")
    git(folder, "config", "user.email", "a@b.c")


@pytest.fixture
def commit(folder: Path) -> Commit:
    """Commits a file with a text; the id."""

    def commit(message: str, text: str = LONG, file: str = "file") -> str:
        (folder / file).write_text(text)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", message)
        return git(folder, "rev-parse", "HEAD").strip()

    return commit


def found(folder: Path, base: str) -> list[str]:
    return [fault.partition('" ')[2] for fault in checked(folder, base)]


def test_message_with_a_short_subject_and_a_reason_is_good(folder: Path, commit: Commit) -> None:
    base = commit("base")

    commit("kernel: end a run that is at rest" + WHY, LONG * 2)

    assert found(folder, base) == []


def test_commits_up_to_the_base_are_left_as_they_are(folder: Path, commit: Commit) -> None:
    commit("x" * 100, LONG)
    base = commit("y" * 100, LONG * 2)

    assert found(folder, base) == []


def test_subject_above_72_columns_is_a_fault(folder: Path, commit: Commit) -> None:
    base = commit("base")

    commit("x" * 73 + WHY, LONG * 2)

    assert found(folder, base) == ["has a subject of 73 columns"]


def test_change_of_six_lines_needs_a_body(folder: Path, commit: Commit) -> None:
    base = commit("base", "")

    commit("kernel: add six lines", LONG)

    assert found(folder, base) == ["has no body"]


def test_change_of_five_lines_needs_none(folder: Path, commit: Commit) -> None:
    base = commit("base", "")

    commit("docs: mend a word", "one\n" * 5)

    assert found(folder, base) == []


def test_change_of_two_files_needs_a_body(folder: Path, commit: Commit) -> None:
    base = commit("base", "")
    (folder / "other").write_text("x\n")

    commit("docs: mend a word", "x\n")

    assert found(folder, base) == ["has no body"]


def test_body_begins_after_an_empty_line(folder: Path, commit: Commit) -> None:
    base = commit("base")
    (folder / "message").write_text("kernel: end a run\nat rest\n")
    git(folder, "add", "--all")

    # With --message git would join the lines into one subject.
    assert [*announced(folder, folder / "message")] == [
        "this commit has no empty line after its subject"
    ]
    assert found(folder, base) == []


def test_merge_needs_no_body(folder: Path, commit: Commit) -> None:
    base = commit("base")
    git(folder, "switch", "--quiet", "--create", "side")
    commit("kernel: add a file" + WHY, file="side")
    git(folder, "switch", "--quiet", "main")
    commit("kernel: add another" + WHY, file="main")

    git(folder, "merge", "--quiet", "--no-ff", "--message", "x" * 80, "side")

    assert found(folder, base) == []


def test_shallow_clone_is_checked_as_far_as_it_goes(
    folder: Path, commit: Commit, tmp_path: Path
) -> None:
    base = commit("base")
    commit("kernel: add lines" + WHY, LONG * 2)
    commit("kernel: add more lines", LONG * 4)
    commit("kernel: add still more", LONG * 8)

    git(tmp_path, "clone", "--quiet", "--depth=2", folder.as_uri(), "clone")

    # Its oldest commit seems to add every file there is: whether it is trivial is not known.
    assert found(tmp_path / "clone", base) == ["has no body"]


def test_history_without_the_base_is_an_error(folder: Path, commit: Commit) -> None:
    commit("base")

    with pytest.raises(LookupError):
        found(folder, "0" * 40)


def test_hook_that_is_installed_refuses_a_commit(folder: Path, commit: Commit) -> None:
    hooks = Path(__file__).parents[2] / "scripts/hooks"
    (folder / "scripts").mkdir()
    (folder / "scripts/commits").write_text("#!/bin/sh\nexit 1\n")
    (folder / "scripts/commits").chmod(0o755)
    git(folder, "config", "core.hooksPath", str(hooks))

    with pytest.raises(subprocess.CalledProcessError):
        commit("anything")
