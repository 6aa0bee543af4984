"""Which nodes of a flow may be skipped, and without which a merge of all goes."""

from dataclasses import replace

import pytest

from floe.kernel.graph import edges_of, graph_of, is_issued
from floe.kernel.rerun import RerunChoice, rerun_of
from floe.kernel.skipping import skippable, with_excuses
from floe.model.codec import digest_of
from floe.model.flow import Node
from floe.model.ids import NodeId
from floe.model.run import Run
from floe.model.tags import Tag
from tests.make import NOW, a_flow, a_merge, a_node, a_run, after, an_end, decided, exited

MAYBE = a_node("maybe", condition="values.env == 'prod'")


def skipped(*nodes: Node) -> set[str]:
    return {*skippable(nodes)}


def the_merge(*nodes: Node) -> Node:
    return next(node for node in with_excuses(nodes) if node.cls == "merge")


def test_nodes_that_only_follow_a_skipped_one_may_be_skipped() -> None:
    undo, after_undo = a_node("undo", on="task.maybe.bad"), a_node("log", on="task.undo.good")

    assert skipped(after_undo, undo, MAYBE, a_node("other")) == {"maybe", "undo", "log"}


@pytest.mark.parametrize(
    ("wait", "kind", "may_be_skipped"),
    [
        (["task.maybe.good", "task.build.good"], "all", False),
        (["task.maybe.good"], "all", True),
        (["task.maybe.bad", "task.build.good"], "all", True),
        (["task.maybe.good", "task.build.good"], "any", False),
        (["task.maybe.good", "task.maybe.bad"], "any", True),
    ],
)
def test_merge_may_be_skipped_by_its_kind_and_its_tags(
    wait: list[str], kind: str, may_be_skipped: bool
) -> None:
    merge = a_merge("both", wait, kind)

    assert ("both" in skipped(MAYBE, a_node("build"), merge)) == may_be_skipped


def test_merge_of_all_excuses_nodes_that_may_be_skipped() -> None:
    merge = a_merge("both", ["task.maybe.good", "task.build.good"])

    excusing = the_merge(MAYBE, a_node("build"), merge)

    assert excusing.needs == (
        ("task.maybe.good", "task.maybe.skipped"),
        ("task.build.good",),
    )
    assert excusing.excused == {"task.maybe.skipped"}


def test_good_status_is_excused_and_other_statuses_are_not() -> None:
    probe = replace(MAYBE, use_status=True, good=(0, 3))
    merge = a_merge("both", ["task.maybe.3", "task.maybe.4"])

    assert the_merge(probe, merge).needs == (
        ("task.maybe.3", "task.maybe.skipped"),
        ("task.maybe.4",),
    )


@pytest.mark.parametrize("label", ["bad", "error", "skipped"])
def test_other_tags_are_not_excused(label: str) -> None:
    merge = a_merge("both", [f"task.maybe.{label}", "trigger.good"])

    assert the_merge(MAYBE, merge) == merge


def test_flow_without_conditions_compiles_to_the_same() -> None:
    nodes = (a_node(), a_merge("both", ["task.build.good"]), an_end("done", "merge.both.good"))

    assert with_excuses(nodes) == nodes
    assert digest_of(a_flow(*with_excuses(nodes))) == digest_of(a_flow(*nodes))
    assert a_flow(*nodes).followers == {}


def test_excused_tags_are_no_edges_and_no_flaws() -> None:
    merge = a_merge("both", ["task.maybe.good", "task.build.good"])
    flow = a_flow(*with_excuses((MAYBE, a_node("build"), merge)))

    assert [edge.tag for edge in edges_of(flow)] == [
        "trigger.good",
        "trigger.good",
        "task.maybe.good",
        "task.build.good",
    ]
    assert graph_of(flow).flaws == ()


def test_skipped_tag_is_issued_by_nodes_that_may_be_skipped() -> None:
    flow = a_flow(MAYBE, a_node("build"))

    assert is_issued(flow, Tag("task.maybe.skipped"))
    assert not is_issued(flow, Tag("task.build.skipped"))


def test_re_run_by_a_version_without_the_condition_runs_what_was_skipped() -> None:
    flow = a_flow(MAYBE, a_node("fails"), unheard_bad="hold")
    old = ended(a_run(flow, {"env": "test"}))
    newer = a_flow(replace(MAYBE, condition=""), a_node("fails"), unheard_bad="hold")

    rerun = rerun_of(old, newer, RerunChoice(kind="failed"))

    assert rerun.taken == ()
    assert rerun.again == (NodeId("maybe"), NodeId("fails"))


def ended(run: Run) -> Run:
    """The run after its last command failed."""
    return after(run, exited(run, "fails", 1))


def test_node_that_waits_for_nothing_is_not_skipped() -> None:
    nodes = (MAYBE, replace(a_merge("both", []), needs=((),)), a_merge("none", [], "any"))

    assert skipped(*nodes) == {"maybe"}
    assert with_excuses(nodes) == nodes


def test_wide_flow_skips_each_node_once() -> None:
    others = [a_node(f"n{i}", on="task.maybe.good") for i in range(200)]
    flow = a_flow(MAYBE, *others, a_node("fails"))

    run = a_run(flow, {"env": "test"})

    assert sum(state.is_skipped for state in run.nodes.values()) == 201
    assert decided(run, exited(run, "fails"), NOW).run.good
