"""Two hosts that know each other, and their pings."""

from floe.model.ids import HostId
from tests.make import a_flow, a_node, an_end
from tests.make_hosts import Host, a_host_core, met

H2 = HostId("h2")


GPU = a_flow(a_node("build"), an_end(), host_tags=("gpu",))


def two() -> tuple[Host, Host]:
    h1, h2 = met(a_host_core("h1"), a_host_core("h2", tags=frozenset({"gpu"})))
    return h1, h2


def problems(host: Host) -> tuple[str, ...]:
    return host.core.problems(host.now)[H2]
