"""Nodes that both listen and wait: later dialects have them, and the kernel knows one rule."""

from floe.kernel.evolve import evolve, fold
from floe.model.flow import Trigger
from floe.model.ids import NodeId
from floe.model.run import Run
from floe.model.signal import Activate
from floe.model.tags import Tag
from tests.make import (
    H1,
    REF,
    WORKSPACE,
    a_flow,
    a_granted,
    a_node,
    a_pended,
    a_run,
    after,
    attached,
    exited,
)

GATED = a_flow(
    a_node("gate"),
    a_node("work"),
    a_node("gated", on="task.work.good", needs=((Tag("task.gate.good"),),)),
)


def has_entered(run: Run) -> bool:
    return NodeId("gated") in run.nodes


def test_clause_that_stands_alone_does_not_wake_who_listens() -> None:
    run = a_run(GATED)

    assert not has_entered(after(run, exited(run, "gate")))


def test_tag_that_arrived_does_not_wake_whose_clause_is_missing() -> None:
    run = a_run(GATED)

    assert not has_entered(after(run, exited(run, "work")))


def test_node_enters_when_its_tag_arrived_and_its_clause_stands_in_either_order() -> None:
    run = a_run(GATED)

    gate_last = after(run, exited(run, "work"), exited(run, "gate"))
    work_last = after(run, exited(run, "gate"), exited(run, "work"))

    assert has_entered(gate_last)
    assert has_entered(work_last)
    assert gate_last.nodes[NodeId("gated")].sources == ("work", "gate")


def test_two_triggers_issue_one_trigger_good() -> None:
    start, nightly = (Trigger(id=NodeId(id), type="data", name=id) for id in ("start", "nightly"))
    flow = a_flow(a_node("build"), a_node("lint"), triggers=(start, nightly))

    for trigger in (start, nightly):
        pended = attached(fold(REF, [a_pended(flow, trigger=trigger.id)]), flow)
        run = after(evolve(pended, a_granted()), Activate(host=H1, epoch=1, workspace=WORKSPACE))

        assert [*run.standing] == ["trigger.good"]
        assert sorted(run.nodes) == ["build", "lint"]
