"""The child runs that a run waits for."""

from floe.kernel.open_children import children_of
from floe.model.children import SubFlow
from floe.model.ids import RunRef
from floe.model.signal import ChildMade
from tests.make import H1, STORE, a_flow, a_node, a_run, after, the_key


def test_run_waits_for_a_child_run_from_its_start() -> None:
    run = a_run(a_flow(a_node("go", SubFlow(flow="deploy"))))
    child = RunRef(H1, STORE, 2)

    waiting = after(run, ChildMade(key=the_key(run, "go"), run=child))

    assert (children_of(run), children_of(waiting)) == ([], [child.key])
