"""uTask's actions `subtask` and `batch`: the tasks that they open, and what comes of the ends."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from floe.dialects.utask.creation import BATCH_MAX
from floe.dialects.utask.ids import UtaskId, id_text
from floe.model.ids import Json
from floe.model.opening import CHILDREN_MAX, ChildOpening
from floe.model.signal import Answered
from floe.nodes.call_ground import CallGround
from tests.make_nodes import a_key
from tests.make_utask_calls import OwnHub, came_to

KEY = bytes(range(16))
TASK: Mapping[str, Json] = {
    "task_id": "parent-id",
    "requester_username": "ada",
    "requester_groups": ["g1", "g2"],
}

OK = """
name: child-ok
description: child
title_format: "child {{.input.x}}"
auto_runnable: true
inputs: [{name: x}]
result_format: {got: "{{.step.a.output.v}}"}
steps:
  a:
    description: a
    action: {type: echo, configuration: {output: {v: "child {{.input.x}}"}}}
"""
MANUAL = """
name: child-manual
description: child
title_format: child manual
steps: {}
"""
BLOCKED = MANUAL.replace("child-manual", "child-blocked") + "blocked: true\n"


async def ground() -> CallGround:
    hub = OwnHub(OK, MANUAL, BLOCKED)
    await hub.shared.write("utask.key", "ids", KEY.hex(), by="utask", expected=0)
    return CallGround(hub=hub)


async def subtask(given: Mapping[str, Json], **more: Any) -> Answered:
    return await came_to("subtask", given, await ground(), task=TASK, **more)


async def batch(given: Mapping[str, Json], **more: Any) -> Answered:
    configuration = {"template_name": "child-ok", **given}
    return await came_to("batch", configuration, await ground(), task=TASK, **more)


def id_of(serial: int) -> str:
    return id_text(UtaskId(a_key(serial=serial).run, "task"), KEY)


def children_of(keys: Sequence[str]) -> dict[str, Json]:
    return {key: {"id": id_of(serial)} for serial, key in enumerate(keys, 100)}


def values_of(opening: ChildOpening) -> Any:
    return opening.opening.values


def batch_metadata(answer: Answered) -> Any:
    text = answer.metadata["metadata"]
    return json.loads(json.loads(f'"{text}"'))


SUB = "subtask:build.1.-1"
"""The key of the task of step `build`."""


async def test_first_execution_opens_the_task() -> None:
    given: dict[str, Json] = {
        "template": "child-ok",
        "input": {"x": "a"},
        "json_input": '{"x": "b"}',
        "watcher_usernames": '["eve"]',
        "tags": {"t": "1"},
    }

    answer = await subtask(given)

    [opening] = answer.opens
    assert (opening.key, opening.flow.name, opening.opening.verdict) == (SUB, "child-ok", "")
    assert opening.opening.title == "child b"
    assert values_of(opening)["input"] == {"x": "b"}
    task = values_of(opening)["task"]
    assert (task["requester_username"], task["requester_groups"]) == ("ada", ["g1", "g2"])
    assert task["watcher_usernames"] == ["eve"]
    assert task["tags"] == {"t": "1", "_utask_parent_task_id": "parent-id"}
    assert task["comment"]["content"] == "Auto created subtask, parent task parent-id"
    assert (answer.kind, answer.metadata) == ("WAITING", {"awaits": [SUB]})


async def test_task_of_a_template_for_people_waits_for_one() -> None:
    answer = await subtask({"template": "child-manual"})

    [opening] = answer.opens
    assert opening.opening.verdict == "TODO"
    assert answer.outputs["output"] == {
        "id": None,
        "state": "TODO",
        "result": None,
        "resolver_username": None,
        "requester_username": "ada",
    }


async def test_delayed_task_begins_by_itself() -> None:
    answer = await subtask({"template": "child-ok", "input": {"x": "a"}, "delay": "1h"})

    [opening] = answer.opens
    assert opening.opening.verdict == "TO_AUTORUN_DELAYED"
    assert opening.opening.due is not None


async def test_execution_in_the_pass_that_opened_the_task_finds_it_at_its_beginning() -> None:
    opened = (await subtask({"template": "child-ok", "input": {"x": "a"}})).outputs["output"]
    known = children_of([SUB])

    answer = await subtask({}, output=opened, children=known, try_count=1)

    assert (answer.kind, answer.opens) == ("WAITING", ())
    assert answer.why == f'Task "{id_of(100)}" will start shortly'
    assert answer.outputs["output"] == {
        "id": id_of(100),
        "state": "TODO",
        "result": {"got": "{{.step.a.output.v}}"},
        "resolver_username": "ada",
        "requester_username": "ada",
    }


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("DONE", ""),
        ("CANCELLED", "CLIENT_ERROR"),
        ("WONTFIX", "CLIENT_ERROR"),
        ("BLOCKED", "CLIENT_ERROR"),
        ("RUNNING", "TO_RETRY"),
        ("TODO", "WAITING"),
        ("DELAYED", "SERVER_ERROR"),
        ("bad", "SERVER_ERROR"),
    ],
)
async def test_state_of_the_task_decides_that_of_the_step(state: str, kind: str) -> None:
    value: Json = {"result": {"r": 1}, "resolver_username": "bob", "requester_username": "ada"}
    updates: Json = {SUB: {"state": state, "value": value}}

    answer = await subtask({}, children=children_of([SUB]), updates=updates, try_count=2)

    assert answer.kind == kind
    assert answer.outputs["output"] == {"id": id_of(100), "state": state, **dict(value)}  # type: ignore[arg-type]
    assert answer.opens == ()


async def test_step_goes_on_with_the_task_that_its_output_names() -> None:
    known = children_of(["subtask:build.1.-1", "subtask:build.2.-1"])
    before: Json = {"id": id_of(101)}
    updates: Json = {"subtask:build.2.-1": {"state": "DONE", "value": None}}

    answer = await subtask({}, children=known, output=before, updates=updates, try_count=2)

    assert (answer.kind, answer.good) == ("", True)


@pytest.mark.parametrize(
    "given",
    [
        {"template": "none"},
        {"template": "child-blocked"},
        {"template": "child-ok"},  # its input is missing
        {"template": "child-ok", "json_input": "["},
        {"template": "child-ok", "json_input": "[]"},
        {"template": "child-ok", "input": {"x": "a"}, "delay": "soon"},
        {"template": "child-ok", "input": {"x": "a"}, "resolver_usernames": "ada"},
        {"template": "child-ok", "input": {"x": "a"}, "resolver_usernames": "[1]"},
        {"template": "child-ok", "input": {"x": "a"}, "tags": {"_utask_parent_task_id": "x"}},
    ],
)
async def test_task_that_cannot_be_opened_blocks_the_step(given: dict[str, Json]) -> None:
    answer = await subtask(given)

    assert (answer.kind, answer.opens) == ("CLIENT_ERROR", ())


# --- batch ---


def batch_keys(count: int) -> list[str]:
    return [f"batch:build.1.-1.{number}" for number in range(count)]


THREE: Json = [{"x": "1"}, {"x": "2"}, {"x": "3"}]


async def test_batch_opens_its_tasks_in_parts() -> None:
    first = await batch({"inputs": THREE, "sub_batch_size": "2", "tags": {"bt": "s"}})
    keys = batch_keys(3)
    id = batch_metadata(first)["batch_id"]
    done: Json = {key: {"state": "DONE"} for key in keys[:2]}
    second = await batch(
        {"inputs": THREE, "sub_batch_size": "2"},
        metadata=first.metadata["metadata"],
        children=children_of(keys[:2]),
        updates=done,
    )
    all_done: Json = {key: {"state": "DONE"} for key in keys}
    third = await batch(
        {"inputs": THREE, "sub_batch_size": "2"},
        metadata=second.metadata["metadata"],
        children=children_of(keys),
        updates=all_done,
    )

    assert [one.key for one in first.opens] == keys[:2]
    assert [values_of(one)["task"]["batch"] for one in first.opens] == [id, id]
    assert batch_metadata(first) == {"batch_id": id, "remaining_tasks": 3, "tasks_started": 2}
    assert first.why == f'tasks from batch "{id}" will start shortly'
    assert [one.key for one in second.opens] == keys[2:]
    assert second.metadata["awaits"] == keys[2:]
    assert batch_metadata(second) == {"batch_id": id, "remaining_tasks": 1, "tasks_started": 3}
    assert (third.good, third.opens, third.outputs) == (True, (), {})
    assert batch_metadata(third) == {"batch_id": id, "remaining_tasks": 0, "tasks_started": 3}


async def test_batch_that_a_person_runs_again_waits_for_all_that_runs() -> None:
    keys = batch_keys(3)
    one_done: Json = {keys[0]: {"state": "DONE"}}

    answer = await batch(
        {"inputs": THREE, "sub_batch_size": "2"},
        children=children_of(keys[:2]),
        updates=one_done,
    )

    assert [one.key for one in answer.opens] == keys[2:]
    assert answer.metadata["awaits"] == keys[1:]


@pytest.mark.parametrize("state", ["BLOCKED", "CANCELLED", "WONTFIX"])
async def test_task_of_a_batch_that_did_not_end_well_blocks_the_step(state: str) -> None:
    keys = batch_keys(2)
    updates: Json = {keys[0]: {"state": "DONE"}, keys[1]: {"state": state}}

    answer = await batch({"inputs": THREE}, children=children_of(keys), updates=updates)

    assert (answer.kind, answer.opens) == ("CLIENT_ERROR", ())
    assert f"'{id_of(101)}' is {state.lower()}" in answer.why


async def test_batch_of_nothing_is_done() -> None:
    answer = await batch({"inputs": []})

    nothing = {"batch_id": "", "remaining_tasks": 0, "tasks_started": 0}
    assert (answer.good, answer.metadata) == (True, {"metadata": nothing})


async def test_common_input_is_that_of_each_task() -> None:
    given: dict[str, Json] = {
        "json_inputs": '[{"x": "1"}, {"x": "2"}]',
        "common_json_inputs": '{"y": "c"}',
    }

    answer = await batch(given)

    assert [one.opening.title for one in answer.opens] == ["child 1", "child 2"]


@pytest.mark.parametrize(
    "given",
    [
        {"inputs": [{"x": "1"}], "common_inputs": {"x": "2"}},
        {"inputs": [5]},
        {"inputs": {}},
        {"inputs": [{"x": "1"}], "common_inputs": []},
        {"inputs": [{"x": "1"}], "sub_batch_size": "-1"},
        {"inputs": [{"x": "1"}], "sub_batch_size": "many"},
        {"inputs": [{"x": "1"}, {}]},
        {"inputs": [{"x": "1"}], "template_name": "none"},
        {"inputs": [{"x": "1"}] * (BATCH_MAX + 1)},
        {"json_inputs": "{"},
    ],
)
async def test_batch_that_cannot_be_opened_blocks_the_step(given: dict[str, Json]) -> None:
    answer = await batch(given)

    assert (answer.kind, answer.opens) == ("CLIENT_ERROR", ())


async def test_batch_opens_as_many_tasks_as_one_answer_may() -> None:
    inputs: Json = [{"x": str(number)} for number in range(CHILDREN_MAX + 5)]

    answer = await batch({"inputs": inputs})

    assert len(answer.opens) == CHILDREN_MAX
    assert batch_metadata(answer)["remaining_tasks"] == CHILDREN_MAX + 5
