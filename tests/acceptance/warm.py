"""Processes that do not load floe: each is a fork of one that has, for a tenth of the CPU time.

A host is a process as always, with its own folder, environment, log and end; it only lacks the
0.4 s of imports before its first line. Tests of the start itself, or of what a process gets from
its parent (a shell, limits, a different clock), start the installed program.
"""

import multiprocessing
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from typing import Final

from floe.cli import main

LOADED: Final = multiprocessing.get_context("forkserver")
LOADED.set_forkserver_preload(
    ["floe.cli.host", "floe.server.app", "floe.peers.http", "tests.acceptance.crash_host"]
)


def floe_host() -> None:
    """Be `floe host`."""
    main(["host"])


class Warm:
    """A process that calls a function, and as much of `subprocess.Popen` as tests of hosts use."""

    def __init__(
        self, call: Callable[[], None], *, cwd: Path, env: Mapping[str, str], output: Path
    ) -> None:
        """`call` is a function of a module; standard output and error are appended to `output`."""
        self._process = LOADED.Process(
            target=_become, args=(call, str(cwd), dict(env), str(output)), daemon=True
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


def _become(call: Callable[[], None], cwd: str, env: Mapping[str, str], output: str) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    log = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)
    call()
