"""What a command puts in the place of a file, or of a folder above it, holds nobody up."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from floe import files
from floe.files import FileFolders, NotPlain, folder_of, opened, opened_plain, size_of


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def a_dangling_link(path: Path) -> None:
    path.symlink_to("/nowhere/at/all")


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def a_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(path.parent)  # a socket's path has 107 bytes at most
        try:
            listener.bind(path.name)
        finally:
            os.chdir(before)


def a_terabyte_of_nothing(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1024**4)


ODD = [
    a_pipe,
    a_link,
    a_dangling_link,
    a_link_to_itself,
    a_link_to_a_device,
    a_folder,
    a_socket,
    a_terabyte_of_nothing,
]
ODD_FOLDERS = [a_pipe, a_link, a_dangling_link, a_link_to_itself, a_socket, Path.touch]

Put = Callable[[Path], None]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where an attempt's output belongs; its folder is there."""
    path = tmp_path / "runs" / "h1-1" / "a.1.1.log"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def folders() -> Iterator[FileFolders]:
    made = FileFolders()
    yield made
    made.close()


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as many as there are


@pytest.mark.parametrize("put", ODD)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_APPEND], ids=["read", "write"])
def test_what_is_no_plain_file_is_not_opened(output: Path, put: Put, flags: int) -> None:
    put(output)

    with pytest.raises(NotPlain, match="is "), opened(output, flags):
        pass


@pytest.mark.parametrize("put", ODD)
def test_what_is_no_plain_file_has_no_size(output: Path, put: Put) -> None:
    put(output)

    with pytest.raises(NotPlain):
        size_of(output)


@pytest.mark.parametrize("put", ODD_FOLDERS)
@pytest.mark.parametrize("above", [0, 1], ids=["its folder", "the folder above"])
def test_a_folder_that_is_none_is_named(output: Path, put: Put, above: int) -> None:
    folder = output.parents[above]
    folder.rename(folder.with_name("before"))
    put(folder)

    with pytest.raises(NotPlain, match="not a folder") as caught:
        size_of(output)

    assert caught.value.filename == str(folder)


@pytest.mark.parametrize("put", ODD_FOLDERS)
def test_a_folder_is_not_made_through_what_is_there(output: Path, put: Put) -> None:
    output.parent.rmdir()
    put(output.parent)

    with pytest.raises(NotPlain), folder_of(output, make=True):
        pass


def test_folders_that_are_not_there_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    with folder_of(tmp_path / "runs" / "h1-1" / "a.1.1.log", make=True):
        pass

    assert (tmp_path / "runs" / "h1-1").stat().st_mode & 0o777 == 0o700


def test_a_file_is_opened_where_a_folder_above_the_root_is_a_link(
    output: Path, tmp_path: Path
) -> None:
    output.write_text("hello")
    (tmp_path / "there").symlink_to(tmp_path)

    with opened(tmp_path / "there" / "runs" / "h1-1" / "a.1.1.log") as fd:
        assert os.read(fd, 9) == b"hello"


@pytest.mark.parametrize("put", ODD)
def test_a_file_of_any_other_place_is_plain_too(tmp_path: Path, put: Put) -> None:
    put(tmp_path / "x")

    with pytest.raises(NotPlain):
        opened_plain(tmp_path / "x")


def test_refusing_a_file_leaves_no_descriptor_open(output: Path) -> None:
    os.mkfifo(output)
    before = open_descriptors()

    with pytest.raises(NotPlain), opened(output):
        pass

    assert open_descriptors() == before


def test_a_folder_that_stays_where_it_is_is_opened_once(output: Path, folders: FileFolders) -> None:
    first = folders.enter(str(output))
    before = open_descriptors()

    again = folders.enter(str(output))

    assert (again, open_descriptors()) == (first, before)


@pytest.mark.parametrize("put", ODD_FOLDERS)
@pytest.mark.parametrize("above", [0, 1], ids=["its folder", "the folder above"])
def test_a_folder_that_is_open_is_not_used_when_something_is_in_its_place(
    output: Path, folders: FileFolders, put: Put, above: int
) -> None:
    folders.enter(str(output))
    folder = output.parents[above]
    folder.rename(folder.with_name("before"))
    put(folder)

    with pytest.raises(NotPlain, match="not a folder"):
        folders.enter(str(output))


def test_a_folder_that_was_removed_while_it_is_open_is_made_again(
    output: Path, folders: FileFolders
) -> None:
    folders.enter(str(output))
    output.parent.rmdir()

    fd = folders.enter(str(output), make=True)

    assert os.path.samestat(os.fstat(fd), output.parent.stat())


def test_a_folder_that_is_open_is_entered_where_a_folder_above_the_root_is_a_link(
    output: Path, folders: FileFolders, tmp_path: Path
) -> None:
    (tmp_path / "there").symlink_to(tmp_path)
    path = str(tmp_path / "there" / "runs" / "h1-1" / output.name)

    assert folders.enter(path) == folders.enter(path)


def test_no_more_folders_are_kept_open_than_the_limit(
    output: Path, folders: FileFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FOLDERS_MAX", 2)
    before = open_descriptors()

    for number in range(5):
        folders.enter(f"{output.parent}-{number}/a.1.1.log", make=True)

    assert open_descriptors() == before + 2
