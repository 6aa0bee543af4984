"""A keeper asks every host for its claims before it grants anything."""

from floe.host.inputs import Forget
from floe.model.ids import HostId, StoreId
from floe.model.peer_message import Behind, Census
from tests.make_hosts import a_host_core, carry, later, met, phase
from tests.make_leases import DB, GPU_DB, H1, H2, holders, moved, two, why_of


def test_keeper_gives_nothing_before_every_configured_host_has_answered() -> None:
    h1 = a_host_core("h1", keeper=H1)
    ref = h1.start(DB)
    alone = why_of(h1, ref)

    h2 = a_host_core("h2", keeper=H1)
    h2.step()
    carry(h1, h2)

    assert "1 of the configured hosts (floe hosts shows which) has not" in alone
    assert phase(h1, ref) == "active"
    assert h1.core.may_fire(h1.now)
    assert not h2.core.may_fire(h2.now)


def test_wiped_keeper_learns_what_is_held_before_it_gives_anything() -> None:
    h1, h2 = two()
    held = h2.start(GPU_DB)
    carry(h1, h2)
    new = a_host_core("h1", "h1st1", keeper=H1)
    new.now = h1.now
    new.step()
    waiter = new.start(DB)
    carry(new, h2)
    lost = why_of(new, waiter)
    assert h2.core.cluster is not None
    h2.step(Forget(host=H1, store=StoreId("h1st0"), force=True))
    carry(*met(new, h2))
    later(3000, new, h2)
    carry(new, h2)
    during = phase(new, waiter)
    h2.ended(held)
    carry(new, h2)
    later(3000, new, h2)
    carry(new, h2)

    assert "has not answered" in lost
    assert during == "pending"
    assert phase(new, waiter) == "active"


def test_keeper_whose_term_was_seen_takes_a_higher_one() -> None:
    h1, h2 = two()
    new = a_host_core("h1", "h1st1", keeper=H1)
    h2.step()
    h2.step(Forget(host=H1, store=StoreId("h1st0"), force=True))
    met(new, h2)
    said = []
    for _ in range(3):
        later(3000, new, h2)
        said += carry(new, h2)

    assert any(isinstance(m, Census) for m in said)
    assert any(isinstance(m, Behind) for m in said)
    assert new.core.cluster is not None
    assert new.core.cluster.keeper.census.is_open
    assert new.core.cluster.keeper.census.term > h1.core.site.term


def test_keeper_that_was_replaced_meanwhile_learns_it_and_opens_again() -> None:
    h1, h2 = two()
    h2.restart(keeper=HostId("h2"))
    h2.step()
    h2.restart(keeper=H1)
    ref = h2.start(DB)

    for _ in range(3):
        later(3000, h1, h2)
        carry(h1, h2)

    assert phase(h2, ref) == "active"


def test_claim_that_its_adopter_left_behind_is_found_and_freed() -> None:
    h1, h2 = two()
    ref = h2.start(GPU_DB)
    carry(h1, h2)
    waiter = h1.start(DB)
    held = holders(h1)
    h3 = a_host_core("h2", "h2st1", keeper=H1)
    h3.now = h1.now
    h1.step(Forget(host=HostId("h2"), store=h2.store, force=True))
    for _ in range(4):
        met(h1, h3)
        later(3000, h1, h3)
        carry(h1, h3)

    assert held == (ref.key,)
    assert phase(h1, waiter) == "active"


def test_claim_of_a_forgotten_adopter_stays_while_its_run_goes_on_elsewhere() -> None:
    h1 = a_host_core("h1", keeper=H1, peers=2)
    h2 = a_host_core("h2", keeper=H1, peers=2, tags=frozenset({"gpu"}))
    h3 = a_host_core("h3", keeper=H1, peers=2)
    for _ in range(2):
        met(h1, h2, h3)
        later(3000, h1, h2, h3)
        carry(h1, h2, h3)
    ref = h3.start(GPU_DB)
    carry(h1, h2, h3)
    h1.step(Forget(host=HostId("h3"), store=h3.store, force=True))
    for _ in range(6):
        later(3000, h1, h2)
        carry(h1, h2)
    while_running = holders(h1)
    h2.ended(ref)
    carry(h1, h2)

    assert while_running == (ref.key,)
    assert holders(h1) == ()


def test_keeper_that_moves_learns_who_holds_and_who_waits() -> None:
    h1, h2 = two()
    holder = h2.start(GPU_DB)
    carry(h1, h2)
    waiter = h2.start(DB)
    carry(h1, h2)

    moved(h1, h2)
    before = (holders(h2), phase(h2, waiter), h2.core.may_fire(h2.now), h1.core.may_fire(h1.now))
    h2.ended(holder)
    h2.settle()
    carry(h1, h2)

    assert before == ((holder.key,), "pending", True, False)
    assert holders(h2) == (waiter.key,)
    assert h1.rows("kept") == {}
    assert h1.rows("keeping") == {}


def test_new_fences_are_above_those_of_the_keeper_before() -> None:
    h1, h2 = two()
    first = h2.start(GPU_DB)
    carry(h1, h2)
    old = h2.run(first).fences["db"]
    h2.ended(first)
    carry(h1, h2)

    moved(h1, h2)
    second = h2.start(GPU_DB)
    h2.settle()

    new = h2.run(second).fences["db"]
    assert [int(n) for n in new.split(".")] > [int(n) for n in old.split(".")]


def test_forgotten_host_that_others_name_stands_for_no_configured_one() -> None:
    h1, h2 = two()
    h2.step(Forget(host=HostId("h9"), store=StoreId("h9st0")))
    new = a_host_core("h1", "h1st1", keeper=H1, peers=2)
    h2.step(Forget(host=H1, store=h1.store, force=True))
    for _ in range(3):
        met(new, h2)
        later(3000, new, h2)
        carry(new, h2)
    ref = new.start(DB)
    told_by_others = phase(new, ref)

    new.step(Forget(host=HostId("h9"), store=StoreId("h9st0")))
    for _ in range(4):
        later(3000, new, h2)
        carry(new, h2)

    assert told_by_others == "pending"
    assert phase(new, ref) == "active"


def test_keeper_asks_who_came_back_with_another_store_though_the_old_one_is_forgotten() -> None:
    h1, h2 = two()
    came_back = a_host_core("h2", "h2st1", keeper=H1)
    met(h1, came_back)
    h1.restart(keeper=H2)
    h1.step()
    h1.restart(keeper=H1)

    h1.step(Forget(host=H2, store=h2.store, force=True))
    ref = h1.start(DB)

    assert (phase(h1, ref), why_of(h1, ref)) == (
        "pending",
        "resource db: it counts what is held: h2 has not answered",
    )


def test_keeper_listens_for_who_comes_back_in_the_place_of_a_forgotten_host() -> None:
    h1, h2 = two()
    h1.restart(keeper=H2)
    h1.step()
    h1.restart(keeper=H1)
    h1.step(Forget(host=H2, store=h2.store, force=True))
    ref = h1.start(DB)
    at_once = phase(h1, ref)

    for _ in range(4):
        later(3000, h1)

    assert (at_once, phase(h1, ref)) == ("pending", "active")
