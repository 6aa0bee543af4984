"""Leases of the cluster: whose turn it is, fences, releases, and a keeper that comes and goes."""

from dataclasses import replace
from typing import Any

from floe.host.inputs import Forget, Free
from floe.kernel.place import Refusals
from floe.model.message import Acquire, Behind, Census, Envelope, Held, Offer, Refused, Release
from floe.model.refs import HostId, RunRef, StoreId
from floe.model.signal import Cancel
from tests.make import a_flow, a_node, an_end
from tests.make_hosts import Host, a_host_core, carry, later, met, phase

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
    """Hosts hear one another until nothing is left to say."""
    for _ in range(3):
        met(*hosts)
        later(3000, *hosts)
        carry(*hosts)


def holders(keeper: Host, tag: str = "db") -> tuple[str, ...]:
    assert keeper.core.cluster is not None
    return keeper.core.cluster.keeper.table.holders(tag)


def says(host: Host, ref: RunRef) -> str:
    placed = host.core.place(host.core.table.pends[ref], host.now)
    assert isinstance(placed, Refusals)
    return "; ".join(placed.resources)


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

    h2.tell(Cancel(by="bob"), run=waiter)
    carry(h1, h2)

    assert h1.core.cluster is not None
    assert list(h1.core.cluster.keeper.table.by_run) == [holder.key]
    assert h2.rows("claim") == {}


def test_waiting_run_says_who_holds_and_its_place() -> None:
    h1, h2 = two()
    h1.start(DB)
    waiter = h2.start(DB)
    carry(h1, h2)

    assert says(h2, waiter) == "resource db, held by h1-1; 1. in the queue of keeper h1"


def test_reasons_call_runs_as_the_host_at_work_does() -> None:
    h1, h2 = two(named=lambda run: run.key)
    holder = h1.start(DB)

    waiter = h2.start(DB)
    carry(h1, h2)

    assert says(h2, waiter) == f"resource db, held by {holder.key}; 1. in the queue of keeper h1"


def test_keeper_gives_nothing_before_every_configured_host_has_answered() -> None:
    h1 = a_host_core("h1", keeper=H1)
    ref = h1.start(DB)
    alone = says(h1, ref)

    h2 = a_host_core("h2", keeper=H1)
    h2.tell()
    carry(h1, h2)

    assert "1 of the configured hosts, never heard (floe hosts says which), has not" in alone
    assert phase(h1, ref) == "active"
    assert h1.core.may_fire(h1.now)
    assert not h2.core.may_fire(h2.now)


def test_hosts_that_name_different_keepers_give_nothing_and_say_so() -> None:
    h1, h2 = two()
    h2.restart(keeper=HostId("h2"))
    met(h1, h2)

    ref = h1.start(DB)

    assert says(h1, ref) == "resource db: the config of h2 has keeper h2, that of h1 h1"
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


def test_wiped_keeper_learns_what_is_held_before_it_gives_anything() -> None:
    h1, h2 = two()
    held = h2.start(GPU_DB)
    carry(h1, h2)
    new = a_host_core("h1", "h1st1", keeper=H1)
    new.now = h1.now
    new.tell()
    waiter = new.start(DB)
    carry(new, h2)
    lost = says(new, waiter)
    assert h2.core.cluster is not None
    h2.tell(Forget(host=H1, store=StoreId("h1st0"), force=True))
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
    h2.tell()
    h2.restart(keeper=H1)
    h1.restart(keeper=HostId("h2"))
    h1.tell()
    h1.restart(keeper=H1)
    for _ in range(3):
        later(3000, h1, h2)
        carry(h1, h2, lose=lambda e: isinstance(e.message, Held))

    h2.hear(caught[0][0])

    assert phase(h2, ref) == "pending"
    assert h1.core.cluster is not None
    assert h1.core.cluster.keeper.census.term > caught[0][1].opening


def test_keeper_whose_term_was_seen_takes_a_higher_one() -> None:
    h1, h2 = two()
    new = a_host_core("h1", "h1st1", keeper=H1)
    h2.tell()
    h2.tell(Forget(host=H1, store=StoreId("h1st0"), force=True))
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


def test_release_is_said_until_the_keeper_has_it() -> None:
    h1, h2 = two()
    ref = h2.start(GPU_DB)
    carry(h1, h2)
    h2.ended(ref)
    carry(h1, h2, lose=lambda e: isinstance(e.message, Release))
    h2.restart()

    before = holders(h1)
    met(h1, h2)
    later(300, h1, h2)
    carry(h1, h2)

    assert before == (ref.key,)
    assert holders(h1) == ()
    assert h2.rows("owed") == {}


