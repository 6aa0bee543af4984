"""The list of a node: at least one item, and at most 1,000."""

import pytest

from floe.kernel.item_list import list_of
from floe.kernel.items import ITEMS_MAX
from floe.kernel.judge import NodeScope
from floe.model.flow import Foreach
from floe.model.ids import Json
from tests.make import a_flow, a_run

TARGETS = Foreach(expression="values.targets")


def test_list_of_the_most_items_is_allowed() -> None:
    flow = a_flow()
    run = a_run(flow, {"targets": list(range(ITEMS_MAX))})

    assert list_of(TARGETS, NodeScope(run=run, flow=flow)) == (tuple(range(ITEMS_MAX)), "")


@pytest.mark.parametrize(
    ("targets", "why"),
    [
        (list(range(1001)), "foreach: `values.targets` has 1001 items; at most 1000 are allowed"),
        ({"a": 1}, "foreach: `values.targets` is no list"),
        (
            "eu",
            "foreach: `values.targets` is a text, not a list; try: |parse_json, or |split(',')",
        ),
    ],
)
def test_other_values_say_why_they_are_no_list(targets: Json, why: str) -> None:
    flow = a_flow()
    run = a_run(flow, {"targets": targets})

    assert list_of(TARGETS, NodeScope(run=run, flow=flow)) == ((), why)
