"""Input files that are used again, and those that a command did something to."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from floe.files import FileFolders
from floe.nodes import spare_inputs
from floe.nodes.attempt_files import input_path
from floe.nodes.base import Job
from floe.nodes.spare_inputs import SpareInputs
from tests.make_nodes import a_job, a_key
from tests.make_warden import until


@pytest.fixture
def inputs() -> Iterator[SpareInputs]:
    folders = FileFolders()
    inputs = SpareInputs(folders)
    yield inputs
    inputs.clear()
    folders.close()


def file_of(job: Job) -> Path:
    return Path(input_path(job))


def job_of(root: Path, number: int, **inputs: str) -> Job:
    return a_job(root, key=a_key(number), inputs=inputs)


@pytest.mark.parametrize("value", ["", "short", "a value that is much longer than the one before"])
async def test_file_that_is_used_again_has_only_the_new_inputs(
    inputs: SpareInputs, tmp_path: Path, value: str
) -> None:
    first, second = job_of(tmp_path, 1, v="a first value"), job_of(tmp_path, 2, v=value)
    inputs.write(first)
    number = file_of(first).stat().st_ino
    inputs.release(first)

    inputs.write(second)

    assert json.loads(file_of(second).read_text()) == {"v": value}
    assert file_of(second).stat().st_ino == number
    assert not file_of(first).exists()


async def test_what_a_command_wrote_to_its_inputs_is_gone(
    inputs: SpareInputs, tmp_path: Path
) -> None:
    first, second = job_of(tmp_path, 1, v="1"), job_of(tmp_path, 2, v="2")
    inputs.write(first)
    file_of(first).write_text("x" * 10_000)
    inputs.release(first)

    inputs.write(second)

    assert json.loads(file_of(second).read_text()) == {"v": "2"}


def link(path: Path) -> None:
    os.link(path, path.with_name("kept"))


def replaced_by_a_link(path: Path) -> None:
    path.unlink()
    path.with_name("kept").touch()
    path.symlink_to(path.with_name("kept"))


def replaced_by_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "act",
    [
        Path.unlink,
        link,
        replaced_by_a_link,
        replaced_by_a_pipe,
        replaced_by_a_folder,
        lambda path: path.chmod(0o644),
    ],
    ids=["removed", "linked", "link", "pipe", "folder", "mode"],
)
async def test_file_that_a_command_changed_is_not_used_again(
    inputs: SpareInputs, tmp_path: Path, act: Callable[[Path], object]
) -> None:
    first, second = job_of(tmp_path, 1, v="1"), job_of(tmp_path, 2, v="2")
    inputs.write(first)
    act(file_of(first))
    kept = file_of(first).with_name("kept")
    before = kept.read_text() if kept.exists() else ""
    inputs.release(first)

    inputs.write(second)

    assert json.loads(file_of(second).read_text()) == {"v": "2"}
    assert file_of(second).stat().st_mode & 0o777 == 0o600
    assert (kept.read_text() if kept.exists() else "") == before


async def test_file_of_a_command_that_may_still_run_is_replaced_as_a_whole(
    inputs: SpareInputs, tmp_path: Path
) -> None:
    first, second = job_of(tmp_path, 1, v="1"), job_of(tmp_path, 2, v="2")
    inputs.write(first)
    inputs.write(second)
    inputs.release(first)

    with file_of(second).open() as reader:
        inputs.write(second)

        assert json.load(reader) == {"v": "2"}
        assert os.fstat(reader.fileno()).st_ino != file_of(second).stat().st_ino


async def test_full_disk_is_reported_and_leaves_no_file(
    inputs: SpareInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    first, second = job_of(tmp_path, 1, v="1"), job_of(tmp_path, 2, v="2")
    inputs.write(first)
    inputs.release(first)
    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space left"):
            inputs.write(second)

    assert list(file_of(first).parent.iterdir()) == []


async def test_files_that_no_attempt_needs_are_removed_soon(
    inputs: SpareInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spare_inputs, "SPARE_S", 0.0)
    job = job_of(tmp_path, 1)
    inputs.write(job)

    inputs.release(job)

    await until(lambda: not file_of(job).exists())


async def test_no_more_files_are_kept_than_commands_run(
    inputs: SpareInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spare_inputs, "SPARE_MAX", 1)
    jobs = [job_of(tmp_path, number) for number in (1, 2)]
    for job in jobs:
        inputs.write(job)

    for job in jobs:
        inputs.release(job)

    assert [file_of(job).exists() for job in jobs] == [False, True]
