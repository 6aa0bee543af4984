"""What a step comes to, where the recorded tasks do not show it.

`ECHO x` in a template is the action that puts out x.
"""

from typing import Any, Final

import pytest

from floe.dialects.utask import readings
from floe.dialects.utask.backoff import delay_s
from floe.kernel.owed import run_key
from floe.model.ids import Instant
from floe.model.people import Resolve
from floe.model.signal import Answered, Failed, TimerFired
from tests.utask_run import Made, created, ran

HTTP: Final = "{type: http, configuration: {url: u, method: GET}}"


def test_skip_that_names_no_state_of_its_step_prunes_it() -> None:
    task = ran("""
steps:
  a:
    ECHO x
    conditions: [{type: skip, message: no}]
""")

    assert task.states() == {"a": "PRUNE"}


def test_later_conditions_see_the_states_that_earlier_ones_set() -> None:
    task = ran("""
steps:
  a:
    ECHO x
    conditions:
      - {type: check, then: {b: DONE}, message: set}
      - type: check
        if: [{value: '{{.step.b.state}} {{.step.b.error}}', operator: EQ, expected: DONE set}]
        then: {this: PRUNE}
  b:
    ECHO x
    dependencies: [a]
""")

    assert task.states() == {"a": "PRUNE", "b": "PRUNE"}


def test_retried_step_sees_its_last_output_and_its_count() -> None:
    task = ran("""
steps:
  a:
    action:
      type: echo
      configuration:
        output: '{{.step.this.output}}{{.step.this.try_count}}'
        error_message: '{{if ne (printf "%v" .step.this.try_count) "2"}}no{{end}}'
""")

    task.again()
    task.again()

    assert task.steps()["a"].output == "map[]map[]12"
    assert task.states() == {"a": "DONE"}


def test_check_that_could_not_be_evaluated_is_evaluated_again_alone() -> None:
    task = ran("""
steps:
  a:
    ECHO x
    conditions:
      - type: check
        if: [{value: '{{.step.b.output}}', operator: GT, expected: "0"}]
        then: {this: PRUNE}
  b:
    ECHO "'1'"
    pre_hook: {type: echo, configuration: {}}
""")
    first = task.states()

    task.again()

    step = task.steps()["a"]
    assert first == {"a": "AFTERRUN_ERROR", "b": "DONE"}
    assert (step.state, step.output, step.try_count) == ("AFTERRUN_ERROR", "x", 1)


def test_check_that_is_met_no_more_leaves_the_state_of_the_action() -> None:
    task = ran("""
steps:
  a:
    ECHO x
    conditions:
      - type: check
        if:
          - {value: '{{.step.b.state}}', operator: NE, expected: DONE}
          - {value: x, operator: GT, expected: "0"}
        then: {this: PRUNE}
  b:
    ECHO x
    pre_hook: {type: echo, configuration: {}}
""")

    task.again()

    assert task.states() == {"a": "DONE", "b": "DONE"}
    assert task.steps()["a"].error == ""


def test_pre_hook_runs_before_each_execution_and_counts_as_none() -> None:
    hooks: list[Any] = []

    def http(config: Any) -> Made:
        hooks.append(config["configuration"])
        return Answered(good=True, outputs={"output": {"n": len(hooks)}}, metadata={})

    task = ran(
        """
steps:
  a:
    action:
      type: echo
      configuration:
        output: '{{.pre_hook.output.n}} {{.step.this.output}}'
        error_message: '{{if eq .pre_hook.output.n "1"}}no{{end}}'
    pre_hook: {type: http, configuration: {url: '{{.step.this.state}}', method: GET}}
""",
        {"utask.http": http},
    )
    first = task.steps()["a"]

    task.again()

    second = task.steps()["a"]
    assert (first.state, first.try_count) == ("SERVER_ERROR", 1)
    assert (second.state, second.output, second.try_count) == ("DONE", "2 1 map[]", 2)
    assert hooks == [{"url": "RUNNING", "method": "GET"}] * 2


