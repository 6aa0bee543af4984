"""The graph of a flow of flyte."""

from typing import Any

from floe.dialects.flyte.compiled import compiled
from floe.server.flyte.graph import EDGES_MAX, flyte_graph, unknown_ids

Step = dict[str, Any]


def a_step(id: str, *after: str, event: str = "Done", sender: str = "Q", pack: str = "Q") -> Step:
    return {
        "id": id,
        "dependsOn": list(after),
        "event": {"packName": sender, "name": event},
        "command": {"packName": pack, "name": "Do"},
    }


def drawn(*steps: Step) -> dict[str, Any]:
    return dict(flyte_graph(compiled({"name": "f", "steps": list(steps)}, "uuid")))


def levels(*steps: Step) -> dict[str, int]:
    return {node["id"]: node["level"] for node in drawn(*steps)["nodes"]}


def edges(*steps: Step) -> list[tuple[str, str, str, str]]:
    found = drawn(*steps)["edges"]
    return [(one["from"], one["to"], one["tag"], one.get("label", "")) for one in found]


def test_event_that_opens_runs_is_a_trigger_with_its_pack() -> None:
    graph = drawn(
        a_step("a", event="Said", sender="Chat"), a_step("b", event="Said", sender="Chat")
    )

    assert [(node["id"], node["name"], node.get("calls")) for node in graph["nodes"]] == [
        ("event-0", "Said", "from Chat"),
        ("s0", "a", "Q Do"),
        ("s1", "b", "Q Do"),
    ]
    assert edges(a_step("a")) == [("event-0", "s0", "event-0.good", "")]


def test_edge_between_steps_names_the_event_that_fires() -> None:
    found = edges(a_step("a"), a_step("b", "a"), a_step("c", "a", sender="Chat", event="Said"))

    assert found[:2] == [
        ("s0", "s1", "task.s0.SUCCESS", "Done"),
        ("s0", "s2", "task.s0.SUCCESS", "Chat Said"),
    ]


def test_step_for_a_failure_follows_the_fatal_state() -> None:
    assert ("s0", "s1", "task.s0.FATAL", "FATAL") in edges(
        a_step("a"), a_step("b", "a", event="FATAL")
    )


def test_steps_stand_behind_those_that_they_depend_on() -> None:
    chain = (a_step("c", "b", "a"), a_step("b", "a"), a_step("a"))

    assert levels(*chain) == {"event-0": 0, "s0": 3, "s1": 2, "s2": 1}


def test_steps_that_wait_for_each_other_are_drawn_too() -> None:
    assert levels(a_step("a", "b"), a_step("b", "a"), a_step("c", "c"), a_step("d", "b")) == {
        "s0": 1,
        "s1": 2,
        "s2": 1,
        "s3": 3,
    }


def test_ids_that_no_step_has_are_no_edges_and_are_named() -> None:
    steps = [a_step("a", "ghost", "ghost", "b"), a_step("b")]

    assert [one[:2] for one in edges(*steps)] == [("s1", "s0"), ("event-0", "s1")]
    assert unknown_ids(steps) == {0: ["ghost"]}


def test_thousand_steps_that_all_wait_for_each_other_have_a_bounded_picture() -> None:
    ids = [str(number) for number in range(1000)]

    found = drawn(*(a_step(id, *ids) for id in ids))

    assert (len(found["nodes"]), len(found["edges"])) == (1000, EDGES_MAX)


def test_names_in_the_picture_are_short_and_on_one_line() -> None:
    [node, step] = drawn(a_step("x" * 5000, event="a\nb" + "y" * 5000))["nodes"]

    assert (len(node["name"]), node["name"][:3], len(step["name"])) == (120, "a b", 120)
