"""Tests of the reader of tests."""

import pytest

from floe.dialects.registry import dialect
from floe.model.case import GivenAttempt, GivenNode

FLOW = """\
name: ci
triggers: [{name: start, type: data}]
tasks: [{name: build, type: exec, listen: trigger.good, opts: {cmd: make}}]
"""


def errors(case: str) -> list[str]:
    compiled = dialect().flows(f"{FLOW}tests:\n  - {case}\n", "ci.yml")
    return [f"{f.line}:{f.col}: {f.what}" for f in compiled.errors]


@pytest.mark.parametrize(
    ("keys", "col", "error"),
    [
        ("expect: {ends: godo}", 29, "`ends` cannot be `godo`"),
        ("expect: {}", 22, "`expect` is empty, so the test can never fail"),
        ("expect: {enters: [biuld]}", 31, "the flow has no node `biuld`"),
        ("given: {task.x: bad}, expect: {why: x}", 22, "the flow has no node `task.x`"),
        ("given: {build: maybe}, expect: {why: x}", 29, "`given` cannot be `maybe`"),
        ("given: {build: {status: 1, result: bad}}, expect: {why: x}", 38,
         "`status` and `result` cannot be given together"),
        ("given: {build: {after: 1s, attempts: [bad]}}, expect: {why: x}", 37,
         "`after` beside `attempts` has no effect"),
        ("given: {build: {items: [{items: [bad]}]}}, expect: {why: x}", 46,
         "an item has no items of its own"),
        ("trigger: x, expect: {why: x}", 23, "the flow has no trigger `x`"),
    ],
)  # fmt: skip
def test_mistake_in_a_test_has_its_position(keys: str, col: int, error: str) -> None:
    assert errors(f"{{name: a, {keys}}}") == [f"5:{col + 1}: {error}"]


@pytest.mark.parametrize(("case", "key"), [("{name: a}", "expect"), ("{expect: {why: x}}", "name")])
def test_test_needs_a_name_and_something_to_expect(case: str, key: str) -> None:
    assert errors(case) == [f"5:5: a test needs `{key}`"]


def test_two_tests_of_one_name_are_a_mistake() -> None:
    case = "{name: a, expect: {ends: good}}"

    assert errors(f"{case}\n  - {case}") == ["6:12: two tests have the name `a`"]


def test_flow_is_the_same_with_and_without_tests() -> None:
    with_tests = dialect().flows(f"{FLOW}tests: [{{name: a, expect: {{ends: good}}}}]\n", "ci.yml")

    assert with_tests.flows == dialect().flows(FLOW, "ci.yml").flows


def test_values_and_outputs_keep_their_types() -> None:
    case = "{name: a, values: {n: 1.5, l: [1, true, null, {a: b}]}, expect: {ends: good}}"
    compiled = dialect().flows(f"{FLOW}tests:\n  - {case}\n", "ci.yml")

    assert compiled.cases[0].values == {"n": 1.5, "l": (1, True, None, {"a": "b"})}


def test_attempts_are_given_in_order() -> None:
    case = "{name: a, given: {build: {attempts: [bad, {status: 3}]}}, expect: {ends: bad}}"
    compiled = dialect().flows(f"{FLOW}tests:\n  - {case}\n", "ci.yml")

    attempts = (GivenAttempt(result="bad"), GivenAttempt(status=3))
    assert [*compiled.cases[0].given.values()] == [GivenNode(attempts=attempts)]


def test_test_of_a_document_with_several_flows_names_its_flow() -> None:
    flows = dialect().flows(FLOW, "ci.yml").flows
    other = dialect().flows(FLOW.replace("name: ci", "name: cd"), "cd.yml").flows
    text = "tests: [{name: a, expect: {ends: good}}, {name: b, flow: ce, expect: {ends: good}}]\n"
    compiled = dialect().cases(text, "ci.test.yml", (*flows, *other))

    assert [f.what for f in compiled.errors] == [
        "the document has several flows, so a test needs `flow`",
        "there is no flow `ce`",
    ]


def test_file_of_tests_has_nothing_but_tests() -> None:
    compiled = dialect().cases("tests: []\ntasks: []\n", "ci.test.yml", ())

    assert [f.what for f in compiled.errors] == ["a file of tests has no key `tasks`"]