def test_keeper_that_was_passed_over_meanwhile_is_told_and_opens_anew() -> None:
    h1, h2 = two()
    h2.restart(keeper=HostId("h2"))
    h2.tell()
    h2.restart(keeper=H1)
    ref = h2.start(DB)

    for _ in range(3):
        later(3000, h1, h2)
        carry(h1, h2)

    assert phase(h2, ref) == "active"


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

    h3.tell(Forget(host=HostId("h2"), store=h2.store, force=True))
    h4 = a_host_core("h2", "h2st1", keeper=H1, peers=2, tags=frozenset({"gpu"}))
    h4.now = h1.now
    spoken(h1, h4, h3)

    assert (phase(h4, younger), phase(h3, third)) == ("active", "pending")
    assert h4.run(younger).epoch == 3
    assert holders(h1) == (younger.key,)


def test_resource_that_another_run_holds_is_not_taken_from_it() -> None:
    h1, h2 = two()
    holder = h2.start(DB)
    carry(h1, h2)
    waiter = h1.start(DB)
    h1.settle()

    refused = h1.tell(Free(tag="db", run=waiter.key), ticket=1).replies[0].why

    assert refused == f"{holder} holds db"
    assert holders(h1) == (holder.key,)


def test_operator_takes_a_resource_from_its_holder() -> None:
    h1, h2 = two()
    h2.start(GPU_DB)
    carry(h1, h2)
    waiter = h1.start(DB)

    elsewhere = h2.tell(Free(tag="db"), ticket=1).replies[0].why
    nothing = h1.tell(Free(tag="oven"), ticket=1).replies[0].why
    h1.tell(Free(tag="db"))
    h1.settle()

    assert elsewhere == "h1 keeps the resources"
    assert nothing == "nobody holds oven"
    assert holders(h1) == (waiter.key,)


def test_resource_that_was_freed_is_not_held_again_by_a_late_word() -> None:
    h1, h2 = two()
    h2.start(GPU_DB)
    [asked] = [e for e in h2.sent if isinstance(e.message, Acquire)]
    carry(h1, h2)
    h1.tell(Free(tag="db"))

    h1.hear(asked)
    again = holders(h1)
    carry(h1, h2)

    assert len(again) == 1
    assert holders(h1) == ()


def test_operator_takes_one_resource_and_leaves_the_others_to_their_holder() -> None:
    h1, h2 = two()
    both = a_flow(a_node("build"), an_end(), resource_tags=("db", "lab"), host_tags=("gpu",))
    ref = h2.start(both)
    carry(h1, h2)

    h1.tell(Free(tag="db", run=ref.key))
    left = (holders(h1), holders(h1, "lab"))
    h2.ended(ref)
    carry(h1, h2)

    assert left == ((), (ref.key,))
    assert holders(h1, "lab") == ()


def test_claim_that_its_adopter_left_behind_is_found_and_freed() -> None:
    h1, h2 = two()
    ref = h2.start(GPU_DB)
    carry(h1, h2)
    waiter = h1.start(DB)
    held = holders(h1)
    h3 = a_host_core("h2", "h2st1", keeper=H1)
    h3.now = h1.now
    h1.tell(Forget(host=HostId("h2"), store=h2.store, force=True))
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
    h1.tell(Forget(host=HostId("h3"), store=h3.store, force=True))
    for _ in range(6):
        later(3000, h1, h2)
        carry(h1, h2)
    while_running = holders(h1)
    h2.ended(ref)
    carry(h1, h2)

    assert while_running == (ref.key,)
    assert holders(h1) == ()


def test_leases_are_told_with_holder_fence_and_who_waits() -> None:
    h1, h2 = two()
    ref = h2.start(DB)
    carry(h1, h2)
    waiter = h1.start(DB)

    (lease,) = h1.core.leases()

    assert (lease.tag, lease.run, lease.waiting) == ("db", ref.key, (waiter.key,))
    assert lease.fence == f"{h1.core.site.term}.1"
    assert lease.since == h1.now


def test_what_a_host_gives_alone_is_told_by_all_with_its_name() -> None:
    h1, h2 = two()
    alone = a_flow(
        a_node("build"), resource_tags=("host:nic",), reuse_space=True, host_tags=("gpu",)
    )
    ref = h2.start(alone)
    carry(h1, h2)
    later(3000, h1, h2)
    carry(h1, h2)

    told = [[(of.kind, of.run, of.host) for of in h.core.leases()] for h in (h1, h2)]

    expected = [("resource", ref.key, h2.id), ("workspace", ref.key, h2.id)]
    assert told == [expected, expected]


def test_resources_without_a_keeper_are_given_to_nobody() -> None:
    h1, h2 = met(a_host_core("h1"), a_host_core("h2"))
    ref = h1.start(DB)
    carry(h1, h2)

    assert says(h1, ref) == "resource db: no keeper is configured"
    assert not h1.core.may_fire(h1.now)


def test_host_alone_fires_its_timers() -> None:
    assert a_host_core("h1", peers=0).core.may_fire(a_host_core("h1").now)


def test_keeper_that_is_away_is_named() -> None:
    _, h2 = two()
    later(20_000, h2)

    ref = h2.start(GPU_DB)

    assert says(h2, ref) == "resource db: keeper h1 was not seen for 20 s"


# --- a keeper that moves ---

H2 = HostId("h2")


