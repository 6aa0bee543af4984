"""What the keeper grants, takes and frees."""

from floe.host.inputs import Forget, Free
from floe.model.ids import HostId
from tests.make import a_flow, a_node, an_end
from tests.make_hosts import a_host_core, carry, met, phase
from tests.make_leases import AGAIN, DB, GPU_DB, H1, H2, holders, moved, spoken, two, why_of


def test_resource_that_another_run_holds_is_not_taken_from_it() -> None:
    h1, h2 = two()
    holder = h2.start(DB)
    carry(h1, h2)
    waiter = h1.start(DB)
    h1.settle()

    refused = h1.step(Free(tag="db", run=waiter.key), ticket=1).replies[0].why

    assert refused == f"{holder} holds db"
    assert holders(h1) == (holder.key,)


def test_operator_takes_a_resource_from_its_holder() -> None:
    h1, h2 = two()
    h2.start(GPU_DB)
    carry(h1, h2)
    waiter = h1.start(DB)

    elsewhere = h2.step(Free(tag="db"), ticket=1).replies[0].why
    nothing = h1.step(Free(tag="oven"), ticket=1).replies[0].why
    h1.step(Free(tag="db"))
    h1.settle()

    assert elsewhere == "h1 keeps the resources"
    assert nothing == "no run holds oven"
    assert holders(h1) == (waiter.key,)


def test_operator_takes_one_resource_and_leaves_the_others_to_their_holder() -> None:
    h1, h2 = two()
    both = a_flow(a_node("build"), an_end(), resource_tags=("db", "lab"), host_tags=("gpu",))
    ref = h2.start(both)
    carry(h1, h2)

    h1.step(Free(tag="db", run=ref.key))
    left = (holders(h1), holders(h1, "lab"))
    h2.ended(ref)
    carry(h1, h2)

    assert left == ((), (ref.key,))
    assert holders(h1, "lab") == ()


def test_resources_without_a_keeper_are_given_to_nobody() -> None:
    h1, h2 = met(a_host_core("h1"), a_host_core("h2"))
    ref = h1.start(DB)
    carry(h1, h2)

    assert why_of(h1, ref) == "resource db: no keeper is configured"
    assert not h1.core.may_fire(h1.now)


def test_revoked_run_takes_over_nothing_that_another_holds_as_well() -> None:
    h1 = a_host_core("h1", keeper=H1, peers=2)
    h2 = a_host_core("h2", keeper=H1, peers=2, tags=frozenset({"gpu"}))
    h3 = a_host_core("h3", keeper=H1, peers=2)
    spoken(h1, h2, h3)
    first = h3.start(AGAIN)
    carry(h1, h2, h3)
    h1.step(Free(tag="db"))
    second = h3.start(AGAIN)
    carry(h1, h2, h3)
    moved(h1, h2, h3, to=HostId("h3"))
    both = holders(h3)

    h3.step(Forget(host=H2, store=h2.store, force=True))
    h4 = a_host_core("h2", "h2st1", keeper=HostId("h3"), peers=2, tags=frozenset({"gpu"}))
    h4.now = h1.now
    spoken(h1, h4, h3)

    assert both == (first.key, second.key)
    assert sorted(phase(h3, run) for run in (first, second)) == ["active", "pending"]


def test_two_that_hold_one_resource_hold_it_both_until_each_releases_it() -> None:
    h1, h2 = two()
    first = h2.start(GPU_DB)
    carry(h1, h2)
    h1.step(Free(tag="db"))
    second = h2.start(GPU_DB)
    carry(h1, h2)

    moved(h1, h2)
    both = [(lease.tag, lease.run) for lease in h2.core.leases()]
    h2.ended(first)
    h2.settle()
    one = holders(h2)

    assert both == [("db", first.key), ("db", second.key)]
    assert one == (second.key,)
