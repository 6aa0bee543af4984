"""The places that `max-runs` gives in a cluster: the keeper counts the runs of all hosts."""

from floe.host.inputs import Forget, Free
from floe.model.ids import RunRef
from floe.model.peer_message import Envelope, Yield
from tests.make import stopped
from tests.make_groups import limited, state, waits_for
from tests.make_hosts import Host, carry, later
from tests.make_leases import H2, holders, moved, spoken, two

GROUP = "max-runs flow/a"


def ended(host: Host, ref: RunRef, *others: Host) -> None:
    """The one command of a run ends where it runs."""
    host.ended(ref)
    carry(host, *others)


def is_yield(envelope: Envelope) -> bool:
    return isinstance(envelope.message, Yield)


def test_runs_of_all_hosts_wait_for_one_place() -> None:
    h1, h2 = two()
    first = h2.start(limited(), branch="a")
    carry(h1, h2)
    second = h1.start(limited(), branch="a")
    other = h1.start(limited(), branch="b")
    carry(h1, h2)
    before = [state(h1, second), state(h1, other), waits_for(h1, second)]
    where = h1 if first in h1.core.table.runs else h2

    ended(where, first, h1, h2)

    assert before[:2] == ["pending", "active"]
    assert before[2].startswith("h2-1, which still runs (max-runs 1); next in line")
    assert holders(h1, GROUP) == (second.key,)


def test_keeper_gives_as_many_places_as_there_are() -> None:
    h1, h2 = two()
    flow = limited(limit=2)
    runs = [h.start(flow, branch="a") for h in (h1, h2, h1)]

    carry(h1, h2)

    assert len(holders(h1, GROUP)) == 2
    assert [state(h, r) for h, r in zip((h1, h2, h1), runs, strict=True)].count("pending") == 1


def test_run_of_a_different_host_is_skipped() -> None:
    h1, h2 = two()
    flow = limited("skip")
    first = h1.start(flow, branch="a")
    carry(h1, h2)

    second = h2.start(flow, branch="a")
    carry(h1, h2)
    ended(h1, first, h2)
    third = h2.start(flow, branch="a")
    carry(h1, h2)

    assert state(h2, second) == "skipped: h1-1 of this flow is still running (max-runs 1)"
    assert holders(h1, GROUP) == (third.key,)


def test_older_run_is_cancelled_wherever_it_runs() -> None:
    h1, h2 = two()
    flow = limited("cancel-older", host_tags=("gpu",))
    first = h1.start(flow, branch="a")
    carry(h1, h2)
    second = h2.start(flow, branch="a")
    carry(h1, h2)
    before = [state(h2, first), state(h2, second)]

    h2.step(stopped(h2.run(first), "build"), run=first)
    carry(h1, h2)

    assert before == ["ending", "pending"]
    assert state(h1, first) == "cancelled by max-runs: h2-1 of this flow is newer"
    assert state(h2, second) == "active"
    assert holders(h1, GROUP) == (second.key,)


def test_older_runs_that_wait_are_cancelled_too() -> None:
    h1, h2 = two()
    flow = limited("cancel-older")
    first = h1.start(flow, branch="a")
    carry(h1, h2)
    second = h2.start(flow, branch="a")
    carry(h1, h2)
    third = h1.start(flow, branch="a")
    carry(h1, h2)

    assert state(h1, first) == "ending"
    assert state(h2, second) == "cancelled by max-runs: h1-2 of this flow is newer"
    assert state(h1, third) == "pending"


def test_end_of_an_older_run_is_asked_for_until_it_is_over() -> None:
    h1, h2 = two()
    flow = limited("cancel-older", host_tags=("gpu",))
    first = h2.start(flow, branch="a")
    carry(h1, h2)
    h1.start(flow, branch="a")
    carry(h1, h2, lose=is_yield)
    before = state(h2, first)

    later(5000, h1, h2)
    carry(h1, h2)

    assert before == "active"
    assert state(h2, first) == "ending"


def test_keeper_that_restarts_goes_on_with_its_places() -> None:
    h1, h2 = two()
    flow = limited("cancel-older", host_tags=("gpu",))
    first = h2.start(flow, branch="a")
    carry(h1, h2)
    second = h1.start(flow, branch="a")
    carry(h1, h2, lose=is_yield)
    h1.restart()
    spoken(h1, h2)

    assert state(h2, first) == "ending"
    assert state(h1, second) == "pending"
    assert holders(h1, GROUP) == (first.key,)


def test_new_keeper_counts_the_places_of_all_runs() -> None:
    h1, h2 = two()
    flow = limited("cancel-older", limit=2)
    runs = [h.start(flow, branch="a") for h in (h1, h2)]
    carry(h1, h2)

    moved(h1, h2)
    both = holders(h2, GROUP)
    newest = h1.start(flow, branch="a")
    carry(h1, h2)

    assert sorted(both) == sorted(run.key for run in runs)
    assert [state(h, r) for h, r in zip((h1, h2), runs, strict=True)] == ["ending", "active"]
    assert state(h1, newest) == "pending"


def test_run_that_starts_again_after_a_lost_host_keeps_its_place() -> None:
    h1, h2 = two()
    flow = limited(limit=2, host_tags=("gpu",), on_host_lost="restart")
    runs = [h1.start(flow, branch="a") for _ in range(2)]
    carry(h1, h2)
    before = holders(h1, GROUP)

    h1.step(Forget(host=H2, store=h2.store, force=True))
    h1.settle()

    assert before == tuple(run.key for run in runs)
    assert sorted(holders(h1, GROUP)) == sorted(before)


def test_operator_frees_a_place() -> None:
    h1, h2 = two()
    h1.start(limited(), branch="a")
    second = h1.start(limited(), branch="a")
    carry(h1, h2)

    h1.step(Free(tag=GROUP))
    carry(h1, h2)

    assert holders(h1, GROUP) == (second.key,)
