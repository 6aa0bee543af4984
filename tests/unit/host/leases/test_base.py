"""Which resources of a run are the cluster's, and not of one host."""

from dataclasses import replace

from floe.host.leases.base import cluster_tags_of, tags_of
from tests.make import a_flow, a_run


def test_resource_of_a_host_is_none_of_the_cluster() -> None:
    assert cluster_tags_of(("db", "host:gpu")) == ("db",)


def test_run_whose_flow_is_not_read_needs_nothing() -> None:
    run = a_run(a_flow(resource_tags=("db",)))

    assert (tags_of(run), tags_of(replace(run, flow=None))) == (("db",), ())
