"""Tests of runs in virtual time."""

import pytest

from floe.cases.play import Played, play, trigger_of
from floe.dialects.registry import dialect
from floe.model.errors import NotFound, ValuesInvalid
from floe.model.event import ItemSettled, NodeEntered, NodeSettled, RetryArmed
from floe.model.ids import NodeId

FLOW = """
name: release
timeout: 3h
triggers:
  - {name: start, type: data, opts: {form: {title: x, fields: [{id: version, prompt: v}]}}}
  - {name: nightly, type: timer, opts: {period: 1d}}
tasks:
  - {name: build, type: exec, listen: trigger.good, timeout: 1h, retry: {max: 1}, opts: {cmd: make}}
  - name: ask
    type: data
    listen: task.build.good
    timeout: 2h
    opts: {form: {title: y, fields: [{id: note, prompt: n}]}}
  - {name: wait, type: timer, listen: task.ask.good, opts: {period: 5m}}
  - {name: done, type: end, listen: task.wait.good}
tests:
"""


def played(case: str) -> Played:
    compiled = dialect().flows(f"{FLOW}  - {{name: x, expect: {{ends: good}}, {case}}}\n", "a.yml")
    assert not compiled.errors
    return play(compiled.flows[0], compiled.cases[0])


def entered(run: Played) -> list[str]:
    return [event.node for event in run.events if isinstance(event, NodeEntered)]


def test_nodes_that_are_not_given_are_good_at_once() -> None:
    run = played("values: {version: 1}")

    assert (run.run.result, entered(run)) == ("good", ["build", "ask", "wait", "done"])


def test_time_of_a_timer_task_passes_at_once() -> None:
    assert played("values: {version: 1}").now == 300_000


def test_answer_is_the_output_of_a_form() -> None:
    run = played("values: {version: 1}, given: {ask: {outputs: {note: fine}}}")

    assert run.run.settled(run.run.flow.nodes[1].id).outputs == {"note": "fine"}  # type: ignore[union-attr]


def test_rejection_of_a_form_is_bad() -> None:
    run = played("values: {version: 1}, given: {ask: {result: bad, why: too late}}")

    assert (run.run.result, "too late" in run.run.why) == ("rejected", True)


def test_form_that_nobody_answers_in_time_is_an_error() -> None:
    run = played("values: {version: 1}, given: {ask: {after: 150m}}")

    assert "nobody answered within 2h" in run.run.why


def test_command_that_takes_longer_than_its_timeout_times_out() -> None:
    run = played("values: {version: 1}, given: {build: {attempts: [{after: 2h}, good]}}")
    [armed] = (event for event in run.events if isinstance(event, RetryArmed))

    assert (armed.outcome.why, armed.ended_at) == ("timed out after 1h", 3_600_000)


def test_last_given_attempt_counts_for_all_that_follow() -> None:
    run = played("values: {version: 1}, given: {build: {attempts: [good, bad]}}")
    bad = played("values: {version: 1}, given: {build: bad}")

    assert (run.run.result, bad.run.result) == ("good", "bad")


def test_exit_status_decides_between_good_and_bad() -> None:
    run = played("values: {version: 1}, given: {build: {attempts: [{status: 0}]}}")

    assert run.run.result == "good"


def test_time_limit_of_the_flow_ends_a_run() -> None:
    run = played("values: {version: 1}, given: {build: {after: 50m}, ask: {after: 119m}}")
    late = played("values: {version: 1}, given: {build: {after: 59m}, ask: {after: 118m}}")

    assert (run.run.result, late.run.result) == ("good", "bad")


def test_attempts_end_in_order_of_virtual_time() -> None:
    run = played("values: {version: 1}, given: {build: {after: 7s}}")
    [settled] = (e for e in run.events if isinstance(e, NodeSettled) and e.node == "build")

    assert settled.ended_at == 7000


def test_items_end_as_they_are_given_and_others_are_good() -> None:
    text = """
name: fleet
tasks:
  - name: patch
    type: exec
    listen: trigger.good
    foreach: [a, b, c]
    retry: {max: 1}
    opts: {cmd: p}
tests:
  - {name: x, expect: {ends: good}, given: {patch: {items: [good, {attempts: [bad, {after: 7s}]}]}}}
"""
    compiled = dialect().flows(text, "a.yml")
    run = play(compiled.flows[0], compiled.cases[0])
    ended = [(e.item, e.outcome.result) for e in run.events if isinstance(e, ItemSettled)]

    assert (ended, run.now > 7000) == ([(0, "good"), (2, "good"), (1, "good")], True)


def test_values_that_do_not_fit_the_form_are_refused() -> None:
    with pytest.raises(ValuesInvalid):
        played("values: {versoin: 1}")


def test_trigger_without_a_form_takes_any_values() -> None:
    run = played("trigger: nightly, values: {anything: [1, 2]}")

    assert (run.run.values["anything"], run.run.by) == ((1, 2), "trigger:nightly")


def test_trigger_that_the_flow_does_not_have_is_refused() -> None:
    flow = dialect().flows(FLOW.replace("tests:\n", ""), "a.yml").flows[0]

    with pytest.raises(NotFound, match="no trigger `hourly`"):
        trigger_of(flow, NodeId("hourly"))


SUB = """
name: release
tasks:
  - {name: go, type: flow, listen: trigger.good, timeout: 1h, opts: {flow: deploy}}
  - {name: tell, type: exec, listen: task.go.good, opts: {cmd: tell}}
tests:
"""


@pytest.mark.parametrize(
    ("given", "result", "why"),
    [
        ("good", "good", ""),
        ("{result: bad, why: broken}", "bad", "test-2 ended bad: broken"),
        ("{result: error, why: staging is held}", "error", "staging is held"),
        ("{after: 2h}", "error", "timed out after 1h"),
    ],
)
def test_child_run_ends_as_the_test_says(given: str, result: str, why: str) -> None:
    text = f"{SUB}  - {{name: x, expect: {{ends: good}}, given: {{go: {given}}}}}\n"
    compiled = dialect().flows(text, "a.yml")
    assert not compiled.errors

    run = play(compiled.flows[0], compiled.cases[0])

    outcome = run.run.nodes[NodeId("go")].outcome
    assert outcome is not None
    assert (outcome.result, outcome.why) == (result, why)
