"""Pends: what placement sees of a run that waits."""

from dataclasses import replace

from floe.host.pends import pend_needs, pend_of
from floe.model.ids import FlowId
from tests.make import REF, a_flow, a_pend, a_pending_run


def test_pend_has_what_its_flow_requires_of_a_host() -> None:
    flow = a_flow(host_tags=("gpu",), resource_tags=("line",))

    pend = pend_of(a_pending_run(flow), flow)

    assert (pend.run, pend.host_tags, pend.resource_tags) == (REF, frozenset({"gpu"}), ("line",))


def test_flow_matters_to_placement_only_with_one_workspace_for_all_runs() -> None:
    one, other = a_pend(flow=FlowId("one")), a_pend(flow=FlowId("other"))

    assert pend_needs(one) == pend_needs(other)
    assert pend_needs(replace(one, reuse_space=True)) != pend_needs(
        replace(other, reuse_space=True)
    )
