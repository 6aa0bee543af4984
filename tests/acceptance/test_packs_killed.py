"""`kill -9` of a pack, and of its host, at every point of their exchange: no command is lost, and
each result arrives."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.crash_pack import POINTS
from tests.acceptance.product import until
from tests.acceptance.test_flyte import FlyteHost
from tests.acceptance.test_packs import ROOT, STARTER, asked, begin, started, step

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

INTERRUPTED: Final = POINTS[3:6]
"""Between the record of an action and that of its result."""


@dataclass(frozen=True)
class Fate:
    """What became of an action."""

    state: str
    begun: int
    """How often its handler began."""
    heard: int
    """How often its result counted as an event."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[FlyteHost]:
    host = FlyteHost(tmp_path)
    try:
        started(host)
        asked(host, "/v1/packs", STARTER)
        yield host
    finally:
        host.close()


def name_of(number: int, more: str = "") -> str:
    return f"Worker{number}{more}"


def offered(host: FlyteHost, names: list[str]) -> None:
    """An action for each pack, and a flow that hears its result."""
    for name in names:
        asked(host, "/v1/packs", {"name": name})
        go = {"packName": "Starter", "name": "Go"}
        asked(host, "/v1/flows", {"name": name, "steps": [step("do", go, f"{name}.Do", name)]})
        for result in ("Done", "FATAL"):
            heard = step("heard", {"packName": name, "name": result}, "Nobody.Hear", name)
            asked(host, "/v1/flows", {"name": f"{result} of {name}", "steps": [heard]})
    last = {"packName": "Starter", "name": "Last"}
    asked(host, "/v1/flows", {"name": "Last", "steps": [step("last", last, "Nobody.Last", "")]})
    begin(host, "x")
    until(lambda: len(actions(host, "Do")) == len(names), "the actions")


def actions(host: FlyteHost, command: str) -> list[dict[str, Any]]:
    flows = asked(host, "/v1/audit/flows?limit=500")["flows"]
    found = [action for flow in flows for action in flow["actions"].values()]
    return [action for action in found if action["name"] == command]


def fates(host: FlyteHost, folder: Path, names: list[str]) -> dict[str, Fate]:
    """What became of the action of each pack, once all are over."""
    over = ("SUCCESS", "FATAL")
    until(lambda: all(one["state"]["value"] in over for one in actions(host, "Do")), "all results")
    asked(host, "/v1/packs/Starter/events", {"event": "Last", "payload": ""})
    until(lambda: actions(host, "Last"), "all runs: those of the last event are opened last")
    done = {action["packName"]: action["state"]["value"] for action in actions(host, "Do")}
    heard = [action["input"] for action in actions(host, "Hear")]
    return {
        name: Fate(done[name], len(_lines(folder / f"{name}.begun")), heard.count(name))
        for name in names
    }


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@contextmanager
def running(
    folder: Path, host: FlyteHost, name: str, point: str, act: str, if_interrupted: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of a pack, which does something at a point; at the end it gets kill -9."""
    words = [sys.executable, "-m", "tests.acceptance.crash_pack", name, point, act, if_interrupted]
    env = {**os.environ, "FLYTE_API": host.flyte, "PYTHONPATH": str(ROOT)}
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            words, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("if_interrupted", ["fatal", "repeat"])
def test_pack_that_was_killed_at_any_point_finishes_its_action_when_it_starts_again(
    host: FlyteHost, tmp_path: Path, if_interrupted: str
) -> None:
    names = {point: name_of(number) for number, point in enumerate(POINTS)}
    offered(host, [*names.values()])

    with ExitStack() as stack:
        packs = [
            stack.enter_context(running(tmp_path, host, name, point, "kill", if_interrupted))
            for point, name in names.items()
        ]
        died = [pack.wait(120) for pack in packs]
        for name in names.values():
            stack.enter_context(running(tmp_path, host, name, "", "live", if_interrupted))
        found = fates(host, tmp_path, [*names.values()])

    assert died == [-9] * len(POINTS)
    expected = {name: Fate("SUCCESS", 1, 1) for name in names.values()}
    for point in INTERRUPTED:
        begun = 0 if point == "the action is kept" else 1
        expected[names[point]] = (
            Fate("FATAL", begun, 1) if if_interrupted == "fatal" else Fate("SUCCESS", begun + 1, 1)
        )
    assert found == expected


def test_host_that_was_killed_at_any_point_gets_each_result_once(
    host: FlyteHost, tmp_path: Path
) -> None:
    names = {point: name_of(number) for number, point in enumerate(POINTS)}
    offered(host, [*names.values()])

    with ExitStack() as stack:
        packs = [
            stack.enter_context(running(tmp_path, host, name, point, "wait", "fatal"))
            for point, name in names.items()
        ]
        for pack in packs:
            assert pack.stdout is not None
            assert pack.stdout.readline() == b"waits\n"
        host.kill()
        started(host)
        for pack in packs:
            assert pack.stdin is not None
            pack.stdin.write(b"\n")
            pack.stdin.flush()
        found = fates(host, tmp_path, [*names.values()])

    assert found == dict.fromkeys(names.values(), Fate("SUCCESS", 1, 1))
