"""Which file systems may hang, and what a call into one that hangs delays."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from floe import places as module
from floe.model.errors import PlaceHangs
from floe.places import Places, remote_mounts
from tests.hands import until

TABLE = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/far rw master:2 - nfs4 server:/far rw
31 22 0:41 / /mnt/a\\040b rw - fuse.sshfs me@there: rw
32 22 0:42 / /mnt/hidden rw - nfs server:/hidden rw
33 22 0:43 / /mnt/hidden rw - tmpfs tmpfs rw
"""


def test_mounts_of_servers_and_programs_may_hang_and_disks_may_not() -> None:
    assert remote_mounts(TABLE) == {"/mnt/far", "/mnt/a b"}


@pytest.fixture
def far(tmp_path: Path) -> tuple[Places, Path]:
    """A table with one file system that may hang, at a folder of the test."""
    (tmp_path / "mountinfo").write_text(f"1 0 0:1 / {tmp_path}/far rw - nfs4 server:/ rw\n")
    return Places(tmp_path / "mountinfo"), tmp_path / "far"


@pytest.mark.parametrize("to", ["far", "far/deep/er", "near/link/x", "near/../far", "near/up/x"])
def test_way_to_a_path_is_followed_to_the_file_system(
    to: str, tmp_path: Path, far: tuple[Places, Path]
) -> None:
    places, mount = far
    (tmp_path / "near").mkdir()
    (tmp_path / "near/link").symlink_to(mount)
    (tmp_path / "near/up").symlink_to("../near/link")

    assert places.on_way(tmp_path / "near", f"{tmp_path}/{to}") == str(mount)


def test_way_on_local_disks_has_no_file_system_that_may_hang(
    tmp_path: Path, far: tuple[Places, Path]
) -> None:
    places, _ = far
    (tmp_path / "round").symlink_to("round")

    assert places.on_way(tmp_path / "near/x", tmp_path / "round", f"{tmp_path}/farther") == ""


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Until it is set, no call into a file system returns."""
    back = threading.Event()
    monkeypatch.setattr(os, "statvfs", lambda path: back.wait())
    monkeypatch.setattr(module, "SLOW_S", 0.001)
    monkeypatch.setattr(module, "HANG_S", 0.001)
    yield back
    back.set()


async def test_file_system_that_hangs_refuses_readers_and_delays_no_other(
    tmp_path: Path, far: tuple[Places, Path], away: threading.Event
) -> None:
    places, mount = far
    waiting = [places.call(str(mount), away.wait) for _ in range(module.THREADS + 1)]

    def is_named() -> bool:
        places.look()
        return bool(places.problems())

    await until(is_named, 30.0)
    with pytest.raises(PlaceHangs, match=f"the file system at {mount}, which has not answered"):
        await places.read(mount / "x", os.getpid)
    near = await places.read(tmp_path / "near", os.getpid)
    away.set()

    assert near == os.getpid()
    assert [await future for future in waiting] == [True] * (module.THREADS + 1)
    await until(lambda: not places.problems(), 30.0)


async def test_call_that_takes_long_while_its_file_system_answers_is_no_problem(
    far: tuple[Places, Path], away: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    places, mount = far
    asked = threading.Event()
    monkeypatch.setattr(os, "statvfs", lambda path: asked.set())
    long = places.call(str(mount), away.wait)

    def is_asked() -> bool:
        places.look()
        return asked.is_set()

    await until(is_asked, 30.0)
    await until(lambda: not places.problems(), 30.0)
    away.set()

    assert await long


async def test_file_system_that_a_different_process_writes_to_is_named_when_it_hangs(
    far: tuple[Places, Path], away: threading.Event
) -> None:
    places, mount = far

    places.probe(str(mount))
    await until(lambda: str(mount) in places.problem_of(str(mount)), 30.0)
    away.set()

    await until(lambda: not places.problems(), 30.0)
