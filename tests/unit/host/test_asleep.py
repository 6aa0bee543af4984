"""Runs at rest that leave the memory of their host."""

from dataclasses import replace
from typing import Any

import pytest

from floe.host.asleep import Asleep, KnownRuns, may_stay_asleep
from floe.host.core import HostCore
from floe.host.inputs import Drain, GiveBack, Incoming
from floe.host.opening_inputs import OpenRun
from floe.kernel.evolve import fold
from floe.model.codec import digest_of
from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, HostId, Key, NodeId, RunRef, StoreId
from floe.model.judging import Enter
from floe.model.nouns import replace as changed
from floe.model.passes import BeginPass
from floe.model.run import Run
from floe.model.summary import summary_of
from tests.make import NOW, REF, STORE, a_run, attached
from tests.make_core import a_core, stepped, to
from tests.toy.reader import toy_flow
from tests.toy.run import opened

FLOW = toy_flow("toy", ["a"])
OTHER = RunRef(REF.host, STORE, 2)


def a_resting_run(flow: Flow = FLOW, ref: RunRef = REF, **others: Any) -> Run:
    """A run that rests before its first pass."""
    return changed(attached(fold(ref, [opened(flow, verdict="TODO")]), flow), **others)


def a_core_with(*runs: Run) -> HostCore:
    core = a_core()
    core.load(runs)
    return core


def test_run_at_rest_leaves_memory_and_is_still_known() -> None:
    core = a_core_with(a_resting_run())

    assert core.let_sleep(REF)

    table = core.table
    assert (dict(table.runs), REF in table.runs, [*table.refs()]) == ({}, True, [REF])
    assert [*table.flows()] == [(REF, FLOW)]
    assert table.digests() == {a_resting_run().digest}


def test_runs_that_are_alike_share_what_the_host_knows_of_them() -> None:
    core = a_core_with(a_resting_run(), a_resting_run(ref=OTHER))

    assert [core.let_sleep(ref) for ref in (REF, OTHER)] == [True, True]

    asleep = core.table.runs.asleep
    assert asleep[REF] is asleep[OTHER]


def test_run_at_work_stays_in_memory() -> None:
    core = a_core_with(a_run())

    assert not core.let_sleep(REF)
    assert core.table.runs[REF] == a_run()


@pytest.mark.parametrize(
    "flow",
    [
        replace(FLOW, resource_tags=("gpu",)),
        replace(FLOW, reuse_space=True),
    ],
)
def test_run_that_holds_something_stays_in_memory(flow: Flow) -> None:
    run = a_resting_run(flow)
    core = a_core_with(run)

    assert not core.let_sleep(REF)
    assert not may_stay_asleep(summary_of(run), flow, STORE)


@pytest.mark.parametrize(
    "others", [{"store": StoreId("othr")}, {"ref": RunRef(HostId("h2"), StoreId("othr"), 1)}]
)
def test_run_of_a_peer_stays_in_memory(others: dict[str, Any]) -> None:
    run = a_resting_run(**others)
    core = a_core_with(run)

    assert not core.let_sleep(run.ref)
    assert not may_stay_asleep(summary_of(run), FLOW, STORE)


def test_row_of_a_run_at_rest_is_all_that_a_start_needs() -> None:
    assert may_stay_asleep(summary_of(a_resting_run()), FLOW, STORE)
    assert not may_stay_asleep(summary_of(a_run()), FLOW, STORE)


POSTED = toy_flow("toy", ["a | post=slack entered"])


def test_run_that_waits_for_outside_work_leaves_memory_and_still_offers_it() -> None:
    core, run = an_open_run(POSTED)

    assert core.let_sleep(run)

    assert len(core.table.offers) == 1
    assert core.table.runs.asleep[run].phase == "active"


def test_run_with_something_else_at_work_stays_in_memory() -> None:
    core, run = an_open_run(toy_flow("toy", ["a | post=slack entered", "b"]))

    assert not core.let_sleep(run)


def an_open_run(flow: Flow) -> tuple[HostCore, RunRef]:
    """A run whose first node is outside work."""
    core, [first, *_] = a_core(), flow.nodes
    enters = (Enter(node=first.id, work=first.work),)
    opening = OpenRun(
        flow=flow, digest=digest_of(flow), trigger=NodeId("start"), by="ann", enters=enters
    )
    stepped(core, Incoming(input=opening))
    [run] = core.table.runs
    return core, run


def test_unknown_run_is_no_run_that_sleeps() -> None:
    runs = KnownRuns()

    assert runs.get(REF) is None
    with pytest.raises(KeyError):
        runs[REF]


def test_step_that_needs_a_run_that_is_asleep_changes_nothing() -> None:
    first, second = a_resting_run(), a_resting_run(ref=OTHER)
    core = a_core_with(first, second)
    core.let_sleep(OTHER)
    key = Key(OTHER, 1, NodeId("a"), 1, 1, NO_ITEM)
    inputs = (to(first, BeginPass(by="bob")), Incoming(input=GiveBack(key=str(key), take="t")))

    with pytest.raises(Asleep) as raised:
        stepped(core, *inputs)

    assert (raised.value.run, core.table.runs[REF]) == (OTHER, first)


def test_step_goes_on_with_a_run_that_was_woken() -> None:
    core = a_core_with(a_resting_run())
    core.let_sleep(REF)

    core.wake(REF, a_resting_run())
    stepped(core, to(a_resting_run(), BeginPass(by="bob")))

    assert core.table.runs[REF].phase == "active"
    assert not core.table.runs.asleep


def test_run_that_is_gone_sleeps_no_more() -> None:
    core = a_core_with(a_resting_run())
    core.let_sleep(REF)

    core.wake(REF, None)

    assert REF not in core.table.runs


def test_host_that_drains_names_the_runs_that_are_asleep() -> None:
    core = a_core_with(a_resting_run())
    core.let_sleep(REF)
    stepped(core, Incoming(input=Drain(on=True)))

    assert [*core.staying(NOW)] == [(REF, "has nowhere to go: there is no other host")]
