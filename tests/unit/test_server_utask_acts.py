"""What a person may do to a task on its page, by the state of the task."""

from typing import Any

import pytest

from floe.model.acts import Acts
from floe.model.people import EndRun, Pause
from floe.server.utask.acts import acts_of
from tests.make import decided
from tests.utask_run import ADMIN, Made, TaskRun, created, echo

ONE = "steps:\n  one: {action: {type: echo, configuration: {%s}}}\n"
FAILS = "error_message: bad, error_type: "
RESOLVER = "resolver_inputs: [{name: why, type: password}]\n"


def ids(task: TaskRun) -> list[str]:
    return [one.id for one in acts_of(task.run).acts]


def resolved(text: str) -> TaskRun:
    task = created(text)
    task.resolve()
    return task


def test_new_task_is_resolved_with_the_form_of_its_resolver_or_left() -> None:
    task = created(RESOLVER + ONE % "")

    resolve, leave = acts_of(task.run).acts

    assert (resolve.id, leave.id) == ("resolve", "wontfix")
    assert resolve.form is not None
    assert [(one.id, one.password) for one in resolve.form.fields] == [("why", True)]


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        (ONE % f"{FAILS}client", ["restart", "pause"]),
        (ONE % f"{FAILS}server", ["pause"]),
        ("retry_max: 1\n" + ONE % f"{FAILS}server", ["extend", "pause"]),
        (ONE % "output: x", []),
    ],
    ids=["BADREQUEST", "ERROR", "MAXRETRIES", "DONE"],
)
def test_acts_follow_from_the_state_of_the_resolution(text: str, acts: list[str]) -> None:
    assert ids(resolved(text)) == acts


def test_extension_names_how_many_passes_it_allows() -> None:
    acts = acts_of(resolved("retry_max: 1\n" + ONE % f"{FAILS}server").run)

    assert acts.hint == "It had 1 pass, all that it may have by itself."
    assert acts.acts[0].why.startswith("Allows 1 pass more")


def test_paused_task_is_started_over_and_not_paused_again() -> None:
    task = resolved(ONE % f"{FAILS}client")
    task.take(decided(task.run, Pause(by=ADMIN, verdict="PAUSED"), task.now()))

    assert ids(task) == ["restart"]


def test_nothing_is_done_to_a_task_that_is_over() -> None:
    task = created(ONE % "")
    task.take(decided(task.run, EndRun(by=ADMIN, label="WONTFIX"), task.now()))

    assert acts_of(task.run).acts == ()


def test_task_in_a_pass_is_paused_once() -> None:
    seen: list[Acts] = []

    def action(config: Any) -> Made:
        seen.append(acts_of(task.run))
        pause = Pause(by="alice", verdict="PAUSED", force=True)
        task.take(decided(task.run, pause, task.now()))
        seen.append(acts_of(task.run))
        return echo(config)

    task = created(ONE % "output: x", calls={"utask.echo": action})
    task.resolve()

    before, after = seen
    assert [one.id for one in before.acts] == ["pause"]
    assert after == Acts(hint="alice pauses it: it rests when what runs is over.")
