"""Hurried callers of uTask's API at a real host, while steps run and wait."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from tests.acceptance.product import until
from tests.acceptance.utask import UtaskHost

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SLEEPS: Final = """
name: sleeps
description: made for tests
title_format: sleeps
steps:
  a:
    description: a
    action: {type: script, configuration: {file_path: sleep.sh, argv: ["3"], output_mode: disabled}}
  b:
    description: b
    dependencies: [a]
    action: {type: echo, configuration: {output: {v: b}}}
"""
WAITS: Final = """
name: waits
description: made for tests
title_format: waits
auto_runnable: true
steps:
  create:
    description: create
    action: {type: callback, configuration: {action: create}}
  wait:
    description: wait
    dependencies: [create]
    action: {type: callback, configuration: {action: wait, id: "{{.step.create.output.id}}"}}
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UtaskHost]:
    templates = {"sleeps": SLEEPS, "waits": WAITS}
    made = UtaskHost(tmp_path_factory.mktemp("utask"), templates)
    try:
        made.start()
        yield made
    finally:
        made.close()


def a_running(host: UtaskHost) -> str:
    """The path of a resolution whose first step sleeps."""
    task = host.ask("POST", "/task", {"template_name": "sleeps"}).body["id"]
    id = host.ask("POST", "/resolution", {"task_id": task}).body["id"]
    path = f"/resolution/{id}"
    step = f"{path}/step/a"
    until(lambda: host.ask("GET", step).body["state"] == "RUNNING", "the start of its step")
    return path


def a_callback(host: UtaskHost) -> tuple[str, str]:
    """The paths of a task that waits for a callback, and of the callback."""
    task = f"/task/{host.ask('POST', '/task', {'template_name': 'waits'}).body['id']}"
    until(lambda: host.ask("GET", task).body["state"] == "WAITING", "the wait")
    resolution = host.ask("GET", task).body["resolution"]
    made = host.ask("GET", f"/resolution/{resolution}/step/create").body["output"]
    return task, f"/unsecured/callback/{made['id']}?t={made['token']}"


def test_resolution_that_runs_is_neither_run_nor_paused_nor_cancelled(host: UtaskHost) -> None:
    path = a_running(host)

    statuses = [host.ask("POST", f"{path}/{act}").status for act in ("run", "pause", "cancel")]

    assert statuses == [400, 400, 400]


def test_forced_pause_keeps_the_next_step_from_running(host: UtaskHost) -> None:
    path = a_running(host)

    status = host.ask("POST", f"{path}/pause?force=true").status
    shown: Any = host.rested(path.removeprefix("/resolution/"))

    assert (status, shown["state"]) == (204, "PAUSED")
    assert {name: step["state"] for name, step in shown["steps"].items()} == {
        "a": "DONE",
        "b": "TODO",
    }


def test_of_many_callbacks_at_once_one_counts(host: UtaskHost) -> None:
    task, path = a_callback(host)

    def call(number: int) -> int:
        return host.ask("POST", path, {"number": number}, user=None).status

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(call, range(8)))
    until(lambda: host.ask("GET", task).body["state"] == "DONE", "its end")

    assert statuses == [200, *[400] * 7]


def test_callback_that_was_answered_survives_a_crash(host: UtaskHost) -> None:
    task, path = a_callback(host)

    status = host.ask("POST", path, {"said": "once"}, user=None).status
    host.kill()
    host.start()
    until(lambda: host.ask("GET", task).body["state"] == "DONE", "its end")
    again = host.ask("POST", path, {"said": "twice"}, user=None).status
    resolution = host.ask("GET", task).body["resolution"]
    waited = host.ask("GET", f"/resolution/{resolution}/step/wait").body

    assert (status, again) == (200, 400)
    assert waited["output"]["body"] == {"said": "once"}
