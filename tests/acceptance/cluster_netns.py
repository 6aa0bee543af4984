"""Hosts in network namespaces, with partitions that the kernel makes: for root on Linux.

The driver moves into a namespace of its own and makes a bridge there, with a namespace for each
host on it. So nothing that is said leaves what was made here, and with the namespaces it is all
gone.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from tests.acceptance.cluster import Cluster
from tests.acceptance.product import FLOE

CLONE_NEWNET: Final = 0x40000000

NET: Final = "10.77.0"
PORT: Final = 8080


class Namespaces:
    """A network of namespaces, one for each host."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._addresses = {id: f"{NET}.{nth}" for nth, id in enumerate(ids, 1)}
        self._names = {id: f"floe-{os.getpid()}-{id}" for id in ids}

    @contextmanager
    def serving(self, cluster: Cluster) -> Iterator["Namespaces"]:
        """Put the hosts of a cluster into namespaces, and this process where it sees them all."""
        _leave_the_network()
        _run("ip link set lo up")
        _run("ip link add floe type bridge")
        _run(f"ip addr add {NET}.254/24 dev floe")
        _run("ip link set floe up")
        with ExitStack() as stack:
            for id, name in self._names.items():
                _run(f"ip netns add {name}")
                stack.callback(_run, f"ip netns del {name}")
                self._wire(id, name)
                host = cluster[id]
                host.move(f"{self._addresses[id]}:{PORT}")
                host.program = ("ip", "netns", "exec", name, *FLOE)
                host.options["FLOE_INSECURE"] = "true"  # nobody else is on this network
            yield self

    def _wire(self, id: str, name: str) -> None:
        _run(f"ip link add floe-{id} type veth peer name eth0 netns {name}")
        _run(f"ip link set floe-{id} master floe up")
        _run(f"ip -n {name} link set lo up")
        _run(f"ip -n {name} addr add {self._addresses[id]}/24 dev eth0")
        _run(f"ip -n {name} link set eth0 up")

    def url(self, a: str, b: str) -> str:
        return f"http://{self._addresses[b]}:{PORT}"

    def cut(self, a: str, b: str) -> None:
        """Drop each packet from `a` to `b`: one way is enough to stop a connection."""
        _run(f"ip netns exec {self._names[b]} iptables -A INPUT -s {self._addresses[a]} -j DROP")

    def mend(self, a: str, b: str) -> None:
        _run(f"ip netns exec {self._names[b]} iptables -D INPUT -s {self._addresses[a]} -j DROP")


def _leave_the_network() -> None:
    """Into a network namespace without a name, which ends with this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"no network namespace: {os.strerror(number)}")


def _run(command: str) -> None:
    subprocess.run(command.split(), check=True, stdin=subprocess.DEVNULL, capture_output=True)
