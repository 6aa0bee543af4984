"""Tasks begin: what is judged before their runs open."""

from typing import Any

import pytest

from floe.dialects.utask.compiled import read_of
from floe.dialects.utask.creation import (
    CREATE_KIND,
    RESOLVE_KIND,
    SAVE_KIND,
    SECRET,
    TaskRequest,
    creation_body,
    opening_of,
    values_of,
    with_passwords,
)
from floe.dialects.utask.evaluator import EVALUATOR
from floe.model.errors import Yours
from floe.model.ids import Json, Shape
from tests.make_utask import flow_of

FLOW = flow_of("""
name: hello
description: made for tests
title_format: "hello {{.input.who}} {{.input.greeting}} {{index .input `more`}}"
inputs:
  - {name: who}
  - {name: greeting, default: hi}
  - {name: pw, type: password, optional: true}
resolver_inputs: [{name: ri, type: number, default: 1}]
tags: {who: "{{.input.who}}", by: "{{.task.requester_username}}"}
steps: {}
""")
AUTO = flow_of("""
name: auto
description: made for tests
title_format: auto
auto_runnable: true
steps: {}
""")


def judged(kind: str = CREATE_KIND, flow: Any = FLOW, **asked: Any) -> Shape:
    request = TaskRequest(requester_username="alice", **asked)
    answer = EVALUATOR.judge_text(kind, creation_body(flow, request, "2026-01-01T00:00:00Z"))
    assert isinstance(answer, dict)
    return answer


def test_title_sees_the_given_input_first_and_the_stored_one_later() -> None:
    task = judged(input={"who": "bob", "more": "x"})["task"]

    assert task["title"] == "hello bob <no value> x"
    assert task["title_later"] == "hello bob hi <no value>"


def test_tags_of_a_request_replace_those_of_the_template() -> None:
    task = judged(input={"who": "bob"}, tags={"who": "eve", "k": "v"})["task"]

    assert task["tags"] == {"who": "eve", "by": "alice", "k": "v"}


def test_saved_task_has_the_given_tags_alone() -> None:
    assert judged(SAVE_KIND, input={"who": "bob"}, tags={"k": "v"})["task"]["tags"] == {"k": "v"}


def test_only_declared_inputs_are_kept() -> None:
    assert judged(input={"who": "bob", "other": 1})["input"] == {"who": "bob"}


def test_missing_input_is_named() -> None:
    with pytest.raises(Yours, match="Failed to create new Task: Missing input 'who'"):
        values_of(judged())


def test_title_that_fails_is_refused() -> None:
    flow = flow_of("name: bad\ndescription: bad\ntitle_format: '{{.task.created.x}}'\nsteps: {}\n")

    with pytest.raises(Yours, match="Templating error"):
        values_of(judged(flow=flow))


def test_no_caller_names_the_parent_of_a_task() -> None:
    with pytest.raises(Yours, match="not allowed"):
        judged(input={"who": "bob"}, tags={"_utask_parent_task_id": "x"})


def test_resolver_keeps_undeclared_values() -> None:
    body: Json = {"document": FLOW.document, "resolver_input": {"ri": 5, "more": "x"}}

    assert EVALUATOR.judge_text(RESOLVE_KIND, body) == {"resolver_input": {"ri": 5, "more": "x"}}


def test_resolver_value_of_a_wrong_type_is_refused() -> None:
    body: Json = {"document": FLOW.document, "resolver_input": {"ri": "x"}}

    assert EVALUATOR.judge_text(RESOLVE_KIND, body) == {
        "error": "Failed to create Resolution: Invalid value 'ri': expected a number"
    }


@pytest.mark.parametrize(
    ("flow", "delay", "verdict"), [(FLOW, "", "TODO"), (AUTO, "", ""), (AUTO, "5m", "TODO")]
)
def test_task_begins_at_once_if_its_template_runs_by_itself_and_nothing_delays_it(
    flow: Any, delay: str, verdict: str
) -> None:
    answer = judged(flow=flow, input={"who": "bob"}, delay=delay)

    opening = opening_of(answer, read_of(flow).template)

    assert (opening.verdict, opening.by) == (verdict, "alice")


def test_hidden_password_that_comes_back_stays_as_it_was() -> None:
    inputs = read_of(FLOW).template.inputs

    found = with_passwords(inputs, {"pw": SECRET, "who": SECRET}, {"pw": "hush"})

    assert found == {"pw": "hush", "who": SECRET}
