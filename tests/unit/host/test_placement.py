"""Which pends a single host begins, in which order, and which wait."""

from dataclasses import replace
from typing import Any

import pytest

from floe.host import placement as placement_module
from floe.host.placement import GRANTS_MAX
from floe.kernel import place as kernel_place
from floe.model.ids import FlowId, RunRef
from floe.model.pend import Pend
from floe.model.signal import Cancel
from tests.make import (
    a_flow,
    a_node,
    an_end,
    exited,
    started,
)
from tests.make_core import BUILD, a_core, a_resource, a_start, begun, ended, phases, stepped, to


def test_run_whose_tags_no_host_has_waits() -> None:
    core = a_core()

    [run] = begun(core, a_flow(host_tags=("linux", "gpu")))

    assert run.phase == "pending"


def test_slots_bound_the_active_runs_and_an_end_lets_the_oldest_in() -> None:
    core = a_core(slots=1)
    first, second, third = begun(core, BUILD, BUILD, BUILD)

    ended(core, first)

    assert phases(core, first, second, third) == ["ended", "active", "pending"]


def test_oldest_goes_first_whatever_it_needs() -> None:
    core = a_core(slots=1)
    flows = [BUILD, a_resource("x", id=FlowId("x")), BUILD, a_resource("x", id=FlowId("x"))]
    runs = begun(core, BUILD, *flows)

    for run in runs[:-1]:
        ended(core, run)

    assert phases(core, *runs) == ["ended"] * 4 + ["active"]


def test_run_that_waits_does_not_hold_up_younger_ones_that_fit() -> None:
    core = a_core()

    stuck, fits = begun(core, a_flow(host_tags=("gpu",)), BUILD)

    assert phases(core, stuck, fits) == ["pending", "active"]


@pytest.mark.parametrize("tag", ["nic", "host:nic"])
def test_resource_is_released_by_the_end_of_its_run_alone(tag: str) -> None:
    core = a_core()
    holder, waiter = begun(core, a_resource(tag), a_resource(tag))

    stepped(core, to(holder, Cancel(by="bob")))
    while_ending = phases(core, holder, waiter)
    stepped(core, to(holder, exited(core.table.runs[holder.ref], "build", 143)))

    assert while_ending == ["ending", "pending"]
    assert phases(core, holder, waiter) == ["ended", "active"]
    assert core.table.held == {tag: waiter.ref}


def test_cancelled_waiter_frees_nothing_of_the_holder() -> None:
    core = a_core()
    holder, second, third = begun(core, *[a_resource("nic", reuse_space=True)] * 3)

    stepped(core, to(second, Cancel(by="bob")))

    assert phases(core, holder, second, third) == ["active", "ended", "pending"]
    assert core.table.held == {"nic": holder.ref}
    assert core.table.spaces == {FlowId("flow"): holder.ref}
    assert core.table.active == 1


def test_two_resources_are_taken_together_or_not_at_all() -> None:
    core = a_core()

    one, both, other = begun(core, a_resource("a"), a_resource("a", "b"), a_resource("b"))

    assert phases(core, one, both, other) == ["active", "pending", "active"]


def test_workspace_is_reused_by_one_run_of_the_flow_at_a_time() -> None:
    core = a_core()
    shared = a_flow(a_node("build"), reuse_space=True)
    first, second, elsewhere = begun(core, shared, shared, replace(shared, id=FlowId("other")))

    ended(core, first)

    assert phases(core, first, second, elsewhere) == ["ended", "active", "active"]
    spaces = {run.workspace for run in (first, core.table.runs[second.ref])}
    assert spaces == {"/srv/spaces/flow/ws/single"}


def test_each_holding_has_its_own_fence() -> None:
    core = a_core()
    first, second = begun(core, a_resource("nic"), a_resource("nic"))

    ended(core, first)

    assert first.fences == {"nic": "0.1"}
    assert core.table.runs[second.ref].fences == {"nic": "0.2"}


def test_runs_that_end_at_once_do_not_strand_those_behind_them() -> None:
    core = a_core(slots=1)
    at_once = a_flow(an_end(on="trigger.good"))

    stepped(core, *[a_start(at_once)] * 3)
    while core.is_behind:
        stepped(core)

    assert {run.phase for run in core.table.runs.values()} == {"ended"}


def test_one_step_gives_away_a_bounded_number_and_the_next_goes_on() -> None:
    core = a_core(slots=10 * GRANTS_MAX)
    core.site.draining = True
    stepped(core, *[a_start()] * (GRANTS_MAX + 5))
    core.site.draining = False

    first = stepped(core)
    behind = core.is_behind
    second = stepped(core)

    assert (len(first.appends), behind, len(second.appends)) == (GRANTS_MAX, True, 5)
    assert not core.is_behind


def test_pends_with_equal_needs_are_tried_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    core = a_core()
    holder, *_ = begun(core, *[a_resource("nic")] * 50)
    tried: list[RunRef] = []
    place = kernel_place.place

    def counted(pend: Pend, *others: Any) -> Any:
        tried.append(pend.run)
        return place(pend, *others)

    monkeypatch.setattr(placement_module, "place", counted)

    stepped(core, to(holder, started(holder, "build")))
    for_nothing = len(tried)
    ended(core, holder)

    assert (for_nothing, len(tried)) == (0, 2)
