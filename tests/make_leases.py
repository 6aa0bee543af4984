"""A keeper and a second host, and runs that need resources of the cluster."""

from dataclasses import replace
from typing import Any

from floe.kernel.place import Refusals
from floe.model.ids import HostId, RunRef
from tests.make import a_flow, a_node, an_end
from tests.make_hosts import Host, a_host_core, carry, later, met

DB = a_flow(a_node("build"), an_end(), resource_tags=("db",))
GPU_DB = a_flow(a_node("build"), an_end(), resource_tags=("db",), host_tags=("gpu",))
AGAIN = replace(GPU_DB, on_host_lost="restart")
H1 = HostId("h1")
H2 = HostId("h2")


def two(**others: Any) -> tuple[Host, Host]:
    """h1, which keeps the resources, and h2."""
    h1 = a_host_core("h1", keeper=H1)
    h2 = a_host_core("h2", keeper=H1, tags=frozenset({"gpu"}), **others)
    met(h1, h2)
    later(100, h1, h2)
    carry(h1, h2)
    return h1, h2


def spoken(*hosts: Host) -> None:
    """Let hosts exchange messages until none is left."""
    for _ in range(3):
        met(*hosts)
        later(3000, *hosts)
        carry(*hosts)


def holders(keeper: Host, tag: str = "db") -> tuple[str, ...]:
    """The runs that hold a resource, as the keeper knows."""
    assert keeper.core.cluster is not None
    return keeper.core.cluster.keeper.table.holders(tag)


def why_of(host: Host, ref: RunRef) -> str:
    """What keeps resources from a run, as its host explains it."""
    placed = host.core.place(host.core.table.pends[ref], host.now)
    assert isinstance(placed, Refusals)
    return "; ".join(placed.resources)


def moved(*hosts: Host, to: HostId = H2) -> None:
    """Every host gets a different keeper in its config."""
    for host in hosts:
        host.restart(keeper=to)
    spoken(*hosts)
