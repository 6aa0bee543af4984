"""What people learn of leases: holders, queues, and why a run waits."""

from tests.make import a_flow, a_node
from tests.make_hosts import a_host_core, carry, later, met
from tests.make_leases import DB, GPU_DB, H1, two, why_of


def test_waiting_run_names_who_holds_and_its_place() -> None:
    h1, h2 = two()
    h1.start(DB)
    waiter = h2.start(DB)
    carry(h1, h2)

    assert why_of(h2, waiter) == "resource db, held by h1-1; next in line"


def test_reasons_call_runs_as_the_host_at_work_does() -> None:
    h1, h2 = two(named=lambda run: run.key)
    holder = h1.start(DB)

    waiter = h2.start(DB)
    carry(h1, h2)

    assert why_of(h2, waiter) == f"resource db, held by {holder.key}; next in line"


def test_leases_are_reported_with_holder_fence_and_who_waits() -> None:
    h1, h2 = two()
    ref = h2.start(DB)
    carry(h1, h2)
    waiter = h1.start(DB)

    (lease,) = h1.core.leases()

    assert (lease.tag, lease.run, lease.waiting) == ("db", ref.key, (waiter.key,))
    assert lease.fence == f"{h1.core.site.term}.1"
    assert lease.since == h1.now


def test_what_a_host_gives_alone_is_reported_by_all_with_its_name() -> None:
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


def test_keeper_that_is_away_is_named() -> None:
    _, h2 = two()
    later(20_000, h2)

    ref = h2.start(GPU_DB)

    assert why_of(h2, ref) == "resource db: keeper h1 was not seen for 20 s"


def test_run_behind_one_with_equal_needs_names_it() -> None:
    h1, h2 = two()
    h1.start(DB)
    elder, younger = h2.start(DB), h2.start(DB)
    carry(h1, h2)

    assert why_of(h2, younger) == f"resource db: {elder} needs the same and is before it"


def test_keeper_that_counts_is_named_with_whom_it_waits_for() -> None:
    h1 = a_host_core("h1", keeper=H1, peers=2)
    h2 = a_host_core("h2", keeper=H1, peers=2)
    met(h1, h2)
    ref = h2.start(DB)
    unanswered = why_of(h2, ref)
    carry(h1, h2)

    assert unanswered == "resource db: keeper h1 has not answered yet"
    assert why_of(h2, ref) == (
        "resource db: keeper h1 grants nothing now: it counts what is held: "
        "1 of the configured hosts (floe hosts shows which) has not answered"
    )


def test_keeper_that_was_never_seen_is_named() -> None:
    h2 = a_host_core("h2", keeper=H1)
    ref = h2.start(DB)

    assert why_of(h2, ref) == "resource db: keeper h1 has sent no message since this host started"
