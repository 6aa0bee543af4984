"""Tasks run as they did in the real uTask. The kernel, the evaluator and the calls are in the test.

What a client sees over HTTP is in the tests of the API; texts of errors are equal where a template
has them, and else only there.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest

from floe.dialects.utask import readings
from floe.dialects.utask.task_surroundings import TaskSurroundings
from floe.model.errors import Yours
from floe.model.ids import Json
from tests import recorded
from tests.utask_run import CREATED, TaskRun

RUNS: Final = "utask/vectors/runs.json"
UPSTREAM: Final = "utask/vectors/runs-upstream.json"
TEMPLATES: Final = "utask/templates"
FUNCTIONS: Final = "utask/functions/*.yaml"
CHILDREN: Final = ("child-ok", "child-bad", "child-manual", "batched-task", "hello-world-now")
"""Templates that others name."""

GOS_WORDS: Final = (
    *("strconv", "I[#]", "json: ", "invalid character"),
    'failed to template configuration: Templating error: template: tmpl:1:2: executing "tmpl" '
    "at <eval `x`>",
)
"""How errors begin in which are words of other libraries."""

ELSEWHERE: Final = ("script", "cache", "tag", "subtask", "batch", "callback", "http")
"""Actions that need a host: the tests of the API run them."""

DONE_BY_PERSONS: Final = ("resolve", "run", "extend")


def needs_a_host(case: Mapping[str, Any], text: str) -> bool:
    is_called = any(f"type: {name}" in text for name in ELSEWHERE)
    steps = (one["do"]["do"] for one in case["result"]["then"])
    return is_called or not set(steps) <= set(DONE_BY_PERSONS)


def alone(name: str, texts: Mapping[str, str]) -> list[Any]:
    """The cases of a file that need no host."""
    found = [
        (case["id"], case)
        for case in recorded.document(name).get("cases", ())
        if not needs_a_host(
            case, texts.get(case.get("file", ""), "".join(case.get("templates", ())))
        )
    ]
    return recorded.counted(name, found)


def upstream_texts() -> dict[str, str]:
    """uTask's own templates, whose tests replace tabs too."""
    folder = recorded.FOLDER / TEMPLATES
    return {one.name: one.read_text("utf-8").replace("\t", "  ") for one in folder.glob("*.yaml")}


@pytest.mark.parametrize("case", alone(RUNS, {}))
def test_task_runs_as_in_utask(case: dict[str, Any]) -> None:
    functions = {f"{at}.yaml": text for at, text in enumerate(case.get("functions") or ())}
    settings = recorded.document(RUNS)["settings"]
    _check_case(case, case["templates"][0], functions, {"config": settings["other items"]})


if recorded.document(UPSTREAM):  # floe has no copies of uTask's files

    @pytest.mark.parametrize("case", alone(UPSTREAM, upstream_texts()))
    def test_task_of_utasks_own_tests_runs_as_there(case: dict[str, Any]) -> None:
        functions = {path.name: path.read_text("utf-8") for path in recorded.FOLDER.glob(FUNCTIONS)}

        _check_case(case, upstream_texts()[case["file"]], functions, {})


def _check_case(
    case: dict[str, Any], text: str, functions: Mapping[str, str], around: Json
) -> None:
    created, given = case["result"]["create"], dict(case["create"])
    if created["status"] != 201:
        with pytest.raises(Yours):
            TaskRun(text, functions, create=given, around=around, templates=CHILDREN)
        return
    task = TaskRun(text, functions, create=given, around=around, templates=CHILDREN)
    assert readings.title_of(task.run) == created["title"]
    assert dict(readings.tags_of(task.run)) == created.get("tags", {})
    for seen in case["result"]["then"]:
        match seen["do"]["do"]:
            case "resolve":
                task.resolve(**seen["do"].get("resolver_inputs", {}))
            case "run":
                task.again()
            case _:
                task.extend()
        _check_steps(task, seen["steps"], case.get("defects", {}))
        if not case.get("defects"):
            _check_task(task, seen)


def _check_steps(task: TaskRun, expected: Mapping[str, Any], defects: Mapping[str, str]) -> None:
    names = {
        TaskSurroundings(task.around).task_id(task.run.ref): "<task>",
        "res-1": "<resolution>",
        CREATED: "<time>",
    }
    found = {name: _shown(one, names) for name, one in task.steps().items()}
    assert found.keys() == expected.keys()
    for name, step in expected.items():
        if name not in defects:
            ours, theirs = found[name], _filled(step)
            if str(step.get("error", "")).startswith(GOS_WORDS):
                assert ours.pop("error")
                theirs.pop("error")
            assert ours == theirs, name


def _check_task(task: TaskRun, seen: Mapping[str, Any]) -> None:
    run, resolution = task.run, seen["resolution"]
    assert readings.resolution_state(run) == resolution["state"]
    assert readings.run_count(run) == resolution["run_count"]
    assert readings.run_max(run) == resolution["run_max"]
    assert readings.task_state(run) == seen["task"]["state"]
    assert readings.steps_done(run) == seen["task"]["steps_done"]
    assert readings.steps_total(run) == seen["task"]["steps_total"]
    assert dict(readings.tags_of(run)) == seen["task"].get("tags", {})
    assert readings.title_of(run) == seen["task"]["title"]
    if seen["task"]["state"] == "DONE":
        assert readings.result_of(run) == seen["task"].get("result")
    assert _sorted(readings.errors_of(run)) == _sorted(seen["task"].get("errors", []))
    due, after = readings.next_retry(run), resolution.get("next_retry_after_s", "zero")
    if after == "zero":
        assert due is None
    else:
        assert due is not None
        assert abs((due - task.log[-1].at) / 1000 - after) < 0.6


def _sorted(errors: list[dict[str, str]]) -> list[tuple[str, str]]:
    return sorted((one["step"], one["error"]) for one in errors)


def _shown(one: readings.StepReading, names: Mapping[str, str]) -> dict[str, Any]:
    """A step as the vectors show it, with their names for ids and times."""
    shown = {
        "state": one.state,
        "output": one.output,
        "metadata": one.metadata,
        "error": one.error,
        "try_count": one.try_count,
        "children": one.children,
        "children_steps": [*one.children_steps],
        "item": one.item_value,
    }
    text = json.dumps(shown, ensure_ascii=False)
    for id_, name in names.items():
        text = text.replace(id_, name)
    return _filled(json.loads(text))


def _filled(step: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if value not in (None, "", 0, [], {})}
