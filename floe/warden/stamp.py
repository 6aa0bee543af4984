"""Stamps: a number that every process of an attempt carries and cannot lose by accident.

The stamp is a resource limit without effect: RLIMIT_RTTIME, the microseconds that a realtime
process may run without pausing, set to more than 30,000 years. Children inherit it, whatever they
change in their environment, session, parents and descriptors. A cgroup per attempt would do the
same, at 0.1 ms per command and 12 ms at worst; this costs less than 1 µs.

Rule of this file: a lowered limit cannot be raised again, so each number is lower than the previous
one, and a warden inside of a different warden continues below that one's number.
"""

import os
import resource
from typing import Final

from floe.warden.proc import slurp

LIMIT: Final = resource.RLIMIT_RTTIME
TOP: Final = 2**63 - 1
LEAST: Final = 2**60
"""The lowest number: below it the limit could have an effect, in some distant year."""
LINE: Final = b"Max realtime timeout "


class Stamps:
    """The numbers of one warden; random, so that no two wardens have the same."""

    def __init__(self) -> None:
        hard = resource.getrlimit(LIMIT)[1]
        top = TOP if hard == resource.RLIM_INFINITY else hard
        self._latest = top - int.from_bytes(os.urandom(7))

    def next(self) -> int:
        """Take the next number, for programs started from now on; 0 if none is left."""
        number = self._latest - 1 - int.from_bytes(os.urandom(4))
        if number < LEAST:
            return 0
        self._latest = number
        resource.setrlimit(LIMIT, (number, number))
        return number


def stamped(pid: int) -> int:
    """The stamp of a process; 0 if it has none or is gone."""
    _, found, rest = slurp(f"/proc/{pid}/limits", is_one_record=True).partition(LINE)
    hard = rest.split(None, 2)[1] if found else b""
    return int(hard) if hard.isdigit() else 0
