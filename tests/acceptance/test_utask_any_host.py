"""uTask's API at real hosts of a cluster: any host answers, and one of them is away."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.product import TOKEN, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TAGS: Final = {"h1": "a", "h2": "b"}

TEMPLATE: Final = """
name: two-steps
description: made for tests
title_format: "two steps {{.input.x}}"
inputs: [{name: x}]
result_format: {r: "{{.step.b.output.v}}"}
steps:
  a:
    description: a
    action: {type: echo, configuration: {output: {v: "{{.input.x}}"}}}
  b:
    description: b
    dependencies: [a]
    action: {type: echo, configuration: {output: {v: "{{.step.a.output.v}}!"}}}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "two-steps.yaml").write_text(TEMPLATE, encoding="utf-8")

    def prepare(cluster: Cluster) -> None:
        for id in TAGS:
            cluster.configure(id, utask=f"{{templates: [{folder}]}}")

    with clustered(tmp_path / "cluster", "", TAGS, prepare=prepare) as (cluster, _):
        yield cluster


def ask(cluster: Cluster, id: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and body of an answer of one host."""
    connection = http.client.HTTPConnection(cluster[id].address, timeout=60)
    data = None if body is None else json.dumps(body).encode()
    try:
        connection.request(method, f"/utask{path}", data, {"X-Floe-Auth": TOKEN})
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    return response.status, json.loads(text) if text.startswith(("{", "[")) else text


def created(cluster: Cluster, id: str, body: Any) -> str:
    """The id of a new task; a host that starts does not reach the keeper yet."""

    def made() -> Any:
        status, shown = ask(cluster, id, "POST", "/task", body)
        assert status in (201, 503), shown
        return shown["id"] if status == 201 else None

    return str(until(made, f"a task at {id}"))


def test_task_is_resolved_and_read_through_any_host(cluster: Cluster) -> None:
    body = {"template_name": "two-steps", "input": {"x": "y"}, "comment": "at h1"}
    task = created(cluster, "h1", body)
    until(lambda: ask(cluster, "h2", "GET", f"/task/{task}")[0] == 200, "the task at h2")

    status, resolution = ask(cluster, "h2", "POST", "/resolution", {"task_id": task})
    again, _ = ask(cluster, "h1", "POST", "/resolution", {"task_id": task})
    until(lambda: ask(cluster, "h2", "GET", f"/task/{task}")[1]["state"] == "DONE", "its end")
    _, shown = ask(cluster, "h2", "GET", f"/resolution/{resolution['id']}")
    commented, _ = ask(cluster, "h2", "POST", f"/task/{task}/comment", {"content": "at h2"})

    assert (status, again, commented) == (201, 400, 201)
    assert {name: step["state"] for name, step in shown["steps"].items()} == {
        "a": "DONE",
        "b": "DONE",
    }
    assert ask(cluster, "h1", "GET", f"/task/{task}")[1]["result"] == {"r": "y!"}
    comments = ask(cluster, "h1", "GET", f"/task/{task}/comment")[1]
    assert [one["content"] for one in comments] == ["at h1", "at h2"]


def test_list_has_the_tasks_of_all_hosts(cluster: Cluster) -> None:
    for id in TAGS:
        body = {"template_name": "two-steps", "input": {"x": id}}
        created(cluster, id, body)

    def titles(id: str) -> list[str]:
        return sorted(task["title"] for task in ask(cluster, id, "GET", "/task?type=all")[1])

    for id in TAGS:
        until(lambda id=id: titles(id) == ["two steps h1", "two steps h2"], f"the list at {id}")  # type: ignore[misc]


def test_call_about_a_task_of_a_host_that_is_away_gets_503(cluster: Cluster) -> None:
    task = created(cluster, "h2", {"template_name": "two-steps", "input": {"x": "y"}})
    until(lambda: ask(cluster, "h1", "GET", f"/task/{task}")[0] == 200, "the task at h1")
    cluster["h2"].kill()

    status, answer = ask(cluster, "h1", "POST", "/resolution", {"task_id": task})
    cluster["h2"].start()
    until(lambda: ask(cluster, "h1", "GET", f"/task/{task}")[0] == 200, "the task again")

    assert status == 503
    assert "h2" in answer["error"]
