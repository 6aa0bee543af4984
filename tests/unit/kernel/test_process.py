"""Nodes with a process, and runs with a slot."""

from floe.kernel.process import takes_slot
from tests.make import a_flow, a_form, a_run, after, exited


def test_only_a_run_with_an_open_command_takes_a_slot() -> None:
    asking, building = a_run(a_flow(a_form())), a_run()

    taken = [
        takes_slot(run) for run in (asking, building, after(building, exited(building, "build")))
    ]

    assert taken == [False, True, False]
