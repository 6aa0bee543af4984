"""A disk without room while the store still has some in its log: nothing is lost or bad."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.acceptance.people import floe
from tests.acceptance.product import Host, until
from tests.acceptance.small_disk import SmallDisk, on_small_disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CONFIG = """
common: {grace: 0.5}
flows:
  - id: one
    triggers: [{id: start, type: data}]
    tasks: [{id: a, type: exec, listen: trigger.good, opts: {cmd: echo one}}]
  - id: under-way
    triggers: [{id: start, type: data}]
    tasks:
      - id: wait
        type: exec
        listen: trigger.good
        opts: {shell: 'until [ -e "$HERE/go" ]; do sleep 0.05; done'}
""" + "".join(
    f"      - {{id: next-{n}, type: exec, listen: task.wait.good, opts: {{cmd: 'true'}}}}\n"
    for n in range(16)  # more than the room that one command leaves when it ends
)


def warm(host: Host) -> None:
    """Let the store's log grow to the size that it keeps: from then on it has room of its own."""
    for _ in range(12):
        runs = [host.trigger("one") for _ in range(25)]
        host.until_over(runs[-1])


def trouble(host: Host) -> list[str]:
    """What people are told is wrong with the host."""
    return list(host.api.get("hosts")["hosts"][0]["problems"])


def no_bytes(disk: SmallDisk) -> None:
    disk.fill()


def no_inodes(disk: SmallDisk) -> None:
    disk.fill_inodes()


def read_only(disk: SmallDisk) -> None:
    disk.remount("ro")


def room(disk: SmallDisk) -> None:
    disk.free()


def writable(disk: SmallDisk) -> None:
    disk.remount("rw")


Act = Callable[[SmallDisk], None]
HostWithDiskAt = Callable[[str], tuple[Host, SmallDisk]]

FULL = {
    "no byte is left": (no_bytes, room, "its disk is full"),
    "no inode is left": (no_inodes, room, "its disk is full"),
    "it is read-only": (read_only, writable, "its disk is read-only"),
}

PLACES = {
    "root": ("no byte is left", "no inode is left"),  # the rest is open: it cannot be read-only
    "root/runs": ("no byte is left", "no inode is left"),
    "root/warden": ("no byte is left", "no inode is left"),
    "root/spaces": tuple(FULL),
}


@pytest.fixture(scope="module")
def with_disk_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostWithDiskAt]:
    """For each place a host that has run for a while, with a small disk there."""
    with ExitStack() as stack:

        @cache
        def made(place: str) -> tuple[Host, SmallDisk]:
            folder = tmp_path_factory.mktemp("small")
            small = on_small_disk(folder, CONFIG, place, "size=24m,nr_inodes=8k")
            host, disk = stack.enter_context(small)
            warm(host)
            return host, disk

        yield made


@pytest.mark.parametrize(("place", "name"), [(p, name) for p in PLACES for name in PLACES[p]])
def test_host_without_room_takes_nothing_new_and_loses_nothing(
    with_disk_at: HostWithDiskAt, place: str, name: str
) -> None:
    host, disk = with_disk_at(place)
    fill, free, found = FULL[name]
    (host.folder / "go").unlink(missing_ok=True)
    run = host.trigger("under-way")
    host.until_node(run, "wait", "running")

    fill(disk)
    (host.folder / "go").touch()
    until(lambda: found in " ".join(trouble(host)), "that its problem is listed")
    refused = floe(host, "trigger", "one")
    was_ready = host.is_ready()
    free(disk)

    assert (refused.returncode, was_ready) == (3, False)
    assert "this host has no room in its" in refused.stderr
    assert host.until_over(run)["good"]
    until(lambda: host.is_ready() and not trouble(host), "that there is room again")
    assert host.until_over(host.trigger("one"))["good"]
    assert host.api.get("runs", good="false")["runs"] == []
    assert "Traceback" not in host.log.read_text()


def test_why_of_a_node_that_waits_for_room_names_it(tmp_path: Path) -> None:
    with on_small_disk(tmp_path, CONFIG, "root/runs", "size=24m,nr_inodes=8k") as (host, disk):
        run = host.trigger("under-way")
        host.until_node(run, "wait", "running")

        disk.fill_inodes()
        (tmp_path / "go").touch()
        until(lambda: "no room" in host.api.get(f"runs/{run}/why")["text"], "why it waits")
        disk.free()

        assert host.until_over(run)["good"]
