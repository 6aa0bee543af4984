"""The limits that an evaluator process sets on itself before it judges anything."""

import contextlib
import ctypes
import os
import resource
import signal
from pathlib import Path
from typing import Final

FILES_MAX: Final = 64
"""Open files: Python reads modules, and nothing else."""

ORPHANED: Final = 4
"""Exit status of a process whose host ended before it could ask to be killed with it."""

PR_SET_PDEATHSIG: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38


def confine(memory: int, parent: int) -> None:
    """Limit this process: `memory` bytes of address space, and no life without its parent.

    It writes no files and no core, and starts no process; the superuser may still start some,
    which are in its process group and are killed with it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((PR_SET_PDEATHSIG, signal.SIGKILL), (PR_SET_NO_NEW_PRIVS, 1)):
        if libc.prctl(option, int(value), 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"prctl {option} is refused")
    if os.getppid() != parent:
        os._exit(ORPHANED)
    with contextlib.suppress(OSError):  # short of memory, the kernel ends this before the host
        Path("/proc/self/oom_score_adj").write_text("500")
    for limit, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, FILES_MAX),
    ):
        hard = resource.getrlimit(limit)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))
