"""What a run owes, whole and node by node."""

from floe.kernel.owed import WHOLE, owed, owed_by
from floe.model.effect import SetTimer, StartAction
from floe.model.refs import NodeId
from tests.make import NOW, a_flow, a_form, a_node, a_run, after, exited, the_key


def test_whole_is_the_run_and_its_open_nodes() -> None:
    run = a_run(a_flow(a_node("build"), a_form("ask", timeout_s=60), timeout_s=3600))

    parts = [owed_by(run, node) for node in (WHOLE, *run.open)]

    assert owed(run) == frozenset[object]().union(*parts)
    assert [len(part) for part in parts if part] == [len(part) for part in parts]


def test_whole_alone_is_the_time_limit() -> None:
    run = a_run(a_flow(timeout_s=3600))

    (timer,) = owed_by(run, WHOLE)

    assert isinstance(timer, SetTimer)
    assert (timer.kind, timer.key.node, timer.due) == ("run", "", NOW + 3_600_000)


def test_node_owes_its_own() -> None:
    run = a_run(a_flow(a_node("a"), a_node("b")))

    assert owed_by(run, NodeId("a")) == {StartAction(the_key(run, "a"), started=False)}


def test_settled_node_owes_nothing() -> None:
    run = a_run(a_flow(a_node("a"), a_node("b")))

    run = after(run, exited(run, "a"))

    assert owed_by(run, NodeId("a")) == frozenset()


def test_node_that_has_not_entered_owes_nothing() -> None:
    run = a_run(a_flow(a_node("a"), a_node("b", on="task.a.good")))

    assert owed_by(run, NodeId("b")) == frozenset()
