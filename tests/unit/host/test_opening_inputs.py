"""Judged events as the core takes them."""

from floe.host.opening_inputs import EventStart, JudgedEvent, OpenRun
from floe.model.flow import Trigger
from floe.model.ids import NodeId
from tests.make import a_flow


def test_an_event_counts_all_runs_that_it_may_open() -> None:
    flow = a_flow()
    opening = OpenRun(flow=flow, digest="x", trigger=NodeId("t"), by="p")
    trigger = Trigger(id=NodeId("t"), type="pack-event", name="t")
    start = EventStart(flow, "x", trigger, {})

    assert JudgedEvent(number=1, opens=(opening, opening), starts=(start,)).runs == 3
