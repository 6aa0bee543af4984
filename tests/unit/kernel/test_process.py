"""Nodes with a process, and runs with a slot."""

from floe.kernel.process import takes_slot
from floe.model.callback import Callback
from floe.model.children import SubFlow
from floe.model.http import Http
from floe.model.ids import RunRef
from floe.model.signal import Answered, ChildMade, Reported
from tests.make import H1, NOW, STORE, a_flow, a_form, a_node, a_run, after, exited, the_key


def test_only_a_run_with_an_open_command_takes_a_slot() -> None:
    asking, building = a_run(a_flow(a_form())), a_run()

    taken = [
        takes_slot(run) for run in (asking, building, after(building, exited(building, "build")))
    ]

    assert taken == [False, True, False]


def test_a_call_takes_a_slot_only_while_it_sends_its_request() -> None:
    request = Http(url="https://x.example", method="POST")
    sending = a_run(a_flow(a_node("tell", Callback(request=request))))
    told = Reported(key=the_key(sending, "tell"), report=Answered(good=True, outputs={}), at=NOW)
    alone = a_run(a_flow(a_node("ask", Callback())))

    taken = [takes_slot(run) for run in (sending, after(sending, told), alone)]

    assert taken == [True, False, False]


def test_run_that_waits_for_a_child_run_takes_no_slot() -> None:
    run = a_run(a_flow(a_node("go", SubFlow(flow="deploy"))))
    child = RunRef(H1, STORE, 2)

    waiting = after(run, ChildMade(key=the_key(run, "go"), run=child))

    assert [takes_slot(run), takes_slot(waiting)] == [False, False]
