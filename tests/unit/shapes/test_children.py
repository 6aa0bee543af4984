"""The runs above and below a run as JSON."""

from floe.model.children import SubFlow
from floe.model.ids import RunRef
from floe.model.nouns import replace
from floe.model.signal import ChildMade
from floe.shapes.children import children_shape, parent_shape
from tests.make import H1, STORE, a_flow, a_node, a_run, after, the_key
from tests.make_store import a_summary

FLOW = a_flow(a_node("go", SubFlow(flow="deploy")))


def test_parent_is_the_run_and_the_node_that_a_child_belongs_to() -> None:
    key = str(the_key(a_run(FLOW), "go"))

    shape = parent_shape(a_summary(parent=key, awaited=True), str)

    assert shape == {"run": "h1-1", "node": "go", "item": None, "waits": True}


def test_run_that_is_no_child_has_no_parent() -> None:
    assert parent_shape(a_summary(), str) is None


def test_parent_names_the_item_of_a_node_with_items() -> None:
    key = str(replace(the_key(a_run(FLOW), "go"), item=2))

    shape = parent_shape(a_summary(parent=key, awaited=True), str)

    assert shape is not None
    assert shape["item"] == 2


def test_children_of_a_run_are_listed_with_their_nodes() -> None:
    run = a_run(FLOW)
    child = RunRef(H1, STORE, 2)

    with_child = after(run, ChildMade(key=the_key(run, "go"), run=child))

    assert children_shape(run, str) == []
    assert children_shape(with_child, str) == [{"run": "h1-2", "node": "go", "item": None}]
