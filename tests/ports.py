"""Ports for the servers of tests."""

import os
import random
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

FIRST: Final = 10_000

WORKERS: Final = 5
"""Test processes that have ports of their own: those of scripts/test, and one that runs alone."""

CHANCE: Final = random.SystemRandom()


def free_port() -> int:
    """A port of this machine that nobody listens on, and that the system gives to nobody itself.

    One that the system chose could be chosen again, for a connection of anybody, before a host
    listens there; and a client that asks for such a port meanwhile can be connected to itself.
    Nor does a test process beside this one take it while its host is killed and started again.
    """
    chosen = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", f"gw{WORKERS - 1}").removeprefix("gw"))
    while True:
        port = CHANCE.randrange(FIRST + worker % WORKERS, int(chosen.split()[0]), WORKERS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
