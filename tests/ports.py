"""Ports for the servers of tests and of measures."""

import socket
from contextlib import suppress
from typing import Final

_HELD: Final[list[int]] = []
"""File descriptors of the sockets that keep ports; open until this process ends."""


def free_port() -> int:
    """A port of this machine that belongs to the servers of this process until it ends.

    The kernel chooses it, and it stays bound. So nothing else gets it, neither a program that asks
    for any port nor a connection that needs one at its own end, also while the server is killed and
    started again. The socket never listens and allows its address to be used again: that lets a
    server listen there which allows the same, as servers do.
    """
    return _held(0)


def free_ports(apart: int) -> int:
    """The first of two such ports; the second is that much higher."""
    while True:
        port = free_port()
        with suppress(OSError, OverflowError):
            _held(port + apart)
            return port


def _held(port: int) -> int:
    with socket.socket() as kept:
        kept.bind(("0.0.0.0", port))  # a server may listen at every address of the machine
        # Only now: bound with it, the socket could share the port of another one.
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        chosen: int = kept.getsockname()[1]
        _HELD.append(kept.detach())
        return chosen
