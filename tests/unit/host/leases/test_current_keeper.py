"""Which keeper a host follows, and which messages it ignores."""

from floe.model.ids import HostId
from floe.model.peer_message import Envelope, Held, Offer, Refused
from tests.make_hosts import a_host_core, carry, later, met, phase
from tests.make_leases import DB, GPU_DB, H1, two, why_of


def test_hosts_that_name_different_keepers_give_nothing_and_report_it() -> None:
    h1, h2 = two()
    h2.restart(keeper=HostId("h2"))
    met(h1, h2)

    ref = h1.start(DB)

    assert why_of(h1, ref) == "resource db: the config of h2 has keeper h2, that of h1 h1"
    assert not h1.core.may_fire(h1.now)
    assert not h2.core.may_fire(h2.now)


def test_host_that_is_silent_disagrees_no_more() -> None:
    h1, h2 = two()
    h2.restart(keeper=HostId("h2"))
    met(h1, h2)
    ref = h1.start(DB)
    before = phase(h1, ref)

    later(10_000, h1)

    assert (before, phase(h1, ref)) == ("pending", "active")


def test_late_turn_of_an_earlier_opening_is_not_believed() -> None:
    h1, h2 = two()
    ref = h2.start(DB)
    caught: list[tuple[Envelope, Held]] = []

    def lose(envelope: Envelope) -> bool:
        if isinstance(envelope.message, Held):
            caught.append((envelope, envelope.message))
        return isinstance(envelope.message, Held)

    carry(h1, h2, lose=lose)
    h2.restart(keeper=HostId("h2"))
    h2.step()
    h2.restart(keeper=H1)
    h1.restart(keeper=HostId("h2"))
    h1.step()
    h1.restart(keeper=H1)
    for _ in range(3):
        later(3000, h1, h2)
        carry(h1, h2, lose=lambda e: isinstance(e.message, Held))

    h2.hear(caught[0][0])

    assert phase(h2, ref) == "pending"
    assert h1.core.cluster is not None
    assert h1.core.cluster.keeper.census.term > caught[0][1].opening


def test_late_offer_of_a_keeper_that_lost_its_store_is_not_taken_with_its_old_fences() -> None:
    h1, h2 = two()
    h1.start(GPU_DB)
    [offer] = [e for e in h1.sent if isinstance(e.message, Offer)]
    wiped = a_host_core("h1", "h1st1", keeper=H1)
    wiped.now = h2.now
    for _ in range(3):
        met(wiped, h2)
        later(3000, wiped, h2)
        carry(wiped, h2)

    late = h2.hear(offer)

    assert [m.message.why for m in late.messages if isinstance(m.message, Refused)] == [
        "its resources were given before h1 lost its store"
    ]
    assert h2.core.table.active == 0
