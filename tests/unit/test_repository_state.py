"""What floe keeps of a checkout lies where steps can reach it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from floe.repository.folder import Folder
from floe.repository.state import FolderState
from floe.repository.task import Task

HASH = "a" * 40


def kept(tmp_path: Path) -> Path:
    """The file of a folder `where`, which holds what floe wrote."""
    where = tmp_path / "where"
    where.mkdir()
    state = FolderState.read(str(tmp_path / ".ws"), where)
    state.claim(where)
    state.fetched(HASH)
    state.store()
    return next(tmp_path.glob(".ws.*.json"))


def known(path: Path, **others: object) -> str:
    return json.dumps(json.loads(path.read_bytes()) | others)


def replaced(path: Path, make: Callable[[Path], None]) -> None:
    path.rename(path.with_suffix(".was"))
    make(path)


TRICKS: dict[str, Callable[[Path], object]] = {
    "a list": lambda p: p.write_text("[1]"),
    "a number": lambda p: p.write_text("7"),
    "no text": lambda p: p.write_bytes(b'{"folder": "\xff"}'),
    "an option for git": lambda p: p.write_text(known(p, commit="--output=/tmp/x")),
    "tips that are none": lambda p: p.write_text(known(p, tips=["--all"])),
    "tips that are no list": lambda p: p.write_text(known(p, tips=7)),
    "a pipe": lambda p: replaced(p, os.mkfifo),
    "a folder": lambda p: replaced(p, os.mkdir),
    "a link": lambda p: replaced(p, lambda _: p.symlink_to(p.with_suffix(".was"))),
}


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
@pytest.mark.timeout(5)
def test_state_that_floe_did_not_write_counts_for_nothing(
    tmp_path: Path, trick: Callable[[Path], object]
) -> None:
    trick(kept(tmp_path))

    state = FolderState.read(str(tmp_path / ".ws"), tmp_path / "where")

    assert (state.is_ours, state["commit"], state.tips) == (False, None, [])


def test_state_that_floe_wrote_is_read(tmp_path: Path) -> None:
    kept(tmp_path)

    state = FolderState.read(str(tmp_path / ".ws"), tmp_path / "where")

    assert (state.is_ours, state.tips) == (True, [HASH])


@pytest.mark.parametrize("suffix", [".json", ".new"])
@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path.parent / "theirs")]
)
@pytest.mark.timeout(5)
def test_state_is_written_where_something_else_is_in_its_place(
    tmp_path: Path, suffix: str, make: Callable[[Path], object]
) -> None:
    path = kept(tmp_path)
    state = FolderState.read(str(tmp_path / ".ws"), tmp_path / "where")
    path.with_suffix(suffix).unlink(missing_ok=True)
    make(path.with_suffix(suffix))

    state.store()

    assert FolderState.read(str(tmp_path / ".ws"), tmp_path / "where").tips == [HASH]
    assert not (tmp_path / "theirs").exists()


def test_a_folder_that_is_closed_holds_no_descriptor(tmp_path: Path) -> None:
    task = Task("checkout", str(tmp_path / "w"), str(tmp_path / ".w"), "branch", "main", "x")
    before = len([*Path("/proc/self/fd").iterdir()])

    Folder(task).close()

    assert len([*Path("/proc/self/fd").iterdir()]) == before
