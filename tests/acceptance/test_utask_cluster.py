"""Tasks on three real hosts: those that wait leave a host that drains, and outlive it."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.cluster import Cluster, Member, clustered
from tests.acceptance.people import floe, said
from tests.acceptance.product import TOKEN, until
from tests.receivers import Webhook, a_webhook

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TAGS: Final = {"h1": "east", "h2": "mid", "h3": "mid"}

FLOW: Final = """
  - name: unused
    triggers: [{name: start, type: data}]
    tasks: [{name: done, type: end, listen: trigger.good}]
"""

WAITS: Final = """
name: waits
description: waits for a callback
title_format: waits
auto_runnable: true
steps:
  create:
    description: creates a callback
    action: {type: callback, configuration: {action: create}}
  wait:
    description: waits for it
    dependencies: [create]
    action: {type: callback, configuration: {action: wait, id: '{{.step.create.output.id}}'}}
  after:
    description: comes after it
    dependencies: [wait]
    action: {type: echo, configuration: {output: '{{.step.wait.output.body.said}}'}}
"""


POSTS: Final = """
name: posts
description: posts until that succeeds
title_format: posts
auto_runnable: true
steps:
  post:
    idempotent: IDEMPOTENT
    action: {type: http, configuration: {url: 'SERVED', method: POST, body: '{}'}}
"""


def prepared(webhook: Webhook, cluster: Cluster) -> None:
    """The templates and the address of callbacks, which each host has."""
    templates, items = cluster.folder / "templates", cluster.folder / "items"
    for folder in (templates, items):
        folder.mkdir()
    (templates / "waits.yaml").write_text(WAITS)
    for word in ("true", "false"):
        text = POSTS.replace("SERVED", webhook.url).replace("IDEMPOTENT", word)
        (templates / f"{word}.yaml").write_text(text.replace("name: posts", f"name: posts-{word}"))
    (items / "callback-config").write_text("base_url: http://utask.test")
    for id in TAGS:
        cluster.configure(id, utask=f"{{templates: [{templates}], items: {items}}}")


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as hook:
        yield hook
        hook.may_answer.set()


@pytest.fixture
def cluster(tmp_path: Path, webhook: Webhook) -> Iterator[Cluster]:
    prepare = partial(prepared, webhook)
    with clustered(tmp_path / "tasks", FLOW, TAGS, keeper="h1", prepare=prepare) as (cluster, _):
        yield cluster


def asked(host: Member, path: str, body: Any = None) -> Any:
    """The answer of uTask's API at a host."""
    request = urllib.request.Request(
        f"http://{host.address}/utask/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def state(host: Member, task: str) -> str:
    """The state of a task, as a host tells it."""
    return str(asked(host, f"task/{task}")["state"])


def knows(host: Member, task: str) -> bool:
    """Whether a host has the row of a task: just after a forget its copy may be older."""
    try:
        return bool(state(host, task))
    except urllib.error.HTTPError:
        return False


def test_task_that_waits_leaves_a_draining_host_and_outlives_it(cluster: Cluster) -> None:
    h1, h2, h3 = cluster.hosts.values()
    said(floe(h1, "host", "drain", "h3"))
    task = asked(h2, "task", {"template_name": "waits"})
    until(lambda: state(h2, task["id"]) == "WAITING", "the task waits")
    made = asked(h2, f"resolution/{task['resolution']}")["steps"]["create"]["output"]
    said(floe(h1, "host", "drain", "h3", "--off"))

    said(floe(h1, "host", "drain", "h2"))

    drained = "h2 accepts no new runs; 0 runs there\n"
    until(lambda: said(floe(h1, "host", "drain", "h2")) == drained, "nothing left on h2")
    h2.kill()
    h2.end_warden()
    said(floe(h1, "host", "forget", "h2", "--force"))
    until(lambda: knows(h3, task["id"]), "h3 knows where the task is")
    assert state(h3, task["id"]) == "WAITING"
    asked(h1, f"unsecured/callback/{made['id']}?t={made['token']}", {"said": "hello"})
    until(lambda: state(h3, task["id"]) == "DONE", "the task is over")
    steps = asked(h1, f"resolution/{task['resolution']}")["steps"]
    assert steps["after"]["output"] == "hello"
    assert steps["create"]["try_count"] == 1


@pytest.mark.parametrize(
    ("idempotent", "states", "sent"),
    [
        ("true", ["DONE", "DONE", "DONE"], 3),
        ("false", ["BLOCKED", "BLOCKED_TOCHECK", "CRASHED"], 2),
    ],
)
def test_step_of_a_forgotten_host_runs_again_only_if_it_is_idempotent(
    cluster: Cluster, webhook: Webhook, idempotent: str, states: list[str], sent: int
) -> None:
    h1, h2, h3 = cluster.hosts.values()
    said(floe(h1, "host", "drain", "h1"))
    webhook.statuses.append(503)
    task = asked(h2, "task", {"template_name": f"posts-{idempotent}"})
    until(lambda: webhook.received, "the first try, which fails")
    webhook.may_answer.clear()
    said(floe(h1, "host", "drain", "h2"))
    drained = "h2 accepts no new runs; 0 runs there\n"
    until(lambda: said(floe(h1, "host", "drain", "h2")) == drained, "nothing left on h2")
    said(floe(h1, "host", "drain", "h2", "--off"))
    until(lambda: len(webhook.received) == 2, "the second try, on h3")

    h3.kill()
    h3.end_warden()
    webhook.may_answer.set()
    said(floe(h1, "host", "forget", "h3", "--force"))

    over = ("DONE", "BLOCKED")
    until(lambda: knows(h2, task["id"]) and state(h2, task["id"]) in over, "it goes on on h2")
    resolution = asked(h2, f"resolution/{task['resolution']}")
    assert states == [
        state(h2, task["id"]),
        resolution["state"],
        resolution["steps"]["post"]["state"],
    ]
    assert len(webhook.received) == sent
