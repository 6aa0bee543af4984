"""The leases of a single host."""

from tests.make_hosts import a_host_core
from tests.make_leases import DB


def test_host_alone_fires_its_timers() -> None:
    assert a_host_core("h1", peers=0).core.may_fire(a_host_core("h1").now)


def test_host_alone_reports_what_its_runs_hold() -> None:
    h1 = a_host_core("h1", peers=0)
    holder, waiter = h1.start(DB), h1.start(DB)

    (lease,) = h1.core.leases()

    assert (lease.run, lease.waiting) == (holder.key, (waiter.key,))
    assert lease.fence == h1.run(holder).fences["db"]
