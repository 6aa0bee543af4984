"""A limit of the tasks of a template: so many are in a pass at once on a host."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.product import TOKEN, Host, until
from tests.acceptance.warm import floe_host
from tests.receivers import Webhook, a_webhook

pytestmark = pytest.mark.slow

CONFIG: Final = """
common: {utask: {templates: [templates], resource-limits: {'template:post': 1}}}
flows: []
"""

TEMPLATE: Final = """
name: Post
description: posts twice
title_format: posts
auto_runnable: true
steps:
  one: {action: {type: http, configuration: {url: 'SERVED', method: POST, body: '{}'}}}
  two:
    dependencies: [one]
    action: {type: http, configuration: {url: 'SERVED', method: POST, body: '{}'}}
"""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as hook:
        yield hook
        hook.may_answer.set()


@pytest.fixture
def host(tmp_path: Path, webhook: Webhook) -> Iterator[Host]:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/post.yaml").write_text(TEMPLATE.replace("SERVED", webhook.url))
    host = Host(tmp_path, CONFIG)
    host.start(floe_host, {})
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
        return json.loads(answer.read())


def states(host: Host, *tasks: str) -> list[str]:
    return [asked(host, f"task/{task}")["state"] for task in tasks]


def test_second_task_of_a_template_begins_when_the_first_is_over(
    host: Host, webhook: Webhook
) -> None:
    webhook.may_answer.clear()
    first, second = (asked(host, "task", {"template_name": "post"})["id"] for _ in range(2))
    until(lambda: webhook.received, "the first step of the first task")
    until(
        lambda: "waits for a place: 1 of utask-post" in host.api.get("runs/h1-2/why")["text"],
        "the second task says what it waits for",
    )
    assert len(webhook.received) == 1

    webhook.may_answer.set()

    until(lambda: states(host, first, second) == ["DONE", "DONE"], "the end of both")
    assert len(webhook.received) == 4
