"""Workspaces: made, emptied, removed, and nothing else ever deleted."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from floe.files import NotPlain
from floe.model.errors import World
from floe.nodes.workspaces import MARKER, Workspaces, git_state, inside
from tests.make_nodes import DEADLINE_S, a_key


@pytest.fixture
def workspaces(tmp_path: Path) -> Iterator[Workspaces]:
    workspaces = Workspaces(tmp_path)
    yield workspaces
    workspaces.close()


def a_space(root: Path, name: str = "h1-1@k3f9") -> Path:
    return root / "spaces" / "ci" / "ws" / name


def crash_at(name: str, nth: int, *, is_late: bool) -> Callable[..., object]:
    """A method of Path whose nth call does not return, as in a process that dies before or after
    it is done."""
    calls, method = count(1), getattr(Path, name)

    def called(*args: object, **named: object) -> object:
        is_last = next(calls) == nth
        if is_last and not is_late:
            raise KeyboardInterrupt
        result = method(*args, **named)
        if is_last:
            raise KeyboardInterrupt
        return result

    return called


def wait_until_empty(folder: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while any(folder.iterdir()):
        assert time.monotonic() < deadline, f"{folder} is never empty"


def test_a_workspace_is_made_with_its_folders(tmp_path: Path, workspaces: Workspaces) -> None:
    workspaces.ready(a_space(tmp_path), a_key(), reuse=False)

    assert list(a_space(tmp_path).iterdir()) == []


def test_the_second_node_of_a_run_finds_what_the_first_left(
    tmp_path: Path, workspaces: Workspaces
) -> None:
    workspaces.ready(a_space(tmp_path), a_key(), reuse=False)
    (a_space(tmp_path) / "built").touch()

    workspaces.ready(a_space(tmp_path), a_key(node="test"), reuse=False)

    assert (a_space(tmp_path) / "built").exists()


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_run_keeps_its_workspace_over_a_restart_of_floe(
    tmp_path: Path, workspaces: Workspaces, epoch: int
) -> None:
    workspaces.ready(a_space(tmp_path), a_key(epoch=epoch), reuse=False)
    (a_space(tmp_path) / "built").touch()

    Workspaces(tmp_path).ready(a_space(tmp_path), a_key(node="test", epoch=epoch), reuse=False)

    assert (a_space(tmp_path) / "built").exists()


def test_a_run_that_begins_again_finds_it_empty(tmp_path: Path, workspaces: Workspaces) -> None:
    workspaces.ready(a_space(tmp_path), a_key(), reuse=False)
    (a_space(tmp_path) / "built").touch()

    workspaces.ready(a_space(tmp_path), a_key(epoch=2), reuse=False)

    assert list(a_space(tmp_path).iterdir()) == []


def test_a_reused_workspace_is_never_emptied(tmp_path: Path, workspaces: Workspaces) -> None:
    single = a_space(tmp_path, "single")
    workspaces.ready(single, a_key(1), reuse=True)
    (single / "cache").touch()

    workspaces.ready(single, a_key(2), reuse=True)

    assert (single / "cache").exists()


def test_spaces_that_floe_did_not_make_are_refused(tmp_path: Path, workspaces: Workspaces) -> None:
    (tmp_path / "spaces").mkdir()
    (tmp_path / "spaces" / "mine").touch()

    with pytest.raises(World, match="was not created by floe"):
        workspaces.ready(a_space(tmp_path), a_key(), reuse=False)


def test_spaces_that_a_different_thread_makes_at_the_same_time_are_not_refused(
    tmp_path: Path, workspaces: Workspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = Path.mkdir

    def also_elsewhere(path: Path, mode: int = 0o777, **how: bool) -> None:
        mkdir(path, mode, **how)
        if path.name == "spaces":
            (path / MARKER).touch()

    monkeypatch.setattr(Path, "mkdir", also_elsewhere)

    workspaces.ready(a_space(tmp_path), a_key(), reuse=False)

    assert a_space(tmp_path).is_dir()


@pytest.mark.parametrize("path", ["spaces/ci", "other/ci/ws/h1-1", "spaces/ci/../../../x"])
def test_a_path_that_is_no_workspace_is_refused(
    tmp_path: Path, workspaces: Workspaces, path: str
) -> None:
    workspaces.ready(a_space(tmp_path), a_key(), reuse=False)

    with pytest.raises(World, match="is not a workspace"):
        workspaces.remove(tmp_path / path)


def test_a_link_on_the_way_is_not_followed(tmp_path: Path, workspaces: Workspaces) -> None:
    workspaces.ready(a_space(tmp_path), a_key(), reuse=False)
    (tmp_path / "home" / "ws").mkdir(parents=True)
    (tmp_path / "spaces" / "evil").symlink_to(tmp_path / "home")

    with pytest.raises(World, match="is not a workspace"):
        workspaces.remove(tmp_path / "spaces" / "evil" / "ws" / "h1-1")


def test_notes_of_later_epochs_go_with_their_workspaces(
    tmp_path: Path, workspaces: Workspaces
) -> None:
    first, second, third = (a_space(tmp_path, f"h1-{number}@k3f9") for number in (1, 11, 2))
    for workspace in (first, second):
        workspaces.ready(workspace, a_key(epoch=2), reuse=False)
    workspaces.remove(first)
    left = {path.name for path in first.parent.iterdir()}
    workspaces.ready(third, a_key(epoch=3), reuse=False)
    workspaces.remove(third)
    workspaces.remove(second)

    assert left == {"h1-11@k3f9", ".h1-11@k3f9.2"}
    assert list(first.parent.iterdir()) == []


def test_notes_of_a_moved_workspace_go_with_the_move(
    tmp_path: Path, workspaces: Workspaces
) -> None:
    old, new = a_space(tmp_path), a_space(tmp_path).with_name("h1-9@k3f9")
    workspaces.ready(old, a_key(epoch=2), reuse=False)
    workspaces.ready(new, a_key(9), reuse=False, moved_from=old)

    assert list(old.parent.iterdir()) == [new]


def test_removal_of_many_workspaces_reads_their_folder_once(
    tmp_path: Path, workspaces: Workspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaces = [a_space(tmp_path, f"h1-{number}@k3f9") for number in (1, 2, 3)]
    for workspace in spaces:
        workspaces.ready(workspace, a_key(), reuse=False)
    listed, listdir = list[Path](), os.listdir

    def list_once(path: Path) -> list[str]:
        listed.append(path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", list_once)

    for workspace in spaces:
        workspaces.remove(workspace)

    assert listed == [spaces[0].parent]


def test_removal_takes_links_but_not_what_they_point_to(
    tmp_path: Path, workspaces: Workspaces
) -> None:
    space = a_space(tmp_path)
    workspaces.ready(space, a_key(), reuse=False)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").touch()
    (space / "link").symlink_to(tmp_path / "home")

    workspaces.ready(space, a_key(epoch=2), reuse=False)
    workspaces.remove(space)

    wait_until_empty(tmp_path / "spaces" / ".trash")
    assert (tmp_path / "home" / "letter").exists()
    assert list(space.parent.iterdir()) == []


def test_link_in_the_place_of_the_trash_is_not_emptied(
    tmp_path: Path, workspaces: Workspaces
) -> None:
    space = a_space(tmp_path)
    workspaces.ready(space, a_key(), reuse=False)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").touch()
    (tmp_path / "spaces" / ".trash").symlink_to(tmp_path / "home")

    workspaces.open()
    workspaces.remove(space)

    wait_until_empty(tmp_path / "spaces" / ".trash")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter"]


REMOVED = ["spaces", "spaces/ci", "spaces/ci/ws", "spaces/ci/ws/h1-1@k3f9"]


@pytest.mark.parametrize("name", REMOVED)
def test_folder_that_was_removed_by_hand_is_made_again_for_the_next_run(
    tmp_path: Path, workspaces: Workspaces, name: str
) -> None:
    workspaces.ready(a_space(tmp_path), a_key(), reuse=False)
    shutil.rmtree(tmp_path / name)
    other = a_space(tmp_path).with_name("h1-2@k3f9")

    workspaces.ready(other, a_key(2), reuse=False)

    assert other.is_dir()
    assert (tmp_path / "spaces" / ".floe-spaces").exists()


@pytest.mark.parametrize("name", REMOVED)
def test_error_of_a_run_under_way_names_its_removed_workspace(
    tmp_path: Path, workspaces: Workspaces, name: str
) -> None:
    workspaces.ready(a_space(tmp_path), a_key(), reuse=False)
    shutil.rmtree(tmp_path / name)

    with pytest.raises(World, match="was removed during the run"):
        workspaces.ready(a_space(tmp_path), a_key(), reuse=False)


def test_error_of_a_run_under_way_names_what_replaced_its_workspace(
    tmp_path: Path, workspaces: Workspaces
) -> None:
    space = a_space(tmp_path)
    workspaces.ready(space, a_key(), reuse=False)
    space.rmdir()
    space.symlink_to("/etc")

    with pytest.raises(World, match="is a link, not a folder"):
        workspaces.ready(space, a_key(), reuse=False)


@pytest.mark.parametrize("name", REMOVED[1:])
@pytest.mark.parametrize("put", [os.mkfifo, Path.touch, lambda path: path.symlink_to("/etc")])
def test_no_workspace_is_made_through_what_a_command_put_there(
    tmp_path: Path, workspaces: Workspaces, name: str, put: Callable[[Path], None]
) -> None:
    workspaces.ready(a_space(tmp_path).with_name("h1-9@k3f9"), a_key(9), reuse=False)
    shutil.rmtree(tmp_path / name, ignore_errors=True)
    put(tmp_path / name)

    with pytest.raises((World, NotPlain), match=r"not a folder"):
        workspaces.ready(a_space(tmp_path), a_key(), reuse=False)


def test_folders_that_are_read_only_are_deleted_as_well(
    tmp_path: Path, workspaces: Workspaces
) -> None:
    space = a_space(tmp_path)
    workspaces.ready(space, a_key(), reuse=False)
    (space / "mod" / "deep").mkdir(parents=True)
    (space / "mod" / "deep" / "go.mod").touch()
    (space / "mod" / "deep").chmod(0o500)
    (space / "mod").chmod(0o500)

    workspaces.remove(space)

    wait_until_empty(tmp_path / "spaces" / ".trash")


def test_a_deletion_that_was_cut_short_goes_on(tmp_path: Path, workspaces: Workspaces) -> None:
    workspaces.ready(a_space(tmp_path), a_key(), reuse=False)
    left = tmp_path / "spaces" / ".trash" / "h1-9.abc"
    left.mkdir(parents=True)

    workspaces.open()

    wait_until_empty(left.parent)


@pytest.mark.parametrize("name", ["..", "a/../../b", "/etc", "out", "out/deeper"])
def test_a_name_that_leads_out_of_the_workspace_is_refused(tmp_path: Path, name: str) -> None:
    space = tmp_path / "ws"
    space.mkdir()
    (space / "out").symlink_to(tmp_path)

    with pytest.raises(World, match="leads out of the workspace"):
        inside(space, name)


@pytest.mark.parametrize("name", ["", ".", "a/b", "a/../b", "in/b"])
def test_a_name_inside_is_resolved(tmp_path: Path, name: str) -> None:
    space = tmp_path / "ws"
    space.mkdir()
    (space / "in").symlink_to(space)

    assert inside(space, name).is_relative_to(space)


def test_workspace_of_an_earlier_run_is_moved_to_its_re_run(
    tmp_path: Path, workspaces: Workspaces
) -> None:
    old, new = a_space(tmp_path), a_space(tmp_path).with_name("h1-9@k3f9")
    workspaces.ready(old, a_key(), reuse=False)
    (old / "built").touch()
    git_state(old).mkdir()

    workspaces.ready(new, a_key(9), reuse=False, moved_from=old)

    assert (new / "built").exists()
    assert git_state(new).is_dir()
    assert not old.exists()


def test_moved_workspace_is_not_emptied_by_the_first_use_of_a_later_epoch(
    tmp_path: Path, workspaces: Workspaces
) -> None:
    old, new = a_space(tmp_path), a_space(tmp_path).with_name("h1-9@k3f9")
    workspaces.ready(old, a_key(), reuse=False)
    (old / "built").touch()

    workspaces.ready(new, a_key(9, epoch=2), reuse=False, moved_from=old)
    Workspaces(tmp_path).ready(new, a_key(9, epoch=2, node="test"), reuse=False, moved_from=old)

    assert (new / "built").exists()


@pytest.mark.parametrize(("step", "nth"), [("touch", 1), ("rename", 1), ("rename", 2)])
@pytest.mark.parametrize("is_late", [False, True], ids=["before", "after"])
def test_crash_while_a_workspace_is_moved_in_a_later_epoch_does_not_empty_it(
    tmp_path: Path,
    workspaces: Workspaces,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    nth: int,
    is_late: bool,
) -> None:
    old, new = a_space(tmp_path), a_space(tmp_path).with_name("h1-9@k3f9")
    workspaces.ready(old, a_key(), reuse=False)
    (old / "built").touch()
    git_state(old).mkdir()
    monkeypatch.setattr(Path, step, crash_at(step, nth, is_late=is_late))
    with pytest.raises(KeyboardInterrupt):
        workspaces.ready(new, a_key(9, epoch=2), reuse=False, moved_from=old)
    monkeypatch.undo()

    Workspaces(tmp_path).ready(new, a_key(9, epoch=2), reuse=False, moved_from=old)

    assert (new / "built").exists()
    assert git_state(new).is_dir()


@pytest.mark.parametrize("gone", ["removed", "link", "elsewhere"])
def test_re_run_gets_an_empty_workspace_where_none_can_be_moved(
    tmp_path: Path, workspaces: Workspaces, gone: str
) -> None:
    old, new = a_space(tmp_path), a_space(tmp_path).with_name("h1-9@k3f9")
    old.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "spaces" / MARKER).touch()
    elsewhere = tmp_path / "precious"
    elsewhere.mkdir()
    if gone == "link":
        old.symlink_to(elsewhere)
    elif gone == "elsewhere":
        old = elsewhere

    workspaces.ready(new, a_key(9), reuse=False, moved_from=old)

    assert list(new.iterdir()) == []
    assert elsewhere.is_dir()
