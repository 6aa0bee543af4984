"""The leases of a single host."""

from typing import Any

from tests.make import stopped
from tests.make_groups import limited, state, waits_for
from tests.make_hosts import Host, a_host_core
from tests.make_leases import DB


def test_host_alone_fires_its_timers() -> None:
    assert a_host_core("h1", peers=0).core.may_fire(a_host_core("h1").now)


def test_host_alone_reports_what_its_runs_hold() -> None:
    h1 = a_host_core("h1", peers=0)
    holder, waiter = h1.start(DB), h1.start(DB)

    (lease,) = h1.core.leases()

    assert (lease.run, lease.waiting) == (holder.key, (waiter.key,))
    assert lease.fence == h1.run(holder).fences["db"]


def alone(**others: Any) -> Host:
    return a_host_core("h1", peers=0, **others)


def test_run_of_a_full_group_waits_for_the_end_of_the_one_before() -> None:
    h1 = alone()
    first, second = h1.start(limited()), h1.start(limited())
    before = [state(h1, first), state(h1, second), waits_for(h1, second)]

    h1.ended(first)
    h1.settle()

    assert before == ["active", "pending", "h1-1, which still runs (max-runs 1)"]
    assert state(h1, second) == "active"


def test_limit_counts_the_runs_of_one_branch() -> None:
    h1, flow = alone(), limited(limit=2)
    runs = [h1.start(flow, branch="a") for _ in range(3)]

    other = h1.start(flow, branch="b")

    assert [state(h1, run) for run in (*runs, other)] == ["active", "active", "pending", "active"]
    assert waits_for(h1, runs[2]) == "h1-1 or another of the 2 runs before it (max-runs 2)"


def test_run_that_is_one_too_many_is_skipped() -> None:
    h1, flow = alone(), limited("skip")
    first, second = h1.start(flow), h1.start(flow)

    h1.ended(first)
    third = h1.start(flow)

    assert state(h1, second) == "skipped: h1-1 of this flow is still running (max-runs 1)"
    assert h1.directory[second.key].result == "cancelled"
    assert state(h1, third) == "active"


def test_run_is_skipped_because_of_runs_that_still_wait_for_the_host() -> None:
    h1, flow = alone(slots=1), limited("skip", limit=2)
    h1.start()
    runs = [h1.start(flow) for _ in range(3)]

    assert [state(h1, run) for run in runs] == [
        "pending",
        "pending",
        "skipped: h1-2 of this flow and 1 more are still running (max-runs 2)",
    ]


def test_older_run_is_cancelled_and_keeps_its_place_until_its_processes_are_gone() -> None:
    h1, flow = alone(slots=1), limited("cancel-older")
    first, second = h1.start(flow), h1.start(flow)
    before = [state(h1, first), state(h1, second)]

    h1.step(stopped(h1.run(first), "build"), run=first)
    h1.settle()

    assert before == ["ending", "pending"]
    assert state(h1, first) == "cancelled by max-runs: h1-2 of this flow is newer"
    assert state(h1, second) == "active"


def test_only_the_newest_runs_are_left_of_a_group() -> None:
    h1, flow = alone(), limited("cancel-older", limit=2)
    runs = [h1.start(flow) for _ in range(4)]

    assert [state(h1, run) for run in runs] == ["ending", "ending", "pending", "pending"]


def test_host_alone_shows_who_has_the_places_of_a_group() -> None:
    h1 = alone()
    holder, waiter = h1.start(limited(), branch="a"), h1.start(limited(), branch="a")

    (lease,) = h1.core.leases()

    assert (lease.tag, lease.run, lease.waiting) == ("max-runs flow/a", holder.key, (waiter.key,))
    assert lease.fence
