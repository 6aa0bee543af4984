"""A step that would take for ever, or too much, harms no other and no host."""

from typing import Any, Final

import pytest

from floe.dialects.utask import readings
from floe.kernel.owed import owed
from floe.model.effect import StartAction
from floe.model.ids import NodeId
from floe.model.judging import JudgeRun
from floe.model.signal import Answered
from tests.utask_run import Made, created, ran

SLOW: Final = NodeId("s1")

SETS_WHAT_RUNS: Final = """
steps:
  root:
    ECHO x
    conditions:
      - type: check
        if: [{value: '{{.step.this.try_count}}', operator: EQ, expected: '2'}]
        then: {slow: FATAL_ERROR}
        message: by the root
  slow:
    action: {type: http, configuration: {url: u, method: GET}}
    dependencies: [root]
  again:
    ECHO x
    dependencies: [root]
    conditions:
      - type: check
        if: [{value: '{{.step.root.try_count}}', operator: EQ, expected: '1'}]
        then: {root: RETRY_NOW}
  after:
    ECHO '{{.step.slow.output}} {{.step.slow.error}}'
    dependencies: [slow, again]
"""


@pytest.mark.parametrize(
    "output",
    [
        "{{range until 50000}}{{range until 50000}}{{end}}{{end}}",
        '{{repeat 100000 (repeat 100000 "x")}}',
        '{{regexMatch "(a+)+$" (repeat 100000 "a")}}{{range until 99999}}x{{end}}',
        '{{eval "endless"}}',
        '{{eval "itself"}}',
    ],
)
def test_text_that_never_ends_is_fatal_for_its_step_alone(output: str) -> None:
    task = ran(f"""
variables:
  - {{name: endless, expression: 'while (true) {{}}', expression_timeout: 20ms}}
  - {{name: itself, value: '{{{{eval "itself"}}}}'}}
steps:
  a:
    ECHO '{output}'
  b:
    ECHO x
""")

    assert task.states() == {"a": "FATAL_ERROR", "b": "DONE"}
    assert task.steps()["a"].try_count == 0


def test_pattern_that_explodes_is_searched_in_linear_time() -> None:
    task = ran("""
steps:
  a:
    ECHO '{{repeat 5000 "a"}}b'
    conditions:
      - type: check
        if: [{value: '{{.step.this.output}}', operator: REGEXP, expected: (a+)+$}]
        then: {this: PRUNE}
""")

    assert task.states() == {"a": "DONE"}


def test_step_that_is_skipped_to_run_again_at_once_ends_after_a_thousand_times() -> None:
    task = ran("""
steps:
  a:
    ECHO x
    conditions: [{type: skip, then: {this: RETRY_NOW}}]
""")

    assert task.states() == {"a": "FATAL_ERROR"}
    assert "1,000 times" in task.steps()["a"].error


def test_check_that_sets_more_states_than_a_judgement_may_counts_for_nothing() -> None:
    others = [f"s{number}" for number in range(1001)]
    then = ", ".join(f"{name}: PRUNE" for name in others)
    steps = "".join(f"  {name}:\n    ECHO x\n    dependencies: [a]\n" for name in others)
    condition = f"    conditions: [{{type: check, then: {{{then}}}}}]\n"

    task = ran(f"steps:\n  a:\n    ECHO x\n{condition}{steps}")

    assert {*task.states().values()} == {"AFTERRUN_ERROR", "TODO"}
    assert readings.resolution_state(task.run) == "ERROR"


def test_loop_of_too_many_elements_is_fatal() -> None:
    task = ran("steps:\n  loop:\n    ECHO x\n    foreach: '{{until 10001 | toJson}}'\n")

    assert task.states() == {"loop": "FATAL_ERROR"}
    assert "10,001" in task.steps()["loop"].error


def test_long_chain_of_steps_is_pruned_at_once() -> None:
    chain = "".join(
        f"  s{number}:\n    ECHO x\n    dependencies: [s{number - 1}]\n"
        for number in range(1, 2000)
    )

    skip = "[{type: skip, then: {this: PRUNE}}]"

    task = ran(f"steps:\n  s0:\n    ECHO x\n    conditions: {skip}\n{chain}")

    assert {*task.states().values()} == {"PRUNE"}


def test_step_that_runs_while_another_sets_its_state_keeps_that_of_its_own_end() -> None:
    def slow(config: Any) -> Made:
        """It runs until the step before it, which runs again meanwhile, has set its state."""
        while not task.run.nodes[SLOW].state:
            for effect in sorted(owed(task.run), key=str):
                if isinstance(effect, JudgeRun):
                    task.judge(effect)
                elif isinstance(effect, StartAction) and effect.key.node != SLOW:
                    task.carry_out(effect)
        seen.append(task.run.nodes[SLOW].state)
        return Answered(good=True, outputs={"output": "own"})

    seen: list[str] = []
    task = created(SETS_WHAT_RUNS, calls={"utask.http": slow})

    task.resolve()

    assert seen == ["FATAL_ERROR"]
    assert task.states() == {"root": "DONE", "slow": "DONE", "again": "DONE", "after": "DONE"}
    assert task.steps()["after"].output == "own "
