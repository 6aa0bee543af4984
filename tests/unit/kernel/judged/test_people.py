"""What people may not do to a run, where no scenario can show it."""

from dataclasses import replace
from typing import Any

import pytest

from floe.kernel.evolve import evolve
from floe.kernel.judged.limits import NOTES_MAX
from floe.kernel.judged.people import refusal
from floe.model.codec import digest_of
from floe.model.flow import Flow
from floe.model.ids import FlowId, NodeId
from floe.model.judging import Judged, RunNoted, Verdict
from floe.model.moving import RunReturned
from floe.model.nouns import replace as with_changes
from floe.model.passes import BeginPass, RunOpened
from floe.model.people import AddNote, Edit, Resolve
from floe.model.run import Run
from tests.make import H1, NOW, REF, STORE, a_run, after, attached
from tests.toy.reader import toy_flow

TOY = toy_flow("toy", ["a", "b on a"])


def at_rest() -> Run:
    opened = RunOpened(
        at=NOW,
        flow=TOY.id,
        ver=TOY.ver,
        digest=digest_of(TOY),
        trigger=NodeId("start"),
        values={},
        by="alice",
        host=H1,
        store=STORE,
    )
    run = attached(evolve(None, opened, ref=REF), TOY)
    return after(run, Judged(epoch=1, seq=1, verdicts=(Verdict(state="CLIENT_ERROR"),)))


def refused(run: Run, flow: Flow) -> str:
    assert run.passes is not None
    edit = Edit(by="bob", base=run.passes.base, digest=digest_of(flow), flow=flow)
    return refusal(run, edit)


def test_run_of_another_flow_is_not_resolved() -> None:
    assert refusal(a_run(), Resolve(by="bob", resolution="r")) == "its flow is not judged"


def test_run_on_its_way_to_a_different_host_begins_no_pass() -> None:
    moving = evolve(at_rest(), RunReturned(at=NOW, epoch=1))

    assert refusal(moving, BeginPass(by="bob")) == "it is on its way to a different host"


@pytest.mark.parametrize("change", [{"id": FlowId("other")}, {"states": None}])
def test_edit_keeps_the_flow_and_its_states(change: dict[str, Any]) -> None:
    assert "a different one, or is not judged" in refused(at_rest(), replace(TOY, **change))


@pytest.mark.parametrize("change", [{"resource_tags": ("gpu",)}, {"reuse_space": True}])
def test_edit_keeps_what_the_run_holds(change: dict[str, Any]) -> None:
    assert "cannot change what a run holds" in refused(at_rest(), replace(TOY, **change))


def test_edited_flow_has_the_state_of_each_node_that_keeps_it() -> None:
    assert TOY.states is not None
    rows = tuple(row for row in TOY.states.rows if row.name != "CLIENT_ERROR")

    why = refused(at_rest(), replace(TOY, states=replace(TOY.states, rows=rows)))

    assert why == "task.a is CLIENT_ERROR, which is no state of the edited flow"


def test_run_has_a_limited_number_of_notes() -> None:
    run = at_rest()
    assert run.passes is not None
    notes = (RunNoted(at=NOW, by="bob", kind="comment"),) * NOTES_MAX
    full = with_changes(run, passes=with_changes(run.passes, notes=notes))

    assert refusal(full, AddNote(by="bob", kind="comment")) == (
        "it has 10,000 notes, and no more fit"
    )
    assert refusal(run, AddNote(by="bob", kind="comment")) == ""
