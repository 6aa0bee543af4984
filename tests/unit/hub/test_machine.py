"""Whether there is room in a folder, and what the core makes of the machine's troubles."""

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from floe.host.inputs import Troubles
from floe.hub import machine
from floe.hub.machine import (
    FILES_LEFT,
    FREE_BYTES,
    FREE_INODES,
    TIGHT_BYTES,
    MachineFolder,
    existing,
    lacking,
)
from floe.kernel.place import Refusals
from floe.store.memory import MemoryStore
from tests.hands import Hands, a_hub, executors, until
from tests.make_hosts import a_host_core

ROOMY: dict[str, int] = {
    "f_frsize": 1,
    "f_blocks": 1,
    "f_bavail": 2 * TIGHT_BYTES,
    "f_bfree": 2 * TIGHT_BYTES,
    "f_files": 1,
    "f_favail": 10**6,
    "f_ffree": 10**6,
    "f_flag": 0,
}


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the disk under every folder says of itself."""
    disk = SimpleNamespace(**ROOMY)
    monkeypatch.setattr(os, "statvfs", lambda path: disk)
    return disk


def test_folder_with_room_lacks_nothing(tmp_path: Path, disk: SimpleNamespace) -> None:
    assert lacking(tmp_path) == ""


def test_folder_that_is_not_made_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    assert existing(tmp_path / "not" / "yet") == tmp_path


def test_disk_without_bytes_is_full(tmp_path: Path, disk: SimpleNamespace) -> None:
    disk.f_bavail = disk.f_bfree = FREE_BYTES - 1

    assert lacking(tmp_path) == "its disk is full, 511 KiB are free"


def test_disk_without_inodes_is_full(tmp_path: Path, disk: SimpleNamespace) -> None:
    disk.f_favail = disk.f_ffree = FREE_INODES - 1

    assert lacking(tmp_path) == "its disk is full, 31 inodes are free"


def test_file_system_that_counts_no_inodes_is_not_full(
    tmp_path: Path, disk: SimpleNamespace
) -> None:
    disk.f_files = disk.f_favail = disk.f_ffree = 0

    assert lacking(tmp_path) == ""


def test_disk_that_is_read_only_takes_nothing(tmp_path: Path, disk: SimpleNamespace) -> None:
    disk.f_flag = os.ST_RDONLY

    assert lacking(tmp_path) == "its disk is read-only"


def test_disk_that_was_full_needs_twice_the_room(tmp_path: Path, disk: SimpleNamespace) -> None:
    disk.f_bavail = disk.f_bfree = 2 * FREE_BYTES - 1

    assert (lacking(tmp_path), bool(lacking(tmp_path, was_full=True))) == ("", True)


def test_disk_that_is_tight_is_tried(
    tmp_path: Path, disk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def over_quota(folder: Path) -> None:
        raise OSError(122, "Disk quota exceeded")

    disk.f_bavail = disk.f_bfree = TIGHT_BYTES - 1
    monkeypatch.setattr(machine, "write_probe", over_quota)

    assert lacking(tmp_path) == "Disk quota exceeded"


def test_trying_a_disk_leaves_nothing_there(tmp_path: Path, disk: SimpleNamespace) -> None:
    disk.f_bavail = disk.f_bfree = TIGHT_BYTES - 1

    lacking(tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("/dev/full")])
def test_trying_a_disk_is_not_misled_by_what_a_command_put_there(
    tmp_path: Path, disk: SimpleNamespace, put: Any
) -> None:
    disk.f_bavail = disk.f_bfree = TIGHT_BYTES - 1
    put(tmp_path / ".floe-probe")

    assert lacking(tmp_path) == ""


async def test_file_system_that_hangs_is_named_and_holds_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    looks = []

    def hang(path: Path, *, was_full: bool) -> str:
        looks.append(path)
        asyncio.run_coroutine_threadsafe(over.wait(), loop).result()
        return ""

    monkeypatch.setattr(machine, "HANG_S", 0.0)
    monkeypatch.setattr(machine, "lacking", hang)
    folder = MachineFolder("workspace-root", tmp_path)

    await folder.look()
    await until(lambda: looks)
    await folder.look()
    said = folder.problem
    over.set()

    assert said == "waits for the file system of its workspace-root for 0 s"
    assert looks == [tmp_path]


async def test_store_whose_disk_hangs_hides_no_other_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(MemoryStore):
        async def check(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(machine, "HANG_S", 0.1)
    async with a_hub(store=Hanging(), folders={"root": tmp_path}) as hub:
        monkeypatch.setattr(machine, "lacking", lambda path, *, was_full: "its disk is full")
        async with asyncio.timeout(60):
            await hub.machine.look()

        assert hub.machine.troubles() == ("has no room in its root: its disk is full",)


def test_host_in_trouble_is_given_no_run_and_explains_why() -> None:
    host = a_host_core("h1", peers=0)
    host.step(Troubles(problems=("has no room in its root: its disk is full",)))
    ref = host.start()

    placed = host.core.place(host.core.table.pends[ref], host.now)

    assert isinstance(placed, Refusals)
    assert placed.by_host == {"h1": ("has no room in its root: its disk is full",)}


def test_run_that_waited_is_begun_once_the_trouble_is_over() -> None:
    host = a_host_core("h1", peers=0)
    host.step(Troubles(problems=("is full",)))
    ref = host.start()
    waited = host.run(ref).phase

    host.step(Troubles(problems=()))

    assert (waited, host.run(ref).phase) == ("pending", "active")


def test_trouble_stays_when_the_step_that_received_it_could_not_be_stored() -> None:
    host = a_host_core("h1", peers=0)
    decided = host.core.step([], host.now)
    host.step(Troubles(problems=("is full",)))

    host.core.undo(decided)

    assert host.core.view().problems == ("is full",)


async def test_host_with_few_open_files_left_begins_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "files_left", lambda: FILES_LEFT - 1)
    monkeypatch.setattr(machine, "files_max", lambda: 1024)
    hands = Hands()

    async with a_hub(executors=executors(hands)) as hub:
        await hub.machine.look()

        assert hub.machine.troubles() == ("has 15 of 1024 open files left",)
        assert hands.held == "has 15 of 1024 open files left"
        assert hub.machine.refusal() == ""
