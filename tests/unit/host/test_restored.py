"""A store that is a copy from a backup: what it holds for an operator."""

from typing import Any

import pytest

from floe.host.inputs import Forget
from floe.host.step_result import StepResult
from floe.kernel.place import Refusals
from floe.model.effect import PackArchive, StopAction
from floe.model.event import GrantSuperseded
from floe.model.flow import Flow
from floe.model.ids import RunRef, StoreId
from floe.model.peer_message import NEVER, Ended, Offer, Refused, Release
from floe.model.signal import Cancel, Reported, Stopped
from tests.make import NOW, a_flow, a_node, an_end, the_key
from tests.make_hosts import (
    BUILD,
    GPU_AGAIN,
    Host,
    a_host_core,
    carry,
    forget,
    later,
    met,
    of,
    phase,
)

MOON = a_flow(a_node("build"), an_end(), host_tags=("moon",))
NIC = a_flow(a_node("build"), an_end(), resource_tags=("host:nic",))
GPU = a_flow(a_node("build"), an_end(), host_tags=("gpu",))


def restored(host: Host) -> None:
    """Its store is a copy from now on, with an id of its own."""
    host.store = StoreId("copy1")
    host.restart()


def a_held(flow: Flow, **others: Any) -> tuple[Host, RunRef]:
    """A host with one run that came with its copy."""
    host = a_host_core("h1", **others)
    ref = host.start(flow)
    restored(host)
    return host, ref


def a_held_of_another() -> tuple[Host, RunRef]:
    """A host with one run that another had adopted, which came with its copy."""
    h1, h2 = met(a_host_core("h1", tags=frozenset()), a_host_core("h2", tags=frozenset({"gpu"})))
    ref = h1.start(GPU)
    carry(h1, h2)
    restored(h2)
    return h2, ref


def test_run_that_starts_again_is_offered_once_to_the_host_with_an_old_log_of_it() -> None:
    h1, h2 = met(a_host_core("h1"), a_host_core("h2", tags=frozenset({"gpu"})))
    ref, lost = h1.start(GPU_AGAIN), h2.store
    carry(h1, h2)
    restored(h2)
    h1.step(Forget(host=h2.id, store=lost, force=True))
    later(2000, h1, h2)
    first = carry(h1, h2)
    later(2000, h1, h2)
    again = carry(h1, h2)

    assert (len(of(first, Offer)), [m.change for m in of(first, Refused)]) == (1, [NEVER])
    assert of(again, Offer) == []
    assert h1.run(ref).phase == "pending"
    placed = h1.core.place(h1.core.table.pends[ref], NOW)
    assert isinstance(placed, Refusals)
    assert placed.by_host[h2.id] == (
        "has an older log of this run, as from a backup, and never takes it",
    )


def test_host_whose_store_was_forgotten_is_offered_what_it_refused_permanently() -> None:
    h1, h2 = met(a_host_core("h1"), a_host_core("h2", tags=frozenset({"gpu"})))
    ref, lost = h1.start(GPU_AGAIN), h2.store
    carry(h1, h2)
    restored(h2)
    h1.step(Forget(host=h2.id, store=lost, force=True))
    later(2000, h1, h2)
    carry(h1, h2)
    empty = a_host_core("h2", "h2st2", tags=frozenset({"gpu"}))

    forget(h1, h2)
    met(h1, empty)
    later(2000, h1, empty)
    carry(h1, empty)

    assert (h1.run(ref).phase, h1.run(ref).store) == ("active", "h2st2")


def cancelled(host: Host, ref: RunRef) -> StepResult:
    return host.step(Cancel(by="bob", why="it went on"), run=ref, ticket=1)


def stopped(host: Host, ref: RunRef) -> StepResult:
    return host.step(
        Reported(key=the_key(host.run(ref), "build"), report=Stopped(), at=NOW), run=ref
    )


def test_pending_run_that_is_held_ends_when_it_is_cancelled() -> None:
    host, ref = a_held(MOON)

    decided = cancelled(host, ref)

    run = host.run(ref)
    assert decided.replies[0].changed
    assert (run.phase, run.good, run.why) == ("ended", False, "cancelled by bob: it went on")
    assert decided.effects == (PackArchive(ref),)


@pytest.mark.parametrize("peers", [0, 1])
def test_active_run_that_is_held_is_stopped_before_it_ends(peers: int) -> None:
    host, ref = a_held(BUILD, peers=peers)

    stops = cancelled(host, ref).effects
    before = phase(host, ref)
    stopped(host, ref)

    assert stops == (StopAction(the_key(host.run(ref), "build")),)
    assert (before, phase(host, ref)) == ("ending", "ended")


def test_run_that_another_host_adopted_is_held_and_ends_as_well() -> None:
    h2, ref = a_held_of_another()

    cancelled(h2, ref)
    stopped(h2, ref)

    assert phase(h2, ref) == "ended"


def test_end_of_a_held_run_is_owed_to_nobody() -> None:
    h2, ref = a_held_of_another()

    cancelled(h2, ref)
    stopped(h2, ref)

    said = [envelope.message for envelope in h2.sent]
    assert not of(said, Ended)
    assert not of(said, Release)


def test_held_run_that_is_stopped_holds_and_frees_nothing() -> None:
    host, held = a_held(NIC)
    now = host.start(NIC)

    cancelled(host, held)
    during = (host.core.table.active, dict(host.core.table.held))
    stopped(host, held)

    assert during == (1, {"host:nic": now})
    assert (host.core.table.active, host.core.table.held) == during


def test_held_run_is_cancelled_once() -> None:
    host, ref = a_held(BUILD)

    cancelled(host, ref)
    again = cancelled(host, ref)

    assert not again.replies[0].changed
    assert len([e for e in host.events(ref) if isinstance(e, GrantSuperseded)]) == 1


def test_row_of_a_held_run_that_is_cancelled_replaces_none_of_what_came_after_the_backup() -> None:
    host, ref = a_held(BUILD)
    before = host.run(ref).seq

    cancelled(host, ref)
    [append] = stopped(host, ref).appends

    assert append.summary is not None
    assert (append.summary.state, append.summary.seq) == ("archive", before)


def test_cancel_of_a_held_run_goes_on_after_a_restart() -> None:
    host, ref = a_held(BUILD)
    cancelled(host, ref)

    host.restart()

    assert host.core.table.owed(ref) == {StopAction(the_key(host.run(ref), "build"))}


def test_log_of_a_run_that_was_over_in_the_backup_stays_a_prefix_of_what_it_was() -> None:
    host = a_host_core("h1")
    ref = host.start(BUILD)
    host.ended(ref)

    restored(host)

    assert host.core.table.owed(ref) == set()
