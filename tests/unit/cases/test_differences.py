"""Tests of the comparison of a run with what its test expects."""

import pytest

from floe.cases.differences import differences
from floe.cases.play import play
from floe.dialects.registry import dialect

FLOW = """
name: ci
run-name: Build {{ values.branch|default('main') }}
tasks:
  - {name: build, type: exec, listen: trigger.good, opts: {cmd: make}}
  - {name: test, type: exec, listen: task.build.good, opts: {cmd: make}}
  - {name: lint, type: exec, listen: task.build.good, opts: {cmd: make}}
  - {name: both, class: merge, wait: [task.test.good, task.lint.good]}
  - {name: done, type: end, listen: merge.both.good}
  - {name: post, type: exec, listen: trigger.good, if: "trigger.id == 'x'", opts: {cmd: post}}
tests:
"""


def found(expect: str, given: str = "") -> list[tuple[str, str, str]]:
    case = f"  - {{name: x, given: {{{given}}}, expect: {{{expect}}}}}\n"
    compiled = dialect().flows(FLOW + case, "ci.yml")
    assert not compiled.errors, compiled.errors
    played = play(compiled.flows[0], compiled.cases[0])
    faults = differences(compiled.flows[0], compiled.cases[0].expected, played)
    return [(fault.what, fault.expected, fault.was) for fault in faults]


@pytest.mark.parametrize(
    "expect",
    [
        "ends: good",
        "enters: [build, test, lint]",
        "enters: [build, test, lint, both]",
        "enters: [build, test, lint, both, done]",
        "skipped: {post: trigger.id}",
        "skipped: {task.post: ''}",
        "why: reached",
        "title: Build main",
        "after: 0s",
    ],
)
def test_expectation_that_is_met_is_no_difference(expect: str) -> None:
    assert found(expect) == []


@pytest.mark.parametrize(
    ("expect", "fault"),
    [
        ("ends: bad", ("ends", "bad", "good: task.done was reached by merge.both.good")),
        ("enters: [build, lint, test]", ("enters", "build, lint, test", "build, test, lint")),
        ("enters: [build, test]", ("enters", "build, test", "build, test, lint")),
        ("enters: []", ("enters", "nothing", "build, test, lint")),
        ("never: [lint]", ("never", "lint does not enter", "it entered")),
        ("skipped: {lint: ''}", ("skipped", "lint", "it was not skipped")),
        (
            "skipped: {post: rain}",
            ("skipped", "post (rain)", "skipped, since trigger.id was 'test'"),
        ),
        ("why: exit", ("why", "exit", "task.done was reached by merge.both.good")),
        ("title: Build", ("title", "Build", "Build main")),
        ("after: 1h", ("after", "1h", "0s")),
    ],
)
def test_expectation_that_is_not_met_is_a_difference(
    expect: str, fault: tuple[str, str, str]
) -> None:
    assert found(expect) == [fault]


def test_time_of_a_run_may_differ_by_a_tenth() -> None:
    assert found("after: 100s", "build: {after: 109s}") == []
    assert found("after: 100s", "build: {after: 111s}") == [("after", "100s", "111s")]
