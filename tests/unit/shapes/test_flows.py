"""Flows as JSON: triggers without secrets, and the graph with levels."""

from floe.model.flow import Trigger
from floe.model.ids import NodeId
from floe.model.work import Git
from floe.shapes.flows import flow_page, graph_shape, trigger_shape
from tests.make import NOW, a_flow, a_node, an_end

CHAIN = a_flow(a_node("build"), a_node("test", on="task.build.good"), an_end(on="task.test.good"))


def test_key_file_of_a_repository_is_not_shown() -> None:
    git = Git(url="file:///a", key_file="/home/ci/.ssh/id_rsa")
    trigger = Trigger(id=NodeId("poll"), type="poll-git", name="Poll", git=git, period_s=5.0)

    assert trigger_shape(trigger, NOW)["git"] == {"url": "file:///a"}


def test_trigger_that_a_person_pulls_by_hand_has_a_form_too() -> None:
    poll = Trigger(id=NodeId("poll"), type="poll-git", name="Poll", git=Git(branch="main"))

    fields = trigger_shape(poll, None)["form"]["fields"]

    assert [(field["id"], field["value"]) for field in fields] == [
        ("branch", "main"),
        ("hash", None),
    ]


def test_node_has_the_level_of_its_distance_from_the_trigger() -> None:
    levels = {node["id"]: node["level"] for node in graph_shape(CHAIN)["nodes"]}

    assert levels == {"trigger": 0, "build": 1, "test": 2, "done": 3}


def test_page_of_a_flow_has_its_graph() -> None:
    assert flow_page(CHAIN)["graph"] == graph_shape(CHAIN)
