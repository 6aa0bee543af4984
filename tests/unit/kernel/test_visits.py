"""What a run keeps of nodes that enter more than once."""

from dataclasses import replace

from floe.kernel.evolve import evolve
from floe.model.codec import encode_event
from floe.model.event import NodeReset, NodeSettled, NodeStarted, RunActivated
from floe.model.ids import NodeId
from floe.model.loop import FlowLoop
from floe.model.outcome import Outcome
from floe.model.run import Run
from floe.model.signal import Reset
from floe.model.tags import Tag
from tests.make import (
    H1,
    NOW,
    WORKSPACE,
    a_flow,
    a_form,
    a_merge,
    a_node,
    a_run,
    after,
    decided,
    exited,
    started,
    the_key,
)

LOOP = a_flow(
    a_form("hold"),
    a_merge("loop", ["trigger.good", "task.work.bad"], "any"),
    a_node("work", on="merge.loop.good"),
    a_node("fix", on="task.work.bad"),
)
LOOP_NODES = (NodeId("loop"), NodeId("work"))
BAD = Tag("task.work.bad")
WORK = NodeId("work")


def reset(run: Run) -> Run:
    """The run once its loop was reset by the tag that leads back."""
    return after(run, Reset(nodes=LOOP_NODES, by=BAD))


def in_second_visit() -> Run:
    """A run whose loop has entered again."""
    run = a_run(LOOP)
    return reset(after(run, exited(run, "work", 1, made="one")))


def test_earlier_visits_keep_their_attempts_and_outputs() -> None:
    run = in_second_visit()

    first, second = run.visits(WORK)

    assert (first.visit, first.outputs, first.attempts[0].outcome.status) == (1, {"made": "one"}, 1)
    assert (second.visit, second.attempts) == (2, ())


def test_outputs_are_those_of_the_latest_visit_that_settled() -> None:
    assert in_second_visit().settled(WORK).outputs == {"made": "one"}


def test_node_that_never_settled_has_only_its_present_state() -> None:
    run = a_run(LOOP)

    assert run.settled(WORK) is run.nodes[WORK]


def test_run_is_in_the_order_of_the_latest_entries() -> None:
    assert tuple(in_second_visit().nodes) == ("hold", "fix", "loop", "work")


def test_key_names_the_visit() -> None:
    assert str(the_key(in_second_visit(), "work")).endswith(".1.work.2.1")


def test_reset_takes_the_tags_of_its_nodes_and_no_other() -> None:
    run = a_run(LOOP)
    run = after(run, exited(run, "work", 1))

    run = evolve(run, NodeReset(at=NOW, nodes=LOOP_NODES))

    assert tuple(run.standing) == ("trigger.good",)


def test_restart_on_another_host_forgets_all_visits() -> None:
    again = RunActivated(at=NOW, host=H1, epoch=2, workspace=WORKSPACE)

    run = evolve(in_second_visit(), again)

    assert (run.nodes, run.earlier) == ({}, {})


def test_further_tags_of_a_node_stand_until_it_is_reset() -> None:
    run = a_run(LOOP)
    extra = Tag("done")
    (settled, *_) = decided(run, exited(run, "work", 1)).events
    assert isinstance(settled, NodeSettled)

    run = evolve(run, replace(settled, tags=(extra,)))
    assert extra in run.standing

    assert extra not in evolve(run, NodeReset(at=NOW, nodes=(WORK,))).standing


def test_reset_is_refused_once_the_run_is_over() -> None:
    run = a_run(a_flow())
    run = after(run, exited(run, "build"))

    assert decided(run, Reset(nodes=(NodeId("build"),), by=Tag("trigger.good"))).events == ()


def test_events_are_written_without_item_and_tags_where_there_are_none() -> None:
    run = a_run()
    begun = after(run, started(run, "build"))
    started_, *_ = decided(run, started(run, "build")).events
    settled, *_ = decided(begun, exited(begun, "build")).events

    assert isinstance(started_, NodeStarted)
    assert "item" not in encode_event(started_)
    assert "tags" not in encode_event(settled)


def test_outcome_of_an_earlier_visit_stays() -> None:
    assert in_second_visit().visits(WORK)[0].outcome == Outcome(result="bad", status=1)


def test_loops_are_the_nodes_that_lead_back_to_a_head() -> None:
    flow = a_flow(
        a_node("before"),
        a_merge("head", ["task.before.good", "task.last.bad"], "any", loop=2),
        a_node("first", on="merge.head.good"),
        a_node("last", on="task.first.good"),
        a_node("beside", on="task.first.bad"),
        a_node("alone", heard=frozenset({Tag("trigger.good"), Tag("task.alone.bad")}), loop=2),
        a_node("unused", on="task.beside.good", loop=2),
    )

    head, alone = NodeId("head"), NodeId("alone")
    assert flow.loops == (
        FlowLoop(
            nodes=(head, NodeId("first"), NodeId("last")),
            back={head: frozenset({Tag("task.last.bad")})},
        ),
        FlowLoop(nodes=(alone,), back={alone: frozenset({Tag("task.alone.bad")})}),
    )


def test_flow_without_heads_has_no_loops() -> None:
    assert LOOP.loops == ()


def test_loop_of_one_node_goes_round() -> None:
    heard = frozenset({Tag("trigger.good"), Tag("task.alone.bad")})
    run = a_run(a_flow(a_node("alone", heard=heard, loop=2)))

    run = after(run, exited(run, "alone", 1))

    assert [visit.visit for visit in run.visits(NodeId("alone"))] == [1, 2]
