"""Starts the warden: it leaves the hub's session and serves a folder."""

# ruff: noqa: PTH123 - a descriptor, which Path cannot open

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Final, NoReturn

from floe.warden.log import log_line
from floe.warden.warden import Warden

IDLE_S: Final = 30.0
"""Seconds without a command and without a hub after which the warden ends."""
LOCKED: Final = 3
"""Exit status of a warden whose folder is already served."""
PR_SET_CHILD_SUBREAPER: Final = 36


def become_daemon(path: str) -> None:
    """Leave the hub's session; standard error is the log from here on."""
    os.setsid()
    os.chdir("/")
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot become a child subreaper")
    null = os.open("/dev/null", os.O_RDWR)
    log = os.open(f"{path}/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in enumerate((null, null, log)):
        os.dup2(source, target)
    os.close(null)
    os.close(log)


def main(argv: list[str]) -> NoReturn:
    """Run the daemon of a warden for `FOLDER [FILES [IDLE_S]]`; the status is 0, or 1 or LOCKED.

    FILES is the soft limit on open files for commands; 0 for the warden's own.
    """
    files = int(argv[2]) if argv[2:] else 0
    idle_s = float(argv[3]) if argv[3:] else IDLE_S
    start(argv[1], lambda path: _warden(path, idle_s, files))
    sys.exit(0)


def _warden(path: str, idle_s: float, files: int) -> Warden:
    become_daemon(path)
    return Warden(path, idle_s, files=files)


def start(path: str, make: Callable[[str], Warden]) -> None:
    """Start a warden as a daemon, and exit. In the daemon itself, return when its work is done.

    `make` is called in the process that serves.
    """
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        with open(reading, encoding="utf-8", errors="replace") as answer:
            status, _, reason = answer.read().partition(" ")
        sys.stderr.write(reason if status else f"it died at once; see {path}/log")
        sys.exit(int(status or 1))
    os.close(reading)
    try:
        warden = make(path)
    except BlockingIOError:
        os.write(writing, f"{LOCKED} a different warden serves {path}".encode())
        os._exit(LOCKED)
    except OSError as error:
        os.write(writing, f"1 {error}".encode())
        os._exit(1)
    known, left = len(warden.journal), len(warden.left)
    log_line("warden.started", pid=os.getpid(), left=left, known=known)
    os.write(writing, b"0 ")
    os.close(writing)
    warden.serve()
    log_line("warden.ended", pid=os.getpid())
