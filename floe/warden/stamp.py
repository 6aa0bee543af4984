"""A number that every process of an attempt carries and cannot lose by accident.

It is a limit that limits nothing: RLIMIT_RTTIME, the microseconds that a realtime process may run
without pausing, set to more than 30,000 years. Children inherit it, whatever they do to
their environment, session, parents and descriptors. A cgroup for each attempt would do the same
and costs 0.1 ms a command, 12 ms at worst; this costs less than 1 µs.

Rule of this file: a limit that was lowered cannot be raised again, so each number is lower than
the one before it, and a warden that runs under another one goes on below the other's number.
"""

import os
import resource
from typing import Final

from floe.warden.proc import slurp

LIMIT: Final = resource.RLIMIT_RTTIME
TOP: Final = 2**63 - 1
LEAST: Final = 2**60
"""Below it there are no more numbers: it would begin to be a limit, in some distant year."""
LINE: Final = b"Max realtime timeout "


class Stamps:
    """The numbers of one warden; by chance, so that no two wardens have the same."""

    def __init__(self) -> None:
        hard = resource.getrlimit(LIMIT)[1]
        top = TOP if hard == resource.RLIM_INFINITY else hard
        self._latest = top - int.from_bytes(os.urandom(7))

    def next(self) -> int:
        """Take on the next number, for what is started from here on; 0 where none is left."""
        number = self._latest - 1 - int.from_bytes(os.urandom(4))
        if number < LEAST:
            return 0
        self._latest = number
        resource.setrlimit(LIMIT, (number, number))
        return number


def stamped(pid: int) -> int:
    """The number of a process; 0 where it has none or is gone."""
    _, found, rest = slurp(f"/proc/{pid}/limits", is_one_record=True).partition(LINE)
    hard = rest.split(None, 2)[1] if found else b""
    return int(hard) if hard.isdigit() else 0
