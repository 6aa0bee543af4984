"""What the checker is told of a flow before it runs."""

import pytest

from floe.kernel.graph import Edge, Flaw, graph_of, is_issued, labels_of
from floe.model.flow import Flow, Node
from floe.model.ids import NodeId
from floe.model.tags import TRIGGER_GOOD, Tag
from floe.model.work import Exec
from tests.make import a_flow, a_form, a_merge, a_node, a_timer, an_end
from tests.toy.reader import toy_flow

DIAMOND = a_flow(
    a_node("build"),
    a_node("lint", on="task.build.good"),
    a_node("test", on="task.build.good"),
    a_node("deep", on="task.test.good"),
    a_merge("both", ["task.lint.good", "task.deep.good"]),
    an_end("done", "merge.both.good"),
)


def flaws_of(*nodes: Node) -> list[tuple[str, str | None, str | None, str]]:
    return [(f.kind, f.node, f.tag, f.level) for f in graph_of(a_flow(*nodes)).flaws]


def the_flaw(*nodes: Node) -> Flaw:
    (flaw,) = graph_of(a_flow(*nodes)).flaws
    return flaw


def test_node_is_one_level_behind_the_last_it_listens_to() -> None:
    graph = graph_of(DIAMOND)

    assert graph.levels == {"build": 1, "lint": 2, "test": 2, "deep": 3, "both": 4, "done": 5}


def test_edges_run_from_who_issues_a_tag_to_who_listens_to_it() -> None:
    graph = graph_of(a_flow(a_node("build"), an_end()))

    assert graph.edges == (
        Edge(source=None, target=NodeId("build"), tag=TRIGGER_GOOD),
        Edge(source=NodeId("build"), target=NodeId("done"), tag=Tag("task.build.good")),
    )


@pytest.mark.parametrize("flow", [DIAMOND, a_flow(nodes=()), a_flow()])
def test_sound_flow_has_no_flaws(flow: Flow) -> None:
    graph = graph_of(flow)

    assert (graph.flaws, graph.unreachable) == ((), frozenset())


@pytest.mark.parametrize(
    ("node", "labels"),
    [
        (a_node(), ("good", "bad", "error")),
        (a_node(ignore_fail=True), ("good",)),
        (a_form(), ("good", "bad", "error")),
        (a_timer(), ("good", "error")),
        (an_end(), ("good",)),
        (a_merge("both", ["trigger.good"]), ("good",)),
    ],
)
def test_node_can_end_as_its_type_allows(node: Node, labels: tuple[str, ...]) -> None:
    assert labels_of(node) == labels


def test_use_status_issues_statuses_and_error() -> None:
    flow = a_flow(a_node("probe", use_status=True))

    issued = [t for t in ("0", "255", "error", "256", "good", "bad") if is_issued(flow, tag(t))]

    assert issued == ["0", "255", "error"]


def tag(label: str) -> Tag:
    return Tag(f"task.probe.{label}")


@pytest.mark.parametrize(
    ("on", "hint"),
    [
        ("task.biuld.good", "did you mean task.build.good?"),
        ("trigger.god", "did you mean trigger.good?"),
        ("merge.zzz.zzz", ""),
        ("task.build.fine", "task.build issues task.build.good, task.build.bad, task.build.error"),
        (
            "task.probe.good",
            "task.probe issues task.probe.0, task.probe.…, task.probe.255, task.probe.error",
        ),
    ],
)
def test_tag_that_nobody_issues_is_an_error_with_a_hint(on: str, hint: str) -> None:
    flaw = the_flaw(a_node("build"), a_node("probe", use_status=True), a_node("next", on=on))

    assert (flaw.kind, flaw.node, flaw.tag, flaw.hint) == ("nobody", "next", on, hint)


def test_merge_named_as_a_task_is_nobody() -> None:
    flaws = flaws_of(a_merge("both", ["trigger.good"]), a_node("next", on="task.both.good"))

    assert flaws == [("nobody", "next", "task.both.good", "error")]


