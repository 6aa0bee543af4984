"""The claims of runs: asked, granted, given back and taken over."""

from floe.host.inputs import Forget, Free
from floe.model.ids import HostId
from floe.model.peer_message import Acquire, Offer, Release
from floe.model.signal import Cancel
from tests.make import a_flow, a_node, an_end
from tests.make_hosts import a_host_core, carry, later, met, phase
from tests.make_leases import AGAIN, DB, GPU_DB, H1, holders, spoken, two


def test_resource_is_held_by_one_run_of_the_cluster_and_passed_on_at_its_end() -> None:
    h1, h2 = two()
    first = h2.start(DB)
    carry(h1, h2)
    second = h1.start(DB)
    carry(h1, h2)
    before = (phase(h2, first), phase(h1, second), holders(h1))

    at = h1 if h2.run(first).host == H1 else h2
    at.ended(first)
    carry(h1, h2)

    assert {*before[:2]} == {"active", "pending"}
    assert len(before[2]) == 1
    assert holders(h1) == (second.key,)


def test_fence_grows_and_reaches_the_run_wherever_it_runs() -> None:
    h1, h2 = two()
    ref = h1.start(GPU_DB)
    carry(h1, h2)
    first = h2.run(ref).fences["db"]
    h2.ended(ref)
    carry(h1, h2)
    again = h1.start(GPU_DB)
    carry(h1, h2)

    assert first.split(".")[0] == str(h1.core.site.term)
    assert int(h2.run(again).fences["db"].split(".")[1]) > int(first.split(".")[1])
    assert h2.rows("owed") == {}


def test_cancel_of_a_waiting_run_takes_its_claim_back() -> None:
    h1, h2 = two()
    holder, waiter = h1.start(DB), h2.start(DB)
    carry(h1, h2)

    h2.step(Cancel(by="bob"), run=waiter)
    carry(h1, h2)

    assert h1.core.cluster is not None
    assert list(h1.core.cluster.keeper.table.by_run) == [holder.key]
    assert h2.rows("claim") == {}


def test_turn_that_no_host_can_use_is_let_go_and_asked_for_again() -> None:
    h1, h2 = two(slots=1)
    ref = h1.start(GPU_DB)
    busy = h2.start(a_flow(a_node("build"), an_end(), host_tags=("gpu",)))
    carry(h1, h2)
    first = (phase(h1, ref), holders(h1))
    for _ in range(8):
        later(2000, h1, h2)
        carry(h1, h2)
    parked = holders(h1)
    h2.ended(busy)
    carry(h1, h2)
    later(100, h1, h2)
    carry(h1, h2)

    assert first[0] == "pending"
    assert parked == ()
    assert phase(h1, ref) == "active"


def test_revoked_run_takes_over_what_it_held_though_an_older_one_waits() -> None:
    h1 = a_host_core("h1", keeper=H1, peers=2)
    h2 = a_host_core("h2", keeper=H1, peers=2, tags=frozenset({"gpu"}))
    h3 = a_host_core("h3", keeper=H1, peers=2)
    spoken(h1, h2, h3)
    older, younger = h3.start(AGAIN), h3.start(AGAIN)
    carry(h1, h2, h3)
    h2.ended(older)
    carry(h1, h2, h3)
    third = h3.start(AGAIN)

    h3.step(Forget(host=HostId("h2"), store=h2.store, force=True))
    h4 = a_host_core("h2", "h2st1", keeper=H1, peers=2, tags=frozenset({"gpu"}))
    h4.now = h1.now
    spoken(h1, h4, h3)

    assert (phase(h4, younger), phase(h3, third)) == ("active", "pending")
    assert h4.run(younger).epoch == 3
    assert holders(h1) == (younger.key,)


def test_resource_that_was_freed_is_not_held_again_by_a_late_message() -> None:
    h1, h2 = two()
    h2.start(GPU_DB)
    [asked] = [e for e in h2.sent if isinstance(e.message, Acquire)]
    carry(h1, h2)
    h1.step(Free(tag="db"))

    h1.hear(asked)
    again = holders(h1)
    carry(h1, h2)

    assert len(again) == 1
    assert holders(h1) == ()


def test_turn_that_was_being_given_back_is_given_back_after_a_restart() -> None:
    arm = a_flow(a_node("build"), an_end(), host_tags=("arm",))
    arm_db = a_flow(a_node("build"), an_end(), host_tags=("arm",), resource_tags=("db",))
    h1 = a_host_core("h1", keeper=H1, tags=frozenset({"arm"}), slots=1)
    h2 = a_host_core("h2", keeper=H1)
    for _ in range(2):
        met(h1, h2)
        later(3000, h1, h2)
        carry(h1, h2)
    ref = h2.start(arm_db)
    carry(h1, h2, lose=lambda e: isinstance(e.message, Offer))
    busy = h1.start(arm)
    for _ in range(8):
        later(2000, h1, h2)
        carry(h1, h2, lose=lambda e: isinstance(e.message, Release))
    kept = (holders(h1), h2.rows("claim")[ref.key])
    h2.restart()

    met(h1, h2)
    carry(h1, h2)
    given_back = holders(h1)
    h1.ended(busy)
    for _ in range(2):
        later(2000, h1, h2)
        carry(h1, h2)

    assert kept[0] == (ref.key,)
    assert isinstance(kept[1], dict)
    assert kept[1]["state"] == "parking"
    assert given_back == ()
    assert phase(h1, ref) == "active"
