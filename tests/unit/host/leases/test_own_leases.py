"""The leases of the runs of one host."""

from floe.host.leases.own_leases import own_leases
from tests.make import a_flow
from tests.make_hosts import a_host_core
from tests.make_leases import DB

GPU = a_flow(resource_tags=("host:gpu",))
SINGLE = a_flow(reuse_space=True)


def test_resource_of_the_cluster_is_left_out_where_the_keeper_reports_it() -> None:
    h1 = a_host_core("h1", peers=0)
    h1.start(DB)
    gpu = h1.start(GPU)

    [lease] = own_leases(h1.core.site, of_cluster=False)

    assert (lease.tag, lease.run, lease.host) == ("host:gpu", gpu.key, h1.id)


def test_workspace_that_runs_share_is_held_by_the_first_and_waited_for_by_the_next() -> None:
    h1 = a_host_core("h1", peers=0)
    first, second = h1.start(SINGLE), h1.start(SINGLE)

    [lease] = own_leases(h1.core.site)

    assert (lease.kind, lease.run, lease.waiting) == ("workspace", first.key, (second.key,))