def test_tag_is_reported_once_per_node_however_often_it_is_named() -> None:
    flaws = flaws_of(a_node(), a_merge("both", ["task.x.good", "task.x.good"]))

    assert flaws == [("nobody", "both", "task.x.good", "error")]


def test_cycle_can_never_be_entered() -> None:
    flaw = the_flaw(
        a_node("start"), a_node("ping", on="task.pong.good"), a_node("pong", on="task.ping.good")
    )

    assert (flaw.kind, flaw.level) == ("cycle", "error")
    assert flaw.what.endswith("these nodes wait for each other: task.ping → task.pong → task.ping")


def test_node_that_listens_to_itself_is_a_cycle() -> None:
    flaws = flaws_of(a_node("start"), a_node("self", on="task.self.bad"))

    assert flaws == [("cycle", "self", "task.self.bad", "error")]


def test_back_edge_into_an_any_merge_without_loop_is_an_error() -> None:
    flaw = the_flaw(
        a_merge("loop", ["trigger.good", "task.work.bad"], "any"),
        a_node("work", on="merge.loop.good"),
    )

    assert (flaw.kind, flaw.level, flaw.tag) == ("back-edge", "error", "task.work.bad")
    assert flaw.what == (
        "task.work.bad leads back to merge.loop, which enters only once:"
        " merge.loop → task.work → merge.loop"
    )


def test_loop_has_no_flaw() -> None:
    flaws = flaws_of(
        a_merge("loop", ["trigger.good", "task.work.bad"], "any", loop=2),
        a_node("work", on="merge.loop.good"),
    )

    assert flaws == []


def test_cycle_in_a_loop_that_avoids_its_head_is_an_error() -> None:
    flaws = flaws_of(
        a_merge("loop", ["trigger.good", "task.work.bad"], "any", loop=2),
        a_merge("inner", ["merge.loop.good", "task.work.good"], "any"),
        a_node("work", on="merge.inner.good"),
    )

    assert flaws == [("back-edge", "inner", "task.work.good", "error")]


def test_head_that_nothing_enters_is_a_cycle() -> None:
    flaws = flaws_of(
        a_node("start"),
        a_merge("loop", ["task.work.good", "task.work.bad"], "any", loop=2),
        a_node("work", on="merge.loop.good"),
    )

    assert ("cycle", "loop", "task.work.good", "error") in flaws


def test_loop_to_which_nothing_leads_back_is_an_error() -> None:
    flaws = flaws_of(a_node("start"), a_merge("any", ["task.start.good"], "any", loop=2))

    assert flaws == [("no-loop", "any", None, "error")]


def test_head_may_issue_an_error_whatever_its_work_issues() -> None:
    heads = [a_merge("m", [], "any", loop=2), a_node(loop=2, ignore_fail=True), a_node(loop=2)]

    assert [labels_of(head) for head in heads] == [
        ("good", "error"),
        ("good", "error"),
        ("good", "bad", "error"),
    ]


def test_listener_outside_is_warned_of_where_a_round_may_follow_its_event() -> None:
    flaws = flaws_of(
        a_merge("loop", ["trigger.good", "task.work.bad"], "any", loop=2),
        a_node("work", on="merge.loop.good"),
        a_node("each", on="task.work.bad"),
        a_node("last", on="task.work.good"),
        a_node("spent", on="merge.loop.error"),
        an_end("stop", "task.work.error"),
    )

    assert flaws == [("several", "each", "task.work.bad", "warning")]


def test_loop_inside_of_a_loop_is_warned_of() -> None:
    flow = a_flow(
        a_merge("plan", ["trigger.good", "task.check.bad"], "any", loop=2),
        a_merge("build", ["merge.plan.good", "task.work.bad"], "any", loop=3),
        a_node("work", on="merge.build.good"),
        a_node("check", on="task.work.good"),
    )

    [flaw] = graph_of(flow).flaws

    assert (flaw.node, flaw.level) == ("plan", "warning")
    assert flaw.what.startswith("the loops of merge.plan and merge.build share nodes, so they are")