@pytest.mark.parametrize(
    ("kind", "state"), [("TO_RETRY", "TO_RETRY"), ("CLIENT_ERROR", "FATAL_ERROR")]
)
def test_pre_hook_that_has_no_resource_is_retried_and_another_is_fatal(
    kind: str, state: str
) -> None:
    def http(config: Any) -> Made:
        return Answered(good=False, kind=kind, why="no", outputs={})

    task = ran(f"steps:\n  a:\n    ECHO x\n    pre_hook: {HTTP}\n", {"utask.http": http})

    step = task.steps()["a"]
    assert (step.state, step.error, step.try_count) == (state, "prehook: no", 0)


def test_failed_call_is_an_error_of_the_server() -> None:
    def http(config: Any) -> Made:
        return Failed(cause="error", why="broken")

    task = ran(f"steps:\n  a: {{action: {HTTP}}}\n", {"utask.http": http})

    assert (task.states(), task.steps()["a"].error) == ({"a": "SERVER_ERROR"}, "broken")


def test_step_that_was_lost_is_for_a_person_and_was_not_executed() -> None:
    def http(config: Any) -> Made:
        return Failed(cause="lost", why="the host ended")

    task = ran(f"steps:\n  a: {{action: {HTTP}}}\n", {"utask.http": http})

    assert (task.states(), task.steps()["a"].try_count) == ({"a": "CRASHED"}, 0)
    assert readings.resolution_state(task.run) == "BLOCKED_TOCHECK"


def test_start_without_a_resource_is_no_execution() -> None:
    def http(config: Any) -> Made:
        metadata = {"uncounted": True}
        return Answered(good=False, kind="TO_RETRY", why="none", outputs={}, metadata=metadata)

    task = ran(f"steps:\n  a: {{action: {HTTP}}}\n", {"utask.http": http})
    task.again()

    assert (task.states(), task.steps()["a"].try_count) == ({"a": "TO_RETRY"}, 0)


def test_tags_of_an_action_are_tags_of_the_task() -> None:
    def tag(config: Any) -> Made:
        metadata = {"tags": config["configuration"]["tags"]}
        return Answered(good=True, outputs={}, metadata=metadata)

    task = ran(
        """
inputs: [{name: v}]
tags: {y: '1', z: '2'}
steps:
  a: {action: {type: tag, configuration: {tags: {x: '{{.input.v}}', y: ''}}}}
""",
        {"utask.tag": tag},
        v="a",
    )

    assert readings.tags_of(task.run) == {"x": "a", "z": "2"}


def test_waiting_step_awaits_what_its_action_says_and_runs_twice_in_a_pass() -> None:
    def callback(config: Any) -> Made:
        metadata = {"awaits": ["k"]}
        return Answered(good=False, kind="WAITING", why="later", outputs={}, metadata=metadata)

    task = ran(
        "steps:\n  a: {action: {type: callback, configuration: {action: wait, id: c1}}}\n",
        {"utask.callback": callback},
    )

    assert task.run.passes is not None
    assert task.run.passes.waiting == {("s0", -1): ("k",)}
    assert (readings.task_state(task.run), task.steps()["a"].try_count) == ("WAITING", 2)


def test_text_that_changes_the_data_changes_it_for_its_execution_alone() -> None:
    task = ran(
        """
inputs: [{name: v}]
steps:
  a:
    ECHO '{{$_ := set .input "v" "changed"}}{{.input.v}}'
  b:
    ECHO '{{.input.v}}'
    dependencies: [a]
""",
        v="given",
    )

    assert [one.output for one in task.steps().values()] == ["changed", "given"]


