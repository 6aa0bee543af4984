"""What is on the disk before anyone can learn of it, beside the events that change lists."""

from dataclasses import replace

from floe.model.call import Call, OutsideWork
from floe.model.judging import Update
from floe.model.signal import TakeWork
from floe.model.states import State, StateTable
from tests.make import a_flow, a_node, started, the_key
from tests.make_core import a_core, begun, stepped, to
from tests.toy.reader import toy_flow
from tests.toy.run import a_judged_run

STATES = StateTable(
    rows=(State(name="DONE", final=True),), pruned="DONE", fatal="DONE", crashed="DONE"
)


def test_start_of_a_node_that_is_not_idempotent_is_promised() -> None:
    core = a_core()
    once = replace(a_node("build", Call(type="toy.pay")), idempotent=False)
    often = replace(once, idempotent=True)
    runs = begun(core, *(a_flow(node, states=STATES) for node in (once, often)))

    steps = [stepped(core, to(run, started(run, "build"))) for run in runs]

    assert [step.promise for step in steps] == [True, False]


def test_take_of_outside_work_is_promised() -> None:
    core = a_core()
    [run] = begun(core, a_flow(a_node("build", OutsideWork(type="toy.post", queue="slack"))))

    taken = stepped(core, to(run, TakeWork(key=the_key(run, "build"), take="t1", by="slack")))

    assert taken.promise


def test_update_of_a_program_outside_is_promised() -> None:
    core, run = a_core(), a_judged_run(toy_flow("toy", ["a"]))
    core.load([run])

    told = stepped(core, to(run, Update(source="test", key="child"), ticket=1))

    assert told.promise
