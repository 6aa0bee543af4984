"""Which output `floe log` prints where no node is named."""

from typing import Any

import pytest

from floe.cli.log import no_output, only_output
from floe.model.errors import NotFound, Yours

BUILD = {"id": "build", "state": "good", "output_bytes": 3}
TEST = {"id": "test", "state": "bad", "output_bytes": 3}
IDLE = {"id": "idle", "state": "good"}


def a_run(*nodes: dict[str, Any], failed: str = "") -> dict[str, Any]:
    return {"id": "h1-1", "nodes": nodes, "failed": [failed]}


def test_only_node_with_output_is_the_one() -> None:
    assert only_output(a_run(IDLE, BUILD)) == "build"


def test_items_with_output_are_named_and_a_failed_one_is_suggested() -> None:
    states = [{"item": 0, "state": "good", "output_bytes": 3}, {"item": 7, "state": "bad"}]
    items = {"id": "test", "state": "bad", "item_states": states}
    states[1]["output_bytes"] = 3
    states.append({"item": 8, "state": "good", "output_bytes": 3})

    with pytest.raises(Yours) as refused:
        only_output(a_run(items, failed="test"))

    assert refused.value.what.endswith("test[0] (good), test[7] (bad), test[8] (good)")
    assert refused.value.hint == "floe log h1-1 test[7]"


def test_run_without_output_has_none_to_print() -> None:
    with pytest.raises(NotFound, match="no node of h1-1 has any output yet"):
        only_output(a_run(IDLE))


def test_several_nodes_with_output_are_named_and_the_failed_one_is_suggested() -> None:
    with pytest.raises(Yours) as refused:
        only_output(a_run(TEST, BUILD, failed="test"))

    assert refused.value.what == "which output of h1-1? these have one: test (bad), build (good)"
    assert refused.value.hint == "floe log h1-1 test"


def silence(state: str, *, item: int | None = None, **more: Any) -> str:
    node = {"id": "test", "ref": "task.test", "class": "task", "type": "exec", "state": state}
    children = more.pop("children", [])
    run = {**a_run({**node, **more}), "children": children}
    return no_output(run, "test", item)


def test_skipped_node_explains_why_it_has_no_output() -> None:
    text = silence("skipped", why="values.env was 'test'")

    assert text == "task.test was skipped, since values.env was 'test'"


def test_flow_task_leads_to_its_child_run() -> None:
    child = {"node": "test", "item": None, "run": "h1-8"}

    assert silence("good", type="flow", children=[child]) == (
        "task.test has the child run h1-8: floe show h1-8, floe log h1-8"
    )


def test_item_of_a_flow_task_leads_to_the_child_of_that_item() -> None:
    children = [{"node": "test", "item": item, "run": f"h1-{8 + item}"} for item in (0, 1)]

    text = silence("good", item=1, children=children, item_states=[])

    assert text.startswith("item 1 of task.test has the child run h1-9:")


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("never", "task.test never ran: floe why h1-1"),
        ("waiting", "task.test has not begun: floe why h1-1"),
        ("good", "task.test printed nothing; it is good"),
    ],
)
def test_node_without_output_says_what_became_of_it(state: str, text: str) -> None:
    assert silence(state) == text


def test_task_without_a_command_has_none() -> None:
    assert silence("good", type="data") == "task.test has no output: it runs no command"


def test_run_whose_only_output_is_in_its_child_names_the_child() -> None:
    run = {**a_run(IDLE), "children": [{"node": "idle", "item": None, "run": "h1-8"}]}

    with pytest.raises(NotFound) as refused:
        only_output(run)

    assert refused.value.hint == "floe log h1-8, its child run"
