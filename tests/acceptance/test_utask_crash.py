"""`kill -9` of the host of a task: a step that is not idempotent never runs twice silently."""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance import crash_host
from tests.acceptance.product import TOKEN, Host, until
from tests.acceptance.warm import floe_host
from tests.receivers import Webhook, a_webhook

pytestmark = pytest.mark.slow

CONFIG: Final = """
common: {utask: {templates: [templates]}}
flows: []
"""

TEMPLATE: Final = """
name: posts
description: posts twice
title_format: posts
auto_runnable: true
steps:
  once:
    description: not idempotent
    action: {type: http, configuration: {url: 'SERVED/once', method: POST, body: '{}'}}
  again:
    description: idempotent
    idempotent: true
    action: {type: http, configuration: {url: 'SERVED/again', method: POST, body: '{}'}}
"""

ACTS: Final = (
    "append RunOpened",
    "append NodeEntered",
    "start command",
    "append NodeStarted",
    "tell Started",
    "tell Answered",
    "append ActionEnded",
    "append NodeSettled",
    "append RunEnded",
)

OVER: Final = ("DONE", "BLOCKED")


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as hook:
        yield hook


@pytest.fixture
def host(tmp_path: Path, webhook: Webhook) -> Iterator[Host]:
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "posts.yaml").write_text(TEMPLATE.replace("SERVED", webhook.url))
    host = Host(tmp_path, CONFIG)
    yield host
    host.close()


def asked(host: Host, path: str, body: Any = None) -> Any:
    """The answer of uTask's API."""
    request = urllib.request.Request(
        f"http://{host.address}/utask/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def task_of(host: Host) -> Any:
    """The task, which is created now if the host died before it had one."""
    tasks = asked(host, "task?type=all")
    return tasks[0] if tasks else asked(host, "task", {"template_name": "posts"})


@pytest.mark.parametrize("point", [f"{when} {act}" for act in ACTS for when in ("before", "after")])
def test_step_that_is_not_idempotent_runs_once_at_most(
    point: str, host: Host, webhook: Webhook, tmp_path: Path
) -> None:
    tally = tmp_path / "tally"
    tally.touch()
    host.launch(crash_host.main, {"FLOE_CRASH_TALLY": str(tally), "FLOE_CRASH_AT": point})
    with suppress(OSError):  # it may die before it answers
        asked(host, "task", {"template_name": "posts"})
    until(lambda: not host.is_up(), f"the death {point}")
    assert tally.read_text().splitlines()[-1] == point

    host.start(floe_host, {})
    id_ = task_of(host)["id"]
    until(lambda: asked(host, f"task/{id_}")["state"] in OVER, "the end of the pass")

    task = asked(host, f"task/{id_}")
    resolution = asked(host, f"resolution/{task['resolution']}")
    once, again = (resolution["steps"][name]["state"] for name in ("once", "again"))
    sent = Counter(one.path.rpartition("/")[2] for one in webhook.received)
    assert (again, sent["again"] >= 1) == ("DONE", True)
    if once == "DONE":
        assert (task["state"], resolution["state"], sent["once"]) == ("DONE", "DONE", 1)
    else:
        states = (once, task["state"], resolution["state"])
        assert states == ("CRASHED", "BLOCKED", "BLOCKED_TOCHECK")
        assert sent["once"] <= 1
