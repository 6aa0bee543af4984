"""Packs in Python at a real host: the pack of the README, kill -9 of the pack and of the host."""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any, Final

import pytest

from floe.packs import Pack, PackSettings
from tests.acceptance.product import until
from tests.acceptance.test_flyte import CERT, FlyteHost, answers
from tests.flyte_clients import GoClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text()
STARTER: Final = {"name": "Starter", "events": [{"name": "Go"}]}

# It carries out one command after the other, and the first never ends.
HANGING: Final = """
import pathlib, threading
from floe.packs import Pack, PackSettings
pack = Pack("Worker")
@pack.command("Do", "Done")
def do(name: str) -> str:
    if name == "hang":
        pathlib.Path("taken").touch()
        threading.Event().wait()
    return name
settings = PackSettings.from_environment()
pack.run(PackSettings(settings.url, poll_s=0.1, health_bind=""))
"""


def asked(host: FlyteHost, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(host.flyte + path, data)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def states(host: FlyteHost) -> list[tuple[str, Any, str]]:
    """Command, input and state of each action."""
    flows = asked(host, "/v1/audit/flows")["flows"]
    actions = [action for flow in flows for action in flow["actions"].values()]
    return [(one["name"], one.get("input"), one["state"]["value"]) for one in actions]


def started(host: FlyteHost) -> None:
    """Start it, and wait for its address for packs."""
    host.start()
    until(lambda: answers(GoClient(host.flyte)), "the address for packs")


def step(id: str, event: dict[str, str], command: str, input: str, **more: Any) -> dict[str, Any]:
    pack, name = command.split(".")
    return {
        "id": id,
        "event": event,
        "command": {"packName": pack, "name": name, "input": input},
    } | more


@pytest.fixture
def host(tmp_path: Path) -> Iterator[FlyteHost]:
    host = FlyteHost(tmp_path)
    try:
        started(host)
        asked(host, "/v1/packs", STARTER)
        yield host
    finally:
        host.close()


@contextmanager
def process(folder: Path, code: str, url: str) -> Iterator["Popen[bytes]"]:
    """A process of a pack, which gets kill -9."""
    file = folder / "pack.py"
    file.write_text(code)
    env = {**os.environ, "FLYTE_API": url, "PYTHONPATH": str(ROOT)}
    with (folder / "pack.log").open("ab") as log:
        started = Popen([sys.executable, file], cwd=folder, env=env, stdout=log, stderr=log)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def begin(host: FlyteHost, payload: str) -> None:
    asked(host, "/v1/packs/Starter/events", {"event": "Go", "payload": payload})


def test_pack_of_the_readme_carries_out_a_command_whose_event_begins_the_next_step(
    host: FlyteHost, tmp_path: Path
) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    go = {"packName": "Starter", "name": "Go"}
    greeted = {"packName": "Greeter", "name": "Greeted"}
    first = step("first", go, "Greeter.Greet", "")
    first["command"]["input"] = {"name": "{{ Event.Payload }}"}
    second = step("second", greeted, "Starter.Say", "{{ Event.Payload }}", dependsOn=["first"])
    asked(host, "/v1/flows", {"name": "Welcome", "steps": [first, second]})

    with process(tmp_path, code, host.flyte):
        begin(host, "Ada")
        until(lambda: len(states(host)) == 2, "the second step")

    assert len([line for line in code.splitlines() if line]) == 12
    assert sorted(states(host)) == [
        ("Greet", {"name": "Ada"}, "SUCCESS"),
        ("Say", "Hello Ada", "NEW"),
    ]


def test_flow_and_packs_of_the_page_greet_a_visitor(host: FlyteHost, tmp_path: Path) -> None:
    page = (ROOT / "docs/packs.md").read_text()
    [greeter] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    door, _ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    [flow] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    request = urllib.request.Request(f"{host.flyte}/v1/flows", flow.encode())
    request.add_header("Content-Type", "application/x-yaml")
    urllib.request.urlopen(request, timeout=30).close()

    with process(tmp_path, greeter, host.flyte):
        env = {**os.environ, "FLYTE_API": host.flyte, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", door], env=env, check=True)
        until(lambda: states(host) == [("Greet", {"name": "Ada"}, "SUCCESS")], "the greeting")


def test_action_of_a_pack_that_was_killed_stays_open_and_the_next_one_is_carried_out(
    host: FlyteHost, tmp_path: Path
) -> None:
    do = step("do", {"packName": "Starter", "name": "Go"}, "Worker.Do", "{{ Event.Payload }}")
    asked(host, "/v1/flows", {"name": "Work", "steps": [do]})
    begin(host, "hang")
    with process(tmp_path, HANGING, host.flyte):
        until((tmp_path / "taken").exists, "the take")

    with process(tmp_path, HANGING, host.flyte):
        begin(host, "next")
        until(lambda: ("Do", "next", "SUCCESS") in states(host), "the next action")

    assert ("Do", "hang", "PENDING") in states(host)


def test_result_waits_for_a_host_that_was_killed(host: FlyteHost) -> None:
    do = step("do", {"packName": "Starter", "name": "Go"}, "Worker.Do", "{{ Event.Payload }}")
    asked(host, "/v1/flows", {"name": "Work", "steps": [do]})
    pack, taken, go = Pack("Worker"), threading.Event(), threading.Event()

    @pack.command("Do", "Done")
    def do_it(name: str) -> str:
        taken.set()
        go.wait(60)
        return name

    settings = PackSettings(host.flyte, poll_s=0.1, pause_max_s=0.2, health_bind="")
    with pack.in_background(settings):
        begin(host, "x")
        taken.wait(60)
        host.kill()
        go.set()
        started(host)
        until(lambda: states(host) == [("Do", "x", "SUCCESS")], "the result")


def test_pack_trusts_a_certificate_of_its_own(tmp_path: Path) -> None:
    host = FlyteHost(tmp_path, tls=True)
    env = {"FLOE_PUB_CERT": str(CERT), "FLOE_PUB_KEY": str(CERT.with_name("key.pem"))}
    pack = Pack("Secure", events=["Seen"])
    settings = PackSettings(host.flyte, ca=str(CERT), pause_max_s=0.2, health_bind="")
    try:
        host.spawn(env=env)
        with pack.in_background(settings):
            pack.send_now("Seen")
    finally:
        host.close()
