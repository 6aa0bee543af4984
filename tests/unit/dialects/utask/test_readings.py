"""What uTask calls the parts of a run."""

from typing import Any

import pytest

from floe.dialects.utask import readings
from floe.model.ids import NodeId
from floe.model.people import Edit, Pause, StateEdit
from floe.model.signal import Answered
from tests.make import decided
from tests.utask_run import ADMIN, TaskRun, created, echo

HOOKED = """
steps:
  one:
    ECHO x
    pre_hook: {type: echo, configuration: {output: y}}
"""

AGAIN = """
steps:
  one:
    ECHO x
    conditions:
      - {type: check, if: [{value: "{{.step.this.try_count}}", operator: EQ, expected: "1"}],
         then: {this: RETRY_NOW}}
"""


def paused_in_its_first_action(text: str) -> TaskRun:
    """A task that a person paused, with force, while its first action ran."""
    done: list[str] = []

    def action(config: Any) -> Answered:
        if not done:
            done.append("paused")
            pause = Pause(by=ADMIN, verdict="PAUSED", force=True)
            task.take(decided(task.run, pause, task.now()))
        answer = echo(config)
        assert isinstance(answer, Answered)
        return answer

    task = created(text, calls={"utask.echo": action})
    task.resolve()
    return task


@pytest.mark.parametrize("text", [HOOKED, AGAIN], ids=["pre-hook", "RETRY_NOW"])
def test_task_that_is_paused_before_a_step_goes_on_is_running(text: str) -> None:
    task = paused_in_its_first_action(text)

    assert readings.resolution_state(task.run) == "PAUSED"
    assert readings.task_state(task.run) == "RUNNING"


def test_task_that_is_paused_in_a_pre_hook_is_done_by_its_next_pass() -> None:
    task = paused_in_its_first_action(HOOKED)

    task.again()

    assert readings.task_state(task.run) == "DONE"


FAILING = """
steps:
  one:
    action: {type: echo, configuration: {error_message: bad, error_type: client}}
"""


def test_pause_leaves_the_state_of_a_task_also_when_its_steps_are_edited() -> None:
    task = created(FAILING)
    task.resolve()
    task.take(decided(task.run, Pause(by=ADMIN, verdict="PAUSED"), task.now()))
    before = readings.task_state(task.run)

    task.take(decided(task.run, done_by_hand(task), task.now()))

    assert task.states() == {"one": "DONE"}
    assert (before, readings.task_state(task.run)) == ("BLOCKED", "BLOCKED")
    assert readings.resolution_state(task.run) == "PAUSED"


def done_by_hand(task: TaskRun) -> Edit:
    assert task.run.passes is not None
    return Edit(
        by=ADMIN,
        base=task.run.passes.base,
        digest=task.run.digest or "",
        flow=task.flow,
        states=(StateEdit(node=NodeId("s0"), state="DONE"),),
    )
