"""Packs at a real host in situations that users of other systems reported of their workers.

Sources: sidekiq#4633 (a job that ends its process, for ever), taskcluster#5014 (a worker keeps
credentials that are over), egeominotti/bunqueue#94 (a connection that died without a sign),
celery#5935 (a task is delivered a second time while it is at work).
"""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from floe.packs import Pack, PackSettings
from tests.acceptance.product import TOKEN, until
from tests.acceptance.test_flyte import FlyteHost
from tests.acceptance.test_packs import STARTER, asked, begin, process, started, states, step
from tests.proxy import Proxy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DEADLY: Final = """
import os
from floe.packs import Pack, PackSettings
pack = Pack("Worker")
@pack.command("Do", "Done", if_interrupted="repeat")
def do(text: str) -> str:
    if text == "poison":
        os.write(os.open("begun", os.O_CREAT | os.O_APPEND | os.O_WRONLY), b"x")
        os.abort()
    return text
url = PackSettings.from_environment().url
pack.run(PackSettings(url, poll_s=0.1, health_bind="", journal="journal"))
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[FlyteHost]:
    host = FlyteHost(tmp_path)
    try:
        started(host)
        asked(host, "/v1/packs", STARTER)
        asked(host, "/v1/packs", {"name": "Worker"})
        do = step("do", {"packName": "Starter", "name": "Go"}, "Worker.Do", "{{ Event.Payload }}")
        asked(host, "/v1/flows", {"name": "Work", "steps": [do]})
        yield host
    finally:
        host.close()


def settings(url: str, journal: Path, **more: float | str) -> PackSettings:
    quick = {"poll_s": 0.1, "pause_max_s": 0.1, "timeout_s": 1, "health_bind": ""}
    return PackSettings(url, journal=journal, **{**quick, **more})  # type: ignore[arg-type]


def a_worker(begun: list[str], gate: threading.Event | None = None) -> Pack:
    pack = Pack("Worker")

    @pack.command("Do", "Done")
    def do(text: str) -> str:
        begun.append(text)
        if gate is not None:
            gate.wait(60)
        return text

    return pack


def test_command_that_ends_its_process_is_given_up_and_the_others_are_carried_out(
    host: FlyteHost, tmp_path: Path
) -> None:
    begin(host, "poison")
    begin(host, "good")

    def ends_again() -> bool:
        with process(tmp_path, DEADLY, host.flyte) as pack:
            try:
                pack.wait(3)
            except subprocess.TimeoutExpired:
                return False
            return True

    until(lambda: not ends_again(), "a process that lives")

    assert sorted(states(host)) == [("Do", "good", "SUCCESS"), ("Do", "poison", "FATAL")]
    assert (tmp_path / "begun").read_text() == "xxx"


def test_pack_whose_token_is_over_goes_on_with_a_renewed_one(
    host: FlyteHost, tmp_path: Path
) -> None:
    begun: list[str] = []
    token, url = tmp_path / "token", f"http://{host.address}/flyte"
    token.write_text(TOKEN)
    pack = a_worker(begun, gate := threading.Event())
    with pack.in_background(settings(url, tmp_path / "journal", token=f"@{token}")):
        begin(host, "x")
        until(lambda: begun, "the command")
        token.write_text("over")
        gate.set()
        begin(host, "y")
        assert states(host)[-1] == ("Do", "x", "PENDING")
        token.write_text(TOKEN)
        until(lambda: {one[2] for one in states(host)} == {"SUCCESS"}, "both results")

    assert begun == ["x", "y"]


def test_connection_that_died_without_a_sign_delays_a_command_but_loses_none(
    host: FlyteHost, tmp_path: Path
) -> None:
    begun: list[str] = []
    with Proxy(host.flyte.rpartition("/")[2]).serving() as proxy:
        at = settings(f"http://{proxy.address}", tmp_path / "journal")
        with a_worker(begun).in_background(at):
            begin(host, "before")
            until(lambda: states(host) == [("Do", "before", "SUCCESS")], "the first")
            proxy.hold_answers()
            begin(host, "meanwhile")
            until(lambda: ("Do", "meanwhile", "PENDING") in states(host), "a take without answer")
            proxy.mend()
            until(lambda: {one[2] for one in states(host)} == {"SUCCESS"}, "both results")

    assert begun == ["before", "meanwhile"]


def test_action_at_work_is_not_given_a_second_time_by_a_restart_of_the_host(
    host: FlyteHost, tmp_path: Path
) -> None:
    begun: list[str] = []
    pack = a_worker(begun, gate := threading.Event())
    with pack.in_background(settings(host.flyte, tmp_path / "journal")):
        begin(host, "long")
        until(lambda: begun, "the command")
        for _ in range(2):
            host.kill()
            started(host)
            begin(host, "y")
        until(lambda: len(begun) == 3, "the other commands")
        gate.set()
        until(lambda: {one[2] for one in states(host)} == {"SUCCESS"}, "all results")

    assert sorted(begun) == ["long", "y", "y"]
