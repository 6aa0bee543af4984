"""What happens to the hosts of a cluster and to what is between them, and when.

A plan is made from a seed alone, so that it can be had again; what the hosts do at each of its
moments is theirs.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.acceptance.cluster import Cluster, Network, Proxies
from tests.proxy import SLOW_S

QUIET_S: Final = (0.2, 2.0)
"""From the beginning of one fault to that of the next; several are there at a time."""

LASTS_S: Final = (0.5, 6.0)

OF_HOSTS: Final = ("kill", "stop", "freeze")
"""SIGKILL, SIGTERM (both are started again at the end of it), SIGSTOP."""

OF_LINKS: Final = ("isolate", "part", "one way")
"""A host from all others; two hosts from one another; what one of two says to the other."""

OF_PROXIES: Final = ("slow", "double", "break")
"""Of what one host sends to another, or asks of it: late; twice; on connections that break."""

KINDS: Final = (*OF_HOSTS, *OF_LINKS, *OF_PROXIES)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault. Times in seconds from the beginning of the trial."""

    at: float
    until: float
    kind: str
    hosts: tuple[str, ...]
    """Whom it befalls: one host, or the two ends of a link."""

    def __str__(self) -> str:
        return f"{self.at:6.1f} to {self.until:5.1f} s  {self.kind:8} {' '.join(self.hosts)}"


def plan(seed: int, seconds: float, hosts: Sequence[str], kinds: Sequence[str]) -> list[Fault]:
    """Faults for so long. Of one host, or of one link, one ends before the next begins."""
    chance = random.Random(seed)
    faults: list[Fault] = []
    busy: dict[tuple[str, ...], float] = {}
    at = 0.0
    while (at := at + chance.uniform(*QUIET_S)) < seconds:
        kind = chance.choice(kinds)
        ends = tuple(chance.sample(hosts, 1 if kind in (*OF_HOSTS, "isolate") else 2))
        until = min(at + chance.uniform(*LASTS_S), seconds)
        places = [ends] if kind in OF_HOSTS else [*links(kind, ends, hosts)]
        if all(busy.get(place, 0) < at for place in places):
            busy |= dict.fromkeys(places, until)
            faults.append(Fault(at, until, kind, ends))
    return faults


def links(kind: str, ends: Sequence[str], hosts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The links that a fault is on, each as who speaks and who is spoken to."""
    if kind == "isolate":
        for other in set(hosts) - set(ends):
            yield ends[0], other
            yield other, ends[0]
        return
    yield ends[0], ends[1]
    if kind == "part":
        yield ends[1], ends[0]


def begin(fault: Fault, cluster: Cluster, network: Network) -> None:
    """Let it be so."""
    host = cluster[fault.hosts[0]]
    match fault.kind:
        case "kill":
            host.kill()
        case "stop":
            host.stop()
        case "freeze":
            host.freeze()
        case _:
            _befall(fault, cluster, network, begins=True)


def end(fault: Fault, cluster: Cluster, network: Network) -> None:
    """Let it be over; whoever was dead has been started and is not waited for."""
    host = cluster[fault.hosts[0]]
    match fault.kind:
        case "kill" | "stop":
            host.spawn()
        case "freeze":
            host.thaw()
        case _:
            _befall(fault, cluster, network, begins=False)


def _befall(fault: Fault, cluster: Cluster, network: Network, *, begins: bool) -> None:
    if fault.kind in OF_LINKS:
        act = network.cut if begins else network.mend
        for a, b in links(fault.kind, fault.hosts, list(cluster.hosts)):
            act(a, b)
        return
    assert isinstance(network, Proxies), f"only a proxy can do what {fault.kind} is"
    proxy = network.between(fault.hosts[0], fault.hosts[1])
    match fault.kind:
        case "slow":
            proxy.slow(SLOW_S if begins else 0)
        case "double":
            proxy.double(begins)
        case _:
            proxy.shatter(begins)
