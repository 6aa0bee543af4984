"""The warden of a `floe run`: it creates the root, outlives the run briefly, and removes the root.

Rules of this file: the process that creates a root also removes it. However the run ends, the other
end of `life` closes, and that is the only signal needed. If warden and run are both killed, the
warden of a later `floe run` removes the root, once the lock on its mark is free, which both hold.
"""

# Descriptors and calls that work on half-removed folders; Path does not.
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH114, PTH208

import contextlib
import errno
import fcntl
import os
import select
import shutil
import socket
import stat
import sys
from math import inf
from typing import NoReturn

from floe.warden.daemon import become_daemon, start
from floe.warden.log import log_line
from floe.warden.warden import Warden


def main(argv: list[str]) -> NoReturn:
    """Start a passing warden for `ROOT LIFE MARK`. LIFE is a socket; MARK names the file that marks
    a root as one to remove, empty keeps this one."""
    root, life, mark = argv[0], socket.socket(fileno=int(argv[1])), argv[2]
    life.set_inheritable(False)
    start(f"{root}/warden/v1", lambda path: make_warden(root, path, life, mark))
    life.setblocking(True)
    while life.recv(64):
        pass
    if mark:
        remove_root(root)
    life.close()  # the run waits no longer
    if mark:
        folder, _, name = root.rpartition("/")
        sweep_roots(folder, name, mark)
    sys.exit(0)


def sweep_roots(folder: str, like: str, mark: str) -> None:
    """Remove passing roots whose run and warden were both killed, and end their commands.

    Their names begin as `like` does, up to its last hyphen.
    """
    for name in os.listdir(folder):
        root = f"{folder}/{name}"
        if name.rpartition("-")[0] == like.rpartition("-")[0] and _is_own_root(root):
            with contextlib.suppress(OSError):
                _remove_left_root(root, mark)


def _is_own_root(root: str) -> bool:
    """Whether it is a folder of this user that no other user can write to."""
    with contextlib.suppress(OSError):
        found = os.lstat(root)
        is_private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
        return is_private and found.st_uid == os.geteuid()
    return False


def _remove_left_root(root: str, mark: str) -> None:
    """Raises OSError if the root is in use or is to be kept."""
    held = os.open(f"{root}/{mark}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        Warden(f"{root}/warden/v1", 0.0).serve()  # ends its remaining commands
        log_line("root.leftover_removed", root=root)
        remove_root(root)
    finally:
        os.close(held)


def make_warden(root: str, path: str, life: socket.socket, mark: str) -> Warden:
    """Create a passing root and the warden that serves it. Raises OSError."""
    if select.select([life], [], [], 0)[0]:
        raise OSError(errno.EPIPE, "the process that started it is gone")
    os.mkdir(root, 0o700)
    try:
        if mark:
            _mark_root(root, mark)
        os.makedirs(path, 0o700)
        become_daemon(path)
        return Warden(path, inf, life)
    except BaseException:
        remove_root(root)
        raise


def _mark_root(root: str, mark: str) -> None:
    """Mark a root as one to remove when this process and the run are gone.

    The mark is locked before it has its name, and for the life of this process: other wardens
    never see an unlocked mark of a root that is still being created.
    """
    held = os.open(f"{root}/.{mark}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(held, fcntl.LOCK_SH)
    os.rename(f"{root}/.{mark}", f"{root}/{mark}")


def remove_root(root: str) -> None:
    """Remove a passing root, including read-only folders in it."""
    shutil.rmtree(root, ignore_errors=True)
    if os.path.lexists(root):
        os.chmod(root, stat.S_IRWXU)
        for folder, names, _ in os.walk(root):
            for name in names:
                path = f"{folder}/{name}"
                if not os.path.islink(path):
                    os.chmod(path, stat.S_IRWXU)
        shutil.rmtree(root, ignore_errors=True)
