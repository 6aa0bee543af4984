"""A root that does not stay: a temporary folder, made and removed by the warden that serves it.

That warden starts before there is anything to remove, and ends with the process that asked for
it: when this is killed, its commands are stopped and the folder is removed all the same.
"""

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
from floe.nodes.warden_link import public_environment

REMOVE_S: Final = 60.0
"""Time for the folder to be removed; after it that goes on without us."""
PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv[1]);"
    " from floe.warden.passing import main; main(sys.argv[2:])"
)


class PassingRoot:
    """The root, from `ready` until it is left."""

    path: Path

    def __init__(self, *, keep: bool) -> None:
        """With `keep` the folder stays; its commands end all the same."""
        self._keep = keep

    def __enter__(self) -> Self:
        """Start its warden, without waiting for it. Raises Yours."""
        try:
            folder = tempfile.gettempdir()
        except FileNotFoundError as error:
            raise _no_folder(str(error)) from None
        self.path = Path(folder).absolute() / f"floe-run-{secrets.token_hex(6)}"
        self._life, theirs = socket.socketpair()
        with theirs:
            self._start = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", "-c", PROGRAM),
                    str(Path(str(files("floe"))).parent),
                    *(str(self.path), str(theirs.fileno()), "keep" if self._keep else ""),
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
        """Wait until the folder is there and its warden serves it. Raises Yours."""
        assert self._start.stderr is not None
        reason = self._start.stderr.read()
        if self._start.wait():
            raise _no_folder(reason.decode(errors="replace").strip())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until the warden has ended, and with it the folder."""
        with self._start, self._life:
            self._life.shutdown(socket.SHUT_WR)
            self._life.settimeout(REMOVE_S)
            with suppress(TimeoutError):
                self._life.recv(1)
        if not self._keep:  # the warden was killed, and there is nobody else to do it
            shutil.rmtree(self.path, ignore_errors=True)


def _no_folder(why: str) -> Yours:
    return Yours(f"no temporary folder: {why}", "set TMPDIR to one")
