"""A host with a folder on a file system that a test can stop: bindfs in a mount namespace.

A stopped bindfs is a server that is away: every call into the folder waits until it continues.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tests.acceptance.product import FLOE, Host
from tests.acceptance.small_disk import UNSHARE

MOUNT: Final = """
(setsid bindfs -f -o attr_timeout=0,entry_timeout=0 "$1" "$2" >"$1.log" 2>&1 & echo $! >"$1.pid")
until mountpoint -q "$2"; do
  kill -0 "$(cat "$1.pid")" || { cat "$1.log" >&2; exit 1; }
  sleep 0.05
done
shift 2
exec "$@"
"""


class HangingDisk:
    """The file system of a folder."""

    def __init__(self, pid: int, place: Path) -> None:
        self._pid = pid
        self.place = place
        """Its mount point."""

    def stop(self) -> None:
        """Let every call into it wait."""
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        os.kill(self._pid, signal.SIGCONT)

    def end(self) -> None:
        """End it: every call that still waits fails."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)


@contextmanager
def on_hanging_disk(folder: Path, config: str, name: str) -> Iterator[tuple[Host, HangingDisk]]:
    """A host at work, with one of its folders on such a file system."""
    place, source = folder / name, folder / "source"
    place.mkdir(parents=True, mode=0o700)
    source.mkdir()
    host = Host(folder, config)
    try:
        host.start((*UNSHARE, "sh", "-c", MOUNT, "sh", str(source), str(place), *FLOE))
        disk = HangingDisk(int(Path(f"{source}.pid").read_text()), place)
        try:
            yield host, disk
        finally:
            disk.go_on()
    finally:
        host.close()
        with suppress(FileNotFoundError):
            HangingDisk(int(Path(f"{source}.pid").read_text()), place).end()
