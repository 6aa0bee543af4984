"""Which runs may move: the reasons that scenarios cannot write."""

from dataclasses import replace

import pytest

from floe.kernel.evolve import evolve, fold
from floe.kernel.moving import may_move, outlives_host, why_stays
from floe.model.codec import digest_of
from floe.model.event import RunActivated
from floe.model.ids import HostId, NodeId
from floe.model.judging import Judged, Update, Verdict
from floe.model.moving import RunReturned
from floe.model.passes import RunOpened
from floe.model.run import Run
from floe.model.signal import Activate, Cancel
from tests.make import (
    H1,
    NOW,
    REF,
    STORE,
    WORKSPACE,
    a_flow,
    a_form,
    a_granted,
    a_pending_run,
    a_run,
    after,
    attached,
)
from tests.toy import run as toy
from tests.toy.reader import toy_flow

FORM = a_flow(a_form())
H2 = HostId("h2")


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (a_run(FORM), ""),
        (a_run(a_flow(a_form(), resource_tags=("staging",))), "holds staging"),
        (replace(a_run(FORM), group="max-runs flow/"), "counts for max-runs"),
        (replace(a_run(FORM), moved_from="/w/1"), "has the workspace of an earlier run"),
        (replace(a_run(FORM), sealed=True), "is sealed"),
        (replace(a_run(FORM), flow=None), ""),
    ],
    ids=["form", "resource", "group", "workspace of an earlier run", "sealed", "flow not read"],
)
def test_run_stays_for_what_it_has_on_its_host(run: Run, why: str) -> None:
    assert why_stays(run) == why


def test_run_whose_nodes_are_not_known_does_not_move() -> None:
    event = RunActivated(at=NOW, host=H1, epoch=1, workspace=WORKSPACE)

    copy = evolve(evolve(a_pending_run(FORM), a_granted()), event)

    assert not may_move(copy)


def a_judged_run(verdict: str) -> Run:
    """A run of a judged flow: at rest with a verdict, or in its first pass."""
    opened = RunOpened(
        at=NOW,
        flow=FORM.id,
        ver=1,
        digest=digest_of(FORM),
        trigger=NodeId("start"),
        values={},
        by="alice",
        host=H1,
        store=STORE,
        verdict=verdict,
    )
    return attached(fold(REF, [opened]), FORM)


def test_judged_run_stays_in_its_pass() -> None:
    assert why_stays(a_judged_run("")) == "is in a pass"


def test_judged_run_that_rests_moves_and_rests_on() -> None:
    run = a_judged_run("TODO")
    returned = evolve(run, RunReturned(at=NOW, epoch=1))

    moved = after(returned, Activate(host=H2, epoch=2, workspace=WORKSPACE))

    assert may_move(run)
    assert (returned.phase, moved.phase, moved.host) == ("pending", "resting", H2)


def test_update_of_a_judged_run_on_its_way_begins_a_pass_on_its_next_host() -> None:
    opened_run = toy.a_judged_run(toy_flow("toy", ["a"]))
    verdict = Verdict(state="WAITING", awaits=("child",))
    run = after(opened_run, Judged(epoch=1, seq=1, verdicts=(verdict,)))
    returned = evolve(run, RunReturned(at=NOW, epoch=1))

    told = after(returned, Update(source="test", key="child"))
    moved = after(told, Activate(host=H2, epoch=2, workspace=WORKSPACE))

    assert told.passes is not None
    assert moved.passes is not None
    assert (told.phase, [*told.passes.updates]) == ("pending", ["child"])
    assert (moved.phase, moved.passes.number, moved.host) == ("active", 2, H2)


def test_judged_run_is_cancelled_on_its_way() -> None:
    returned = evolve(a_judged_run("TODO"), RunReturned(at=NOW, epoch=1))

    ended = after(returned, Cancel(by="alice"))

    assert (ended.phase, ended.result) == ("ended", "cancelled")


def test_judged_run_outlives_its_host_as_it_is_at_rest() -> None:
    assert outlives_host(a_judged_run("TODO"))
    assert not outlives_host(a_judged_run(""))


def test_run_that_was_only_granted_does_not_outlive_its_host() -> None:
    granted = evolve(a_pending_run(FORM), a_granted())

    assert not outlives_host(granted)
