"""A script of uTask goes on while its host is killed and started again: the warden has it."""

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.product import TOKEN, Host, until

pytestmark = pytest.mark.slow

CONFIG: Final = """
common: {utask: {templates: [templates], scripts: scripts}}
flows: []
"""

TEMPLATE: Final = """
name: waits
description: waits for the test
title_format: waits
auto_runnable: true
steps:
  one:
    description: not idempotent
    action: {type: script, configuration: {file_path: wait.sh}}
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    for name in ("templates", "scripts"):
        (tmp_path / name).mkdir()
    (tmp_path / "templates" / "waits.yaml").write_text(TEMPLATE)
    os.mkfifo(tmp_path / "end")
    script = tmp_path / "scripts" / "wait.sh"
    script.write_text(
        f"#!/bin/sh\necho begun >>{tmp_path}/mark\nread line <{tmp_path}/end\n"
        'echo "{\\"line\\": \\"$line\\"}"\n'
    )
    script.chmod(0o755)
    host = Host(tmp_path, CONFIG)
    host.start()
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


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_script_is_found_again_after_a_restart_of_its_host(
    how: str, host: Host, tmp_path: Path
) -> None:
    id_ = asked(host, "task", {"template_name": "waits"})["id"]
    until((tmp_path / "mark").exists, "the script")

    getattr(host, how)()
    host.start()
    (tmp_path / "end").write_text("hello\n")
    until(lambda: asked(host, f"task/{id_}")["state"] == "DONE", "the end of the task")

    resolution = asked(host, f"resolution/{asked(host, f'task/{id_}')['resolution']}")
    step = resolution["steps"]["one"]
    assert (step["output"], step["try_count"]) == ({"line": "hello"}, 1)
    assert (tmp_path / "mark").read_text() == "begun\n"
