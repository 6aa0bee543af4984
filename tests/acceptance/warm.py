"""Processes that do not load floe: each is a fork of one that has, for a tenth of the CPU time.

A host is a process as always, with its own folder, environment, log and end; it only lacks the
0.4 s of imports before its first line. Tests of the start itself, or of what a process gets from
its parent (a shell, limits, a different clock), start the installed program.
"""

import multiprocessing
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from typing import Final

from floe.cli import main

LOADED: Final = multiprocessing.get_context("forkserver")
LOADED.set_forkserver_preload(
    ["floe.cli.plain_host", "floe.server.app", "floe.peers.http", "tests.acceptance.crash_host"]
)


def floe_host() -> None:
    """Be `floe host`."""
    main(["host"])


class Warm:
    """A process that calls a function, and as much of `subprocess.Popen` as tests of hosts use."""

    def __init__(
        self,
        call: Callable[[], None],
        *,
        cwd: Path,
        env: Mapping[str, str],
        output: Path,
        errors: Path | None = None,
    ) -> None:
        """Call `call`, a function of a module.

        Standard output is appended to `output`, and standard error to `errors`, else there, too.
        """
        files = (str(output), str(errors or output))
        self._process = LOADED.Process(
            target=_become, args=(call, str(cwd), dict(env), files), daemon=True
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self._asking = threading.Lock()  # two threads that ask for the exit status at once lose it

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        with self._asking:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit status. Raises TimeoutExpired."""
        if not wait_for_any([self._process.sentinel], timeout):
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        status = self.poll()
        assert status is not None
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def floe_ran(
    words: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float
) -> subprocess.CompletedProcess[bytes]:
    """Run a command of floe to its end, without standard input. Raises TimeoutExpired."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        call = partial(main, list(words))
        process = Warm(call, cwd=cwd, env=env, output=output, errors=errors)
        try:
            status = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(
            ["floe", *words], status, output.read_bytes(), errors.read_bytes()
        )


def _become(
    call: Callable[[], None], cwd: str, env: Mapping[str, str], files: tuple[str, str]
) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for standard, path in enumerate(files, 1):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(file, standard)
        os.close(file)
    call()
