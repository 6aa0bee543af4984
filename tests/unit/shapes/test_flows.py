"""Flows as JSON: triggers without secrets, and the graph with levels."""

from floe.model.flow import Git, Trigger
from floe.model.refs import NodeId
from floe.shapes.flows import flow_page, graph_shape, trigger_shape
from tests.make import NOW, a_flow, a_node, an_end

CHAIN = a_flow(a_node("build"), a_node("test", on="task.build.good"), an_end(on="task.test.good"))


def test_key_file_of_a_repository_is_not_shown() -> None:
    git = Git(url="file:///a", key_file="/home/ci/.ssh/id_rsa")
    trigger = Trigger(id=NodeId("poll"), type="poll-git", name="Poll", git=git, period_s=5.0)

    assert trigger_shape(trigger, NOW)["git"] == {"url": "file:///a"}


def test_only_a_data_trigger_has_a_form() -> None:
    timer = Trigger(id=NodeId("daily"), type="timer", name="Daily", period_s=60.0)
    data = Trigger(id=NodeId("start"), type="data", name="Start")

    forms = [trigger_shape(one, None)["form"] for one in (timer, data)]

    assert (forms[0], forms[1]["fields"]) == (None, [])


def test_node_has_the_level_of_its_distance_from_the_trigger() -> None:
    levels = {node["id"]: node["level"] for node in graph_shape(CHAIN)["nodes"]}

    assert levels == {"trigger": 0, "build": 1, "test": 2, "done": 3}


def test_page_of_a_flow_has_its_graph() -> None:
    assert flow_page(CHAIN)["graph"] == graph_shape(CHAIN)
