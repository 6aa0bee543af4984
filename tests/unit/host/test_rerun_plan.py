"""Re-runs of ended runs: what they take over, the values they get, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from floe.host.rerun_plan import RerunRequest, RerunSource
from floe.kernel.evolve import evolve
from floe.model.errors import Conflict, NotFound, ValuesInvalid
from floe.model.event import GrantSuperseded
from floe.model.flow import Flow, Trigger
from floe.model.form import Field, Form
from floe.model.ids import Json, NodeId
from floe.model.run import Run
from floe.model.secret import masked
from floe.model.signal import Cancel
from tests.make import H1, NOW, WORKSPACE, a_flow, a_node, a_run, after, exited

FORM = Form(
    title="Start",
    fields=(
        Field(id="version", prompt="Version", type="string"),
        Field(id="count", prompt="Count", type="number", required=False),
    ),
)
TRIGGER = Trigger(id=NodeId("start"), type="data", name="start", form=FORM)
FLOW = a_flow(
    a_node("build"),
    a_node("test", on="task.build.good"),
    a_node("ship", on="task.test.good"),
    a_node("scan", on="task.build.bad"),
    triggers=(TRIGGER,),
)
SECRET = "https://bob:pass@git.example/app"


def a_bad_run(flow: Flow = FLOW, values: dict[str, Json] | None = None) -> Run:
    """A run of build, test and ship in which test failed."""
    run = a_run(flow, values or {"version": "1"})
    run = after(run, exited(run, "build", 0))
    return after(run, exited(run, "test", 1))


def earlier(run: Run | None = None, flow: Flow = FLOW) -> RerunSource:
    return RerunSource(run=run or a_bad_run(), name="h1-1", flow=flow, digest="sha256:1")


def again(**others: Any) -> RerunRequest:
    return RerunRequest(**({"values": {}} | others))


def test_start_has_the_taken_nodes_and_the_workspace_of_the_earlier_run() -> None:
    start = earlier().start(again(failed=True), by="alice", once="k")

    assert [taken.node for taken in start.taken] == ["build"]
    assert start.rerun_of is not None
    assert (start.rerun_of.host, start.rerun_of.workspace) == (H1, WORKSPACE)
    assert (start.by, start.once, start.trigger) == ("alice", "k", "start")


def test_flow_with_one_workspace_for_all_runs_hands_none_over() -> None:
    flow = replace(FLOW, reuse_space=True)

    start = earlier(a_bad_run(flow), flow).start(again(), by="alice", once="")

    assert start.rerun_of is not None
    assert start.rerun_of.workspace == ""


@pytest.mark.parametrize(
    ("of", "asked", "said"),
    [
        (a_run(FLOW, {"version": "1"}), again(), "h1-1 is not over yet"),
        (None, again(node="scan"), "scan cannot start: task.build.bad did not occur in h1-1"),
    ],
)
def test_what_cannot_start_is_refused(of: Run | None, asked: RerunRequest, said: str) -> None:
    with pytest.raises(Conflict, match=said):
        earlier(of).rerun(asked)


def test_branch_that_went_on_elsewhere_is_not_started_again_from() -> None:
    run = a_run(FLOW, {"version": "1"})
    run = after(run, exited(run, "build", 0))
    run = evolve(run, GrantSuperseded(at=NOW, epoch=2))
    run = after(run, exited(run, "test", 0))

    with pytest.raises(Conflict, match="h1-1 went on elsewhere: this host had been forgotten"):
        earlier(run).rerun(again(failed=True))


def test_nothing_failed_in_a_good_run() -> None:
    run = a_run(a_flow())
    run = after(run, exited(run, "build", 0))

    with pytest.raises(Conflict, match="nothing failed in h1-1"):
        earlier(run, a_flow()).rerun(again(failed=True))


def test_node_is_named_by_id_or_reference() -> None:
    assert earlier().rerun(again(node="task.test")) == earlier().rerun(again(node="test"))


def test_unknown_node_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(NotFound, match="h1-1 has no node 'tst'") as raised:
        earlier().rerun(again(node="tst"))

    assert raised.value.hint == "did you mean test?"


def test_item_is_answered_with_its_node() -> None:
    with pytest.raises(NotFound) as raised:
        earlier().rerun(again(node="test[1]"))

    assert raised.value.hint == (
        "items do not start again alone: from test all of them run again, "
        "with failed only those that were not good"
    )


def test_workspace_that_is_gone_is_handed_to_no_further_re_run() -> None:
    start = replace(earlier(), why_gone="it was removed").start(again(), by="alice", once="")

    assert start.rerun_of is not None
    assert start.rerun_of.workspace == ""


def test_same_host_is_refused_where_no_workspace_is_left() -> None:
    flow = replace(FLOW, reuse_space=True)

    with pytest.raises(Conflict, match="h1-1 left no workspace"):
        earlier(a_bad_run(flow), flow).start(again(same_host=True), by="alice", once="")


@pytest.mark.parametrize(
    ("edited", "values"),
    [
        ({}, {"version": "1", "url": SECRET}),
        ({"version": "2", "count": "3"}, {"version": "2", "count": 3, "url": SECRET}),
    ],
)
def test_values_are_those_of_the_earlier_run_or_edited_ones(
    edited: dict[str, Json], values: dict[str, Json]
) -> None:
    run = a_bad_run(values={"version": "1", "url": SECRET})

    assert earlier(run).start(again(values=edited), by="a", once="").values == values


def test_unknown_value_is_refused() -> None:
    with pytest.raises(ValuesInvalid) as caught:
        earlier().start(again(values={"verson": "2"}), by="a", once="")

    assert "did you mean version?" in caught.value.fields["verson"]


def test_values_of_a_webhook_may_be_edited_by_name() -> None:
    flow = replace(FLOW, triggers=(Trigger(id=NodeId("start"), type="push", name="start"),))
    run = a_bad_run(flow, {"branch": "main", "url": SECRET})
    shown = {"branch": "fix", "url": masked(SECRET)}

    assert earlier(run, flow).start(again(values=shown), by="a", once="").values == {
        "branch": "fix",
        "url": SECRET,
    }
    with pytest.raises(ValuesInvalid) as caught:
        earlier(run, flow).start(again(values={"brnch": "fix"}), by="a", once="")
    assert "it has branch, url" in caught.value.fields["brnch"]


@pytest.mark.parametrize(
    ("why_gone", "host", "why"), [("", H1, ""), ("it was removed", None, "it was removed")]
)
def test_plan_names_the_host_whose_workspace_is_moved(
    why_gone: str, host: str | None, why: str
) -> None:
    plan = replace(earlier(), why_gone=why_gone).plan(again())

    assert plan.host == host
    assert why in plan.why_empty


def test_plan_of_a_run_that_never_started_has_no_workspace_to_move() -> None:
    run = after(a_run(FLOW, {"version": "1"}), Cancel(by="alice"))
    never = replace(run, phase="ended", host=None, workspace="", nodes={}, open=frozenset())

    assert earlier(never).plan(again()).why_empty == "it never had one"
