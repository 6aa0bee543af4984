"""A temporary root, created and removed by the warden that serves it.

That warden starts before there is anything to remove, and ends with the process that started it.
Even if that process is killed, the warden stops its commands and removes the folder.
"""

import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from floe.model.errors import Yours
from floe.nodes.commands import Commands
from floe.nodes.warden_link import public_environment

REMOVE_S: Final = 60.0
"""Seconds to wait for the removal of the folder, which then goes on in the background."""
PREFIX: Final = "floe-run-"
MARK: Final = "passing"
"""The file in a root that is to be removed; the run holds a lock on it while it lives."""
PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv[1]);"
    " from floe.warden.passing import main; main(sys.argv[2:])"
)


class PassingRoot:
    """The temporary root as a context manager; usable after `wait_ready`."""

    path: Path

    def __init__(self, *, keep: bool) -> None:
        """With `keep` the folder stays; its commands end anyway."""
        self._keep = keep
        self._mark: int | None = None

    def __enter__(self) -> Self:
        """Start the warden without waiting for it. Raises Yours."""
        try:
            folder = tempfile.gettempdir()
        except FileNotFoundError as error:
            raise _no_folder(str(error)) from None
        self.path = Path(folder).absolute() / f"{PREFIX}{secrets.token_hex(6)}"
        self._life, theirs = socket.socketpair()
        with theirs:
            self._start = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", "-c", PROGRAM),
                    str(Path(str(files("floe"))).parent),
                    *(str(self.path), str(theirs.fileno()), "" if self._keep else MARK),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=public_environment(),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        return self

    def wait_ready(self) -> None:
        """Wait until the folder exists and the warden serves it. Raises Yours."""
        assert self._start.stderr is not None
        reason = self._start.stderr.read()
        if self._start.wait():
            raise _no_folder(reason.decode(errors="replace").strip())
        if not self._keep:  # says that this run lives, even while its warden is replaced
            self._mark = os.open(self.path / MARK, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self._mark, fcntl.LOCK_SH)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until the warden has removed the folder and ended."""
        with self._start, self._life:
            self._life.shutdown(socket.SHUT_WR)
            self._life.settimeout(REMOVE_S)
            with suppress(TimeoutError):
                self._life.recv(1)
        if not self._keep:  # if the warden was killed, the folder is still there
            shutil.rmtree(self.path, ignore_errors=True)
        if self._mark is not None:
            os.close(self._mark)


def _no_folder(why: str) -> Yours:
    return Yours(f"no temporary folder: {why}", "set TMPDIR to a folder that can be written")


class PassingCommands(Commands):
    """The executor of commands on a temporary root: they end when it is closed."""

    async def close(self) -> None:
        """Close the executor: stop all commands and the warden. Raises World if it stays."""
        await self.shutdown()