def test_heads_to_which_the_same_tag_leads_back_have_no_flaw() -> None:
    assert not flaws_of(
        a_merge("one", ["trigger.good", "task.fix.good"], "any", loop=2),
        a_merge("two", ["trigger.good", "task.fix.good"], "any", loop=2),
        a_merge("both", ["merge.one.good", "merge.two.good"]),
        a_node("fix", on="merge.both.good"),
    )


def test_levels_of_a_cycle_are_those_without_its_back_edge() -> None:
    graph = graph_of(
        a_flow(
            a_node("work", on="merge.loop.good"),
            a_merge("loop", ["trigger.good", "task.work.bad"], "any"),
        )
    )

    assert graph.levels == {"work": 2, "loop": 1}


def test_all_merge_with_a_back_edge_is_a_cycle() -> None:
    flaws = flaws_of(
        a_node("start"),
        a_merge("loop", ["task.start.good", "task.work.bad"]),
        a_node("work", on="merge.loop.good"),
    )

    assert ("cycle", "loop", "task.work.bad", "error") in flaws


def test_two_cycles_are_two_flaws() -> None:
    flaws = flaws_of(
        a_node("start"),
        a_node("a", on="task.a.good"),
        a_node("b", on="task.b.good"),
    )

    assert [f[:2] for f in flaws] == [("cycle", "a"), ("cycle", "b")]


def test_merge_of_two_ways_to_end_of_one_node_is_an_error() -> None:
    flaws = flaws_of(a_node(), a_merge("both", ["task.build.good", "task.build.bad"]))

    assert flaws == [("exclusive", "both", "task.build.bad", "error")]


def test_same_tag_twice_in_a_merge_is_no_flaw() -> None:
    assert flaws_of(a_node(), a_merge("both", ["task.build.good", "task.build.good"])) == []


def test_node_that_listens_to_nothing_is_an_error() -> None:
    idle = Node(id=NodeId("idle"), cls="task", type="exec", name="idle", work=Exec(argv=("true",)))

    assert flaws_of(a_node(), idle) == [("idle", "idle", None, "error")]


def test_end_behind_a_node_that_never_runs_is_an_error_and_others_are_warnings() -> None:
    flaws = flaws_of(
        a_node("start"),
        a_node("lost", on="task.nowhere.good"),
        a_node("after", on="task.lost.good"),
        an_end("done", "task.after.good"),
    )

    assert flaws == [
        ("nobody", "lost", "task.nowhere.good", "error"),
        ("unreachable", "after", "task.lost.good", "warning"),
        ("unreachable", "done", "task.after.good", "error"),
    ]


def test_merge_is_unreachable_by_the_clause_that_cannot_come() -> None:
    flaws = flaws_of(
        a_node("start"),
        a_node("lost", on="task.nowhere.good"),
        a_merge("both", ["trigger.good", "task.start.good", "task.lost.good"]),
    )

    assert flaws[1:] == [("unreachable", "both", "task.lost.good", "warning")]


def test_unreachable_nodes_are_named() -> None:
    graph = graph_of(a_flow(a_node(), a_node("lost", on="task.nowhere.good")))

    assert graph.unreachable == {"lost"}


def test_flow_that_nothing_wakes_is_an_error() -> None:
    flaws = flaws_of(a_node("self", on="task.self.good"))

    assert flaws[0] == ("asleep", None, None, "error")


def test_judged_flow_has_a_picture_and_no_flaws() -> None:
    graph = graph_of(toy_flow("toy", ["a | entered", "b on a:final"]))

    assert (graph.levels, graph.flaws) == ({"a": 1, "b": 2}, ())