def test_child_of_a_loop_has_a_state_of_its_own() -> None:
    task = ran("""
steps:
  loop:
    ECHO '{{.iterator}}'
    foreach: '["a", "b"]'
    custom_states: [B]
    conditions:
      - {type: check, if: [{value: '{{.iterator}}', operator: EQ, expected: b}], then: {this: B}}
""")

    children: Any = task.steps()["loop"].children
    assert [one["state"] for one in children] == ["DONE", "B"]


def test_child_sends_its_loop_to_the_next_pass() -> None:
    task = ran("""
steps:
  loop:
    ECHO '{{.iterator}}'
    foreach: '["a", "b"]'
    conditions: [{type: check, then: {loop: TO_RETRY}, message: again}]
""")

    due = readings.next_retry(task.run)
    assert (task.states(), task.steps()["loop"].error) == ({"loop": "TO_RETRY"}, "again")
    assert readings.resolution_state(task.run) == "ERROR"
    assert due is not None
    assert due - task.log[-1].at <= 8_000  # as for a step that was never executed


def test_loop_that_failed_is_not_expanded_by_the_next_pass() -> None:
    task = ran("steps:\n  loop:\n    ECHO x\n    foreach: '{}'\n")

    task.again()

    assert task.states() == {"loop": "FATAL_ERROR"}
    assert task.steps()["loop"].error == "foreach needs a list"


def test_element_that_is_null_leaves_no_iterator() -> None:
    task = ran("steps:\n  loop:\n    ECHO '{{.iterator}}'\n    foreach: '[null]'\n")

    children: Any = task.steps()["loop"].children
    assert children[0]["output"] == "<no value>"


def test_resolver_inputs_have_defaults() -> None:
    task = created("""
resolver_inputs: [{name: a}, {name: b, default: B}]
steps:
  s:
    ECHO '{{.resolver_input.a}}{{.resolver_input.b}}'
""")

    task.resolve(a="A")

    assert task.steps()["s"].output == "AB"


def test_delayed_task_begins_when_it_is_due() -> None:
    task = created("steps:\n  s:\n    ECHO x\n")
    due = Instant(task.log[0].at + 60_000)
    task.tell(Resolve(by="admin", resolution="r", due=due, verdict="TO_AUTORUN_DELAYED"))
    before = [f(task.run) for f in (readings.resolution_state, readings.task_state)]

    task.tell(TimerFired(key=run_key(task.run), kind="pass"))

    assert before == ["TO_AUTORUN_DELAYED", "DELAYED"]
    assert readings.task_state(task.run) == "DONE"


def test_variables_of_the_current_template_count() -> None:
    task = created(
        "variables: [{name: v, value: old}]\nsteps:\n  s:\n    ECHO '{{eval \"v\"}}'\n",
        around={"variables": [{"name": "v", "expression": "'n' + 'ew'"}]},
    )

    task.resolve()

    assert task.steps()["s"].output == "new"


def test_of_two_steps_that_set_the_same_third_the_later_wins_and_saw_the_earlier() -> None:
    task = ran("""
steps:
  a:
    ECHO x
    conditions: [{type: check, then: {c: PRUNE}, message: by a}]
  b:
    ECHO x
    conditions: [{type: check, then: {c: DONE}, message: '{{.step.c.state}} {{.step.c.error}}'}]
  c:
    ECHO x
    dependencies: ['a:ANY', 'b:ANY']
""")

    assert (task.steps()["c"].state, task.steps()["c"].error) == ("DONE", "PRUNE by a")


@pytest.mark.parametrize(
    ("pattern", "tries", "seconds"),
    [
        *[("", 0, 8), ("", 1, 10), ("seconds", 2, 12.5), ("seconds", 20, 600)],
        *[("minutes", 1, 96), ("minutes", 19, 1800), ("hours", 0, 3600), ("hours", 2, 4200)],
        *[("hours", 100, 10_800), ("seconds", 100_000, 600)],
    ],
)
def test_step_waits_by_its_pattern(pattern: str, tries: int, seconds: float) -> None:
    assert delay_s(pattern, tries) == pytest.approx(seconds)
