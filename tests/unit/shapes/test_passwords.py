"""The passwords of a task are in no answer about it."""

from typing import Any

import pytest

from floe.kernel.why import why
from floe.model.codec import to_text
from floe.model.summary import summary_of
from floe.shapes.nodes import node_page
from floe.shapes.passwords import without_passwords
from floe.shapes.runs import run_shape, why_shape
from tests.utask_run import TaskRun, created

LONG = "opensesame-1"
TEXT = """
inputs:
  - {name: pass, type: password}
  - {name: pins, type: password, collection: true}
  - {name: who}
resolver_inputs: [{name: own, type: password}]
steps:
  a:
    action:
      type: echo
      configuration:
        output: {url: 'http://x/?v={{.input.pass | urlquery}}', coded: '{{b64enc .input.pass}}'}
        error_message: 'refused {{.input.pass}} of {{.input.who}} and {{.resolver_input.own}}'
        error_type: client
"""


@pytest.fixture
def task() -> TaskRun:
    given = {"pass": LONG, "pins": ["12", "3456789"], "who": "Ada"}
    task = created(TEXT, create={"input": given})
    task.resolve(own="resolver-s3cret")
    return task


def shapes(task: TaskRun) -> list[str]:
    """What people see of it, as texts."""
    run = task.run
    node = task.flow.by_id[task.flow.nodes[0].id]
    shown: list[Any] = [
        run_shape(run, summary_of(run), str),
        why_shape(run, why(run), str),
        without_passwords(run, node_page(run, node)),
    ]
    return [to_text(one) for one in shown]


@pytest.mark.parametrize("secret", [LONG, "3456789", '"12"', "resolver-s3cret", "b3BlbnNlc2FtZS0x"])
def test_password_is_in_nothing_that_people_see(task: TaskRun, secret: str) -> None:
    assert [one for one in shapes(task) if secret in one] == []


def test_other_values_and_the_error_around_a_password_stay(task: TaskRun) -> None:
    run, *_ = shapes(task)

    assert "refused *** of Ada and ***" in run
    assert task.run.values["input"]["pass"] == LONG  # type: ignore[index, call-overload]


def test_task_without_passwords_is_shown_as_it_is() -> None:
    task = created("inputs: [{name: who}]\nsteps: {}\n", create={"input": {"who": LONG}})

    shape = {"who": LONG}

    assert without_passwords(task.run, shape) is shape
