"""Tests of flows judge the `if` of a trigger."""

import pytest

from floe.cases.differences import differences
from floe.cases.play import play
from floe.dialects.registry import dialect

FLOW = """
name: build
host-tags: [linux]
triggers:
  - name: push
    type: push
    if: values.branch == 'main' and 'linux' in host.tags and trigger.type == 'push'
    opts: {secret: $S}
tasks:
  - {name: make, type: exec, listen: trigger.good, if: host.name == 'test', opts: {cmd: make}}
tests:
"""


def faults(case: str) -> list[str]:
    """What a test finds: each difference in one line."""
    compiled = dialect().flows(f"{FLOW}  - {{name: x, {case}}}\n", "a.yml")
    assert not compiled.errors, compiled.errors
    [flow], [one] = compiled.flows, compiled.cases
    found = differences(flow, one.expected, play(flow, one))
    return [f"{fault.what}: {fault.expected}; {fault.was}" for fault in found]


def test_condition_that_is_true_starts_a_run() -> None:
    assert faults("values: {branch: main}, expect: {enters: [make], ends: good}") == []


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ("{branch: topic}", "values.branch was 'topic'"),
        ("{}", "`values.branch` is missing"),
    ],
)
def test_condition_that_is_false_or_fails_starts_none(values: str, why: str) -> None:
    assert faults(f"values: {values}, expect: {{starts: false, why: {why!r}}}") == []


def test_start_that_was_not_expected_is_a_difference() -> None:
    assert faults("values: {branch: main}, expect: {starts: false}") == [
        "starts: false; true: the trigger started a run"
    ]


def test_start_that_was_expected_is_a_difference_with_its_reason() -> None:
    assert faults("values: {branch: topic}, expect: {ends: good}") == [
        "starts: true; false: `if` of push is false, since values.branch was 'topic'"
    ]


def test_reason_that_was_not_expected_is_a_difference() -> None:
    assert faults("values: {branch: topic}, expect: {starts: false, why: nightly}") == [
        "why: nightly; `if` of push is false, since values.branch was 'topic'"
    ]


def test_nothing_can_be_expected_of_a_run_that_does_not_start() -> None:
    case = "{name: x, values: {branch: a}, expect: {starts: false, ends: good}}"
    compiled = dialect().flows(f"{FLOW}  - {case}\n", "a.yml")

    assert [error.what for error in compiled.errors] == [
        "`ends` beside `starts: false` has no effect: there is no run"
    ]
