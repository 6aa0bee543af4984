"""How the passes of a task begin and end: a changed template, a step that waits, a loop."""

from typing import Any

import pytest

from floe.dialects.utask import readings
from floe.model.signal import Answered
from tests.utask_run import Made, TaskRun, created, ran

INPUTS = """
inputs: [{name: v}]
steps:
  a:
    ECHO x
"""


def changed_template(*inputs: dict[str, Any]) -> TaskRun:
    """A task whose template has other inputs now, and a person who takes it."""
    task = created(INPUTS, create={"input": {"v": "a"}}, around={"inputs": [*inputs]})
    task.resolve()
    return task


def waiting(config: Any) -> Made:
    return Answered(good=False, kind="WAITING", why="later", outputs={}, metadata={"awaits": ["k"]})


def test_task_that_no_longer_fits_its_changed_template_is_for_a_person_to_check() -> None:
    task = changed_template({"name": "v", "regex": "^b$"}, {"name": "w"})

    assert task.run.passes is not None
    assert readings.resolution_state(task.run) == "BLOCKED_TOCHECK"
    assert readings.task_state(task.run) == "BLOCKED"
    assert task.states() == {"a": "TODO"}
    assert "'a' doesnt comply with regex '^b$'" in task.run.passes.why


def test_task_that_still_fits_its_changed_template_runs() -> None:
    task = changed_template({"name": "v", "regex": "^a$"}, {"name": "w", "optional": True})

    assert task.states() == {"a": "DONE"}


def test_blocked_task_runs_when_its_template_fits_again() -> None:
    task = changed_template({"name": "w"})
    task.around = {"inputs": [{"name": "v"}]}

    task.again()

    assert (task.states(), readings.run_count(task.run)) == ({"a": "DONE"}, 2)


def test_waiting_step_with_a_pre_hook_runs_twice_in_a_pass() -> None:
    task = ran(
        """
steps:
  a:
    action: {type: callback, configuration: {action: wait, id: c1}}
    pre_hook: {type: echo, configuration: {output: y}}
""",
        {"utask.callback": waiting},
    )

    assert readings.task_state(task.run) == "WAITING"
    assert task.steps()["a"].try_count == 2


def test_other_steps_see_what_each_child_of_a_loop_came_to_but_for_pruned_ones() -> None:
    task = ran("""
steps:
  loop:
    action: {type: echo, configuration: {output: '{{.iterator}}', metadata: {m: 1}}}
    foreach: '["a", 2, "gone"]'
    custom_states: [MINE]
    conditions:
      - type: skip
        if: [{value: '{{.iterator}}', operator: EQ, expected: gone}]
        then: {this: PRUNE}
      - type: check
        if: [{value: '{{.iterator}}', operator: EQ, expected: "2"}]
        then: {this: MINE}
  after:
    ECHO '{{toJson .step.loop.children}} {{.step.loop.output}}'
    dependencies: [loop]
""")

    assert task.steps()["after"].output == (
        '[{"metadata":{"iterator":"a","m":1},"output":"a","state":"DONE"},'
        '{"metadata":{"iterator":2,"m":1},"output":"2","state":"MINE"}] map[]'
    )


def test_loop_that_a_child_sent_to_the_next_pass_shows_its_children_until_then() -> None:
    task = ran("""
steps:
  loop:
    ECHO '{{len .step.loop.children}}'
    foreach: '{{if .step.loop.children}}["c"]{{else}}["a", "b"]{{end}}'
    conditions:
      - type: check
        if: [{value: '{{.iterator}}', operator: EQ, expected: b}]
        then: {loop: TO_RETRY}
""")
    first = task.steps()["loop"]

    task.again()

    second = task.steps()["loop"]
    assert (first.state, outputs(first.children)) == ("TO_RETRY", ["0", "0"])
    assert (second.state, outputs(second.children)) == ("DONE", ["0"])


def test_child_of_a_sequence_sees_the_children_before_it() -> None:
    task = ran("""
steps:
  loop:
    foreach: '[{"i": 0}, {"i": 1}, {"i": 2}]'
    foreach_strategy: sequence
    action:
      type: echo
      configuration:
        output: >-
          {{$before := printf "loop-%d" (sub (int .iterator.i) 1)}}{{set .input "x" 1 | len}}
          {{field "step" $before "output"}} {{field "step" $before "state"}}
""")

    assert outputs(task.steps()["loop"].children) == [
        "1 <no value> <no value>",
        "1 1 <no value> <no value> DONE",
        "1 1 1 <no value> <no value> DONE DONE",
    ]


@pytest.mark.parametrize("name", ["loop-3", "loop-00", "loop--1", "loop-x", "nope-0", "after-0"])
def test_name_of_no_child_has_no_value(name: str) -> None:
    task = ran(f"""
steps:
  loop:
    foreach: '[1, 2, 3]'
    ECHO '{{{{index .step "{name}"}}}} {{{{index .step "loop-2" "state"}}}}'
  after:
    ECHO x
    dependencies: [loop]
""")

    assert outputs(task.steps()["loop"].children)[0] == "<no value> TODO"


def outputs(children: Any) -> list[Any]:
    return [one["output"] for one in children]
