"""Which output `floe log` prints where no node is named."""

from typing import Any

import pytest

from floe.cli.log import only_output
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
