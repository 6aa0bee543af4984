"""The warden of a `floe run`: it creates the root, outlives the run briefly, and removes the root.

Rule of this file: the process that creates a root also removes it. However the run ends, the other
end of `life` closes, and that is the only signal needed.
"""

# Descriptors and calls that work on half-removed folders; Path does not.
# ruff: noqa: PTH101, PTH102, PTH103, PTH114

import errno
import os
import select
import shutil
import socket
import stat
import sys
from math import inf
from typing import NoReturn

from floe.warden.daemon import become_daemon, start
from floe.warden.warden import Warden


def main(argv: list[str]) -> NoReturn:
    """Start a warden for `ROOT LIFE KEEP`; LIFE is a socket, KEEP not empty keeps the root."""
    root, life, keep = argv[0], socket.socket(fileno=int(argv[1])), bool(argv[2])
    life.set_inheritable(False)
    start(f"{root}/warden/v1", lambda path: _warden(root, path, life))
    life.setblocking(True)
    while life.recv(64):
        pass
    if not keep:
        remove(root)
    sys.exit(0)


def _warden(root: str, path: str, life: socket.socket) -> Warden:
    if select.select([life], [], [], 0)[0]:
        raise OSError(errno.EPIPE, "the process that started it is gone")
    os.mkdir(root, 0o700)
    try:
        os.makedirs(path, 0o700)
        become_daemon(path)
        return Warden(path, inf, life)
    except BaseException:
        remove(root)
        raise


def remove(root: str) -> None:
    """Remove a folder, including read-only folders in it."""
    shutil.rmtree(root, ignore_errors=True)
    if os.path.lexists(root):
        os.chmod(root, stat.S_IRWXU)
        for folder, names, _ in os.walk(root):
            for name in names:
                path = f"{folder}/{name}"
                if not os.path.islink(path):
                    os.chmod(path, stat.S_IRWXU)
        shutil.rmtree(root, ignore_errors=True)
