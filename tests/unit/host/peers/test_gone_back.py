"""A store that is older than what it said before: what its host, and the others, do not do."""

from collections.abc import Callable

from floe.host.peers.heartbeat import PING_MS
from floe.kernel.place import Refusals
from floe.model.ids import HostId
from floe.model.peer_message import Offer
from tests.make import a_flow, a_node, an_end
from tests.make_hosts import Host, a_host_core, carry, later, met, of, phase

MOON = a_flow(a_node("build"), an_end(), host_tags=("moon",))
DB = a_flow(a_node("build"), an_end(), resource_tags=("db",))
GPU = a_flow(a_node("build"), an_end(), host_tags=("gpu",))
H1, H2 = HostId("h1"), HostId("h2")


def gone_back() -> tuple[Host, Host]:
    """h2's store is older than what it said before, and it learned so."""
    h1, h2 = met(a_host_core("h1", tags=frozenset()), a_host_core("h2", tags=frozenset({"gpu"})))
    h2.observe(has_gone_back=True)
    later(PING_MS, h1, h2)
    carry(h1, h2)
    return h1, h2


def problems(host: Host) -> Callable[[HostId], tuple[str, ...]]:
    return lambda id: host.core.problems(host.now)[id]


def test_store_that_has_gone_back_is_a_problem_at_every_host() -> None:
    for host in gone_back():
        [problem] = problems(host)(H2)
        assert problem.startswith("has a store that has gone back in time")
        assert problem.endswith("floe host --restored")


def test_host_whose_store_has_gone_back_gets_nothing() -> None:
    h1, _ = gone_back()

    ref = h1.start(GPU)

    placed = h1.core.place(h1.core.table.pends[ref], h1.now)
    assert isinstance(placed, Refusals)
    assert placed.by_host[H2][0].startswith("has a store that has gone back")


def test_host_whose_store_has_gone_back_refuses_what_it_is_offered_all_the_same() -> None:
    h1, h2 = met(a_host_core("h1", tags=frozenset()), a_host_core("h2", tags=frozenset({"gpu"})))
    h2.observe(has_gone_back=True)

    ref = h1.start(GPU)
    carry(h1, h2)

    assert phase(h1, ref) == "pending"
    assert ref not in h2.core.table.runs


def test_host_whose_store_has_gone_back_gives_nothing_to_others() -> None:
    h1, h2 = met(a_host_core("h1", tags=frozenset({"moon"})), a_host_core("h2"))
    h2.observe(has_gone_back=True)

    ref = h2.start(MOON)
    said = carry(h1, h2)

    assert phase(h2, ref) == "pending"
    assert not of(said, Offer)


def test_keeper_whose_store_has_gone_back_gives_no_resource() -> None:
    h1, h2 = met(a_host_core("h1", keeper=H1), a_host_core("h2", keeper=H1))
    h1.observe(has_gone_back=True)

    ref = h2.start(DB)
    carry(h1, h2)

    assert phase(h2, ref) == "pending"
    assert h1.core.leases() == []
    assert not h1.core.may_fire(h1.now)
