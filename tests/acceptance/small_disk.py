"""A host whose root lies on a disk of a few megabytes: a tmpfs in a mount namespace of its own.

As root the namespace is made as it is, otherwise within a user namespace. The test reaches the
disk through the root folder of the host's process.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.acceptance.product import FLOE, Host

UNSHARE: Final = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "-r", "--mount")


class SmallDisk:
    """The disk on which a folder of a host lies."""

    def __init__(self, host: Host, name: str) -> None:
        self._host = host
        self._folder = host.folder / name

    @property
    def folder(self) -> Path:
        """The folder as the host sees it."""
        assert self._host.process is not None
        return Path(f"/proc/{self._host.process.pid}/root{self._folder}")

    def fill(self) -> None:
        """Leave no byte."""
        with (self.folder / "ballast").open("wb", buffering=0) as file:
            for size in (64 * 1024, 512):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def fill_inodes(self) -> None:
        """Leave no inode."""
        (self.folder / "inodes").mkdir()
        try:
            for number in range(10**6):
                (self.folder / "inodes" / str(number)).touch()
        except OSError:
            return

    def free(self) -> None:
        """Remove what filled it."""
        (self.folder / "ballast").unlink(missing_ok=True)
        if (inodes := self.folder / "inodes").exists():
            shutil.rmtree(inodes)

    def remount(self, how: str) -> None:
        """Mount it again, `ro` or `rw`."""
        assert self._host.process is not None
        enter = ["nsenter", "-t", str(self._host.process.pid), "--mount"]
        enter += [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        subprocess.run(
            [*enter, "mount", "-o", f"remount,{how}", str(self._folder)],
            check=True,
            capture_output=True,
        )


@contextmanager
def on_small_disk(
    folder: Path, config: str, name: str = "root", options: str = "size=24m"
) -> Iterator[tuple[Host, SmallDisk]]:
    """A host at work, with one of its folders on a disk of its own."""
    (folder / name).mkdir(parents=True, mode=0o700)
    host = Host(folder, config)
    host.start(mounted(folder / name, options))
    try:
        yield host, SmallDisk(host, name)
    finally:
        if host.is_up():
            host.stop()
        host.end_warden()


def mounted(place: Path, options: str) -> Sequence[str]:
    """The program of a host that starts with a disk of its own at a place."""
    script = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'
    return (*UNSHARE, "sh", "-c", script, "sh", options, str(place), *FLOE)