def moved(*hosts: Host, to: HostId = H2) -> None:
    """Every host gets another keeper in its config."""
    for host in hosts:
        host.restart(keeper=to)
    spoken(*hosts)


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


def test_release_owed_to_the_keeper_before_is_not_owed_by_the_keeper_itself() -> None:
    h1, h2 = two()
    ref = h2.start(GPU_DB)
    carry(h1, h2)
    h2.ended(ref)
    owed = dict(h2.rows("owed"))

    moved(h1, h2)

    assert list(owed) == [f"release {ref.key}#1"]
    assert h2.rows("owed") == {}
    assert holders(h2) == ()


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


# --- what is told ---


def test_run_behind_one_with_equal_needs_names_it() -> None:
    h1, h2 = two()
    h1.start(DB)
    elder, younger = h2.start(DB), h2.start(DB)
    carry(h1, h2)

    assert says(h2, younger) == f"resource db: {elder} needs the same and is before it"


def test_keeper_that_counts_is_named_with_whom_it_waits_for() -> None:
    h1 = a_host_core("h1", keeper=H1, peers=2)
    h2 = a_host_core("h2", keeper=H1, peers=2)
    met(h1, h2)
    ref = h2.start(DB)
    unanswered = says(h2, ref)
    carry(h1, h2)

    assert unanswered == "resource db: keeper h1 has not answered yet"
    assert says(h2, ref) == (
        "resource db: keeper h1 gives nothing now: it counts what is held: "
        "1 of the configured hosts, never heard (floe hosts says which), has not answered"
    )


def test_keeper_that_was_never_heard_is_named() -> None:
    h2 = a_host_core("h2", keeper=H1)
    ref = h2.start(DB)

    assert says(h2, ref) == "resource db: keeper h1 was not heard since this host started"


def test_host_alone_tells_what_its_runs_hold() -> None:
    h1 = a_host_core("h1", peers=0)
    holder, waiter = h1.start(DB), h1.start(DB)

    (lease,) = h1.core.leases()

    assert (lease.run, lease.waiting) == (holder.key, (waiter.key,))
    assert lease.fence == h1.run(holder).fences["db"]


def test_revoked_run_takes_over_nothing_that_another_holds_as_well() -> None:
    h1 = a_host_core("h1", keeper=H1, peers=2)
    h2 = a_host_core("h2", keeper=H1, peers=2, tags=frozenset({"gpu"}))
    h3 = a_host_core("h3", keeper=H1, peers=2)
    spoken(h1, h2, h3)
    first = h3.start(AGAIN)
    carry(h1, h2, h3)
    h1.tell(Free(tag="db"))
    second = h3.start(AGAIN)
    carry(h1, h2, h3)
    moved(h1, h2, h3, to=HostId("h3"))
    both = holders(h3)

    h3.tell(Forget(host=H2, store=h2.store, force=True))
    h4 = a_host_core("h2", "h2st1", keeper=HostId("h3"), peers=2, tags=frozenset({"gpu"}))
    h4.now = h1.now
    spoken(h1, h4, h3)

    assert both == (first.key, second.key)
    assert sorted(phase(h3, run) for run in (first, second)) == ["active", "pending"]


def test_two_that_hold_one_resource_hold_it_both_until_each_releases_it() -> None:
    h1, h2 = two()
    first = h2.start(GPU_DB)
    carry(h1, h2)
    h1.tell(Free(tag="db"))
    second = h2.start(GPU_DB)
    carry(h1, h2)

    moved(h1, h2)
    both = [(lease.tag, lease.run) for lease in h2.core.leases()]
    h2.ended(first)
    h2.settle()
    one = holders(h2)

    assert both == [("db", first.key), ("db", second.key)]
    assert one == (second.key,)


def test_forgotten_host_that_others_tell_of_stands_for_no_configured_one() -> None:
    h1, h2 = two()
    h2.tell(Forget(host=HostId("h9"), store=StoreId("h9st0")))
    new = a_host_core("h1", "h1st1", keeper=H1, peers=2)
    h2.tell(Forget(host=H1, store=h1.store, force=True))
    for _ in range(3):
        met(new, h2)
        later(3000, new, h2)
        carry(new, h2)
    ref = new.start(DB)
    told_by_others = phase(new, ref)

    new.tell(Forget(host=HostId("h9"), store=StoreId("h9st0")))
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
    h1.tell()
    h1.restart(keeper=H1)

    h1.tell(Forget(host=H2, store=h2.store, force=True))
    ref = h1.start(DB)

    assert (phase(h1, ref), says(h1, ref)) == (
        "pending",
        "resource db: it counts what is held: h2 has not answered",
    )


def test_keeper_listens_for_who_comes_back_in_the_place_of_a_forgotten_host() -> None:
    h1, h2 = two()
    h1.restart(keeper=H2)
    h1.tell()
    h1.restart(keeper=H1)
    h1.tell(Forget(host=H2, store=h2.store, force=True))
    ref = h1.start(DB)
    at_once = phase(h1, ref)

    for _ in range(4):
        later(3000, h1)

    assert (at_once, phase(h1, ref)) == ("pending", "active")


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
