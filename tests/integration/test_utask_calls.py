"""Steps of uTask whose actions need a host: hub, calls, warden and evaluators are real."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from floe.calls.utask.settings import UtaskCallSettings
from floe.dialects.registry import calls
from floe.nodes.executors import executors_of
from floe.nodes.preparation import CommandSettings
from tests.make_nodes import DEADLINE_S
from tests.make_server import Site
from tests.make_utask import ask, utask_site
from tests.recorded import own_document

RUNS = own_document("utask/vectors/runs.json")
CHILDREN = tuple(RUNS["child_templates"])
BUSY = ("TO_AUTORUN", "AUTORUNNING", "RUNNING", "RETRY")

SCRIPT = """#!/bin/sh
printf '{"task":"%s","step":"%s"}\\n' "$UTASK_TASK_ID" "$UTASK_STEP_NAME"
"""


@asynccontextmanager
async def host(root: Path, *templates: str, **settings: Any) -> AsyncIterator[Site]:
    """A host with templates, whose executors are real."""
    (root / "scripts").mkdir()
    (root / "scripts" / "env.sh").write_text(SCRIPT)
    (root / "scripts" / "env.sh").chmod(0o755)
    given = UtaskCallSettings(
        scripts=root / "scripts",
        items=lambda: {"callback-config": {"base_url": "http://utask.test"}},
        **settings,
    )
    work = executors_of(
        root,
        CommandSettings(host="h1", workspace_root=root),
        passing=True,
        calls=calls(),
        call_settings={"utask": given},
    )
    async with utask_site(root, *CHILDREN, *templates, work=work) as site:
        yield site


async def created(site: Site, template: str, **values: Any) -> str:
    """A task that was resolved, unless it resolves itself."""
    status, _, task = await ask(site, "POST", "/task", {"template_name": template, "input": values})
    assert status == 201, task
    if "resolution" not in task:
        status, _, shown = await ask(site, "POST", "/resolution", {"task_id": task["id"]})
        assert status == 201, shown
    return str(task["id"])


async def task_in(site: Site, task: str, *states: str) -> Mapping[str, Any]:
    """A task once it has one of these states, with its resolution."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            _, _, shown = await ask(site, "GET", f"/task/{task}")
            if shown["state"] in states:
                _, _, found = await ask(site, "GET", f"/resolution/{shown['resolution']}")
                if found["state"] not in BUSY:
                    return {**shown, "resolution": found}
            await asyncio.sleep(0.01)


def template_of(id: str) -> str:
    [case] = [case for case in RUNS["cases"] if case["id"] == id]
    return str(case["templates"][0])


async def test_task_waits_for_its_subtask_and_has_its_result(tmp_path: Path) -> None:
    async with host(tmp_path, template_of("subtask-json-input")) as site:
        task = await task_in(site, await created(site, "subtask-json-input"), "DONE")

    step = task["resolution"]["steps"]["sub"]
    _, child = step["output"].pop("id"), step["output"]
    assert child == {
        "state": "DONE",
        "result": {"got": "child b"},
        "requester_username": "admin",
        "resolver_username": "admin",
    }
    assert (step["try_count"], task["resolution"]["run_count"]) == (3, 2)


async def test_subtask_for_people_waits_for_one(tmp_path: Path) -> None:
    async with host(tmp_path, template_of("subtask-manual")) as site:
        task = await created(site, "subtask-manual")
        waiting = await task_in(site, task, "WAITING")
        step = waiting["resolution"]["steps"]["sub"]
        child = step["output"]["id"]
        status, _, _ = await ask(site, "POST", "/resolution", {"task_id": child})
        done = await task_in(site, task, "DONE")

    assert (step["state"], step["try_count"], status) == ("WAITING", 2, 201)
    assert step["error"] == f'Task "{child}" is waiting for human validation'
    assert done["resolution"]["steps"]["sub"]["output"]["id"] == child


async def test_blocked_subtask_blocks_its_parent(tmp_path: Path) -> None:
    text = template_of("subtask-manual").replace("child-manual", "child-bad")
    async with host(tmp_path, text.replace("subtask-manual", "of-a-bad-one")) as site:
        task = await task_in(site, await created(site, "of-a-bad-one"), "BLOCKED")

    step = task["resolution"]["steps"]["sub"]
    assert (step["state"], step["output"]["state"]) == ("CLIENT_ERROR", "BLOCKED")


async def test_batch_runs_in_parts(tmp_path: Path) -> None:
    async with host(tmp_path, template_of("batch")) as site:
        task = await task_in(site, await created(site, "batch", s="hello"), "DONE")
        step = task["resolution"]["steps"]["b"]
        known = json.loads(json.loads(f'"{step["metadata"]}"'))
        _, _, of_batch = await ask(site, "GET", f"/task?batch={known['batch_id']}&type=all")

    assert (known["remaining_tasks"], known["tasks_started"]) == (0, 3)
    assert task["resolution"]["run_count"] == 3
    assert len(of_batch) == 3


async def test_step_waits_until_its_callback_is_called(tmp_path: Path) -> None:
    async with host(tmp_path, template_of("callback")) as site:
        task = await created(site, "callback")
        waiting = await task_in(site, task, "WAITING")
        made = waiting["resolution"]["steps"]["create"]["output"]
        path = made["url"].removeprefix("http://utask.test")
        wrong, _, _ = await ask(site, "POST", path[:-1] + "x", {"ok": 1}, user=None)
        unfit, _, _ = await ask(site, "POST", path, {"no": 1}, user=None)
        right, _, _ = await ask(site, "POST", path, {"ok": "yes"}, user=None)
        again, _, _ = await ask(site, "POST", path, {"ok": "yes"}, user=None)
        done = await task_in(site, task, "DONE")

    assert (wrong, unfit, right, again) == (404, 400, 200, 400)
    assert done["resolution"]["steps"]["after"]["output"] == {"v": "yes"}


async def test_task_reads_what_an_earlier_one_has_put_into_the_cache(tmp_path: Path) -> None:
    async with host(tmp_path, template_of("cache")) as site:
        task = await task_in(site, await created(site, "cache", s="hello"), "DONE")

    output = task["resolution"]["steps"]["get1"]["output"]
    assert (output["hit"], output["value"]["a"]) == (True, "hello")


async def test_script_knows_its_task(tmp_path: Path) -> None:
    text = """
name: scripted
description: made for tests
title_format: a title
steps:
  one:
    description: one
    action: {type: script, configuration: {file_path: env.sh}}
"""
    async with host(tmp_path, text) as site:
        task = await task_in(site, await created(site, "scripted"), "DONE")

    step = task["resolution"]["steps"]["one"]
    assert step["output"] == {"task": task["id"], "step": "one"}


async def test_task_within_itself_ends_at_the_deepest_level(tmp_path: Path) -> None:
    text = """
name: api-batchable
description: made for tests
title_format: a title
auto_runnable: true
steps:
  one:
    description: one
    action: {type: subtask, configuration: {template: api-batchable, input: {}}}
"""
    async with host(tmp_path, text) as site:
        task = await created(site, "api-batchable")
        await task_in(site, task, "BLOCKED")
        _, _, tasks = await ask(site, "GET", "/task?type=all")

    assert [one["state"] for one in tasks] == ["BLOCKED"] * 9
