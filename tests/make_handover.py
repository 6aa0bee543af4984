"""An adopter, and a host with the tag that its runs need."""

from typing import Any

from tests.make import a_flow, a_node, an_end
from tests.make_hosts import Host, a_host_core, met

GPU = a_flow(a_node("build"), an_end(), host_tags=("gpu",))


def two(**others: Any) -> tuple[Host, Host]:
    """h1 without the tag that h2 has."""
    h1, h2 = met(a_host_core("h1"), a_host_core("h2", tags=frozenset({"gpu"}), **others))
    return h1, h2
