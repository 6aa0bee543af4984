"""Packs that come with floe at a real host, while one of both is killed."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any, Final

import pytest

from tests.acceptance.product import until
from tests.acceptance.test_flyte import FlyteHost
from tests.acceptance.test_packs import STARTER, asked, begin, started, states, step
from tests.make_chat import SECRET, a_chat, a_message, posted, signed
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MODULES: Final = "floe.packs.shipped"
SHELL: Final = '[programs.sh]\nrun = ["sh", "-c"]\narguments = ".*"\n'


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
def running(
    host: FlyteHost, folder: Path, pack: str, env: Mapping[str, str]
) -> Iterator["Popen[bytes]"]:
    """A process of a pack, which gets kill -9 at the end."""
    where = {**os.environ, "FLYTE_API": host.flyte, "FLYTE_HEALTH_BIND": "", **env}
    with (folder / f"{pack}.log").open("ab") as log:
        line = [sys.executable, "-m", f"{MODULES}.{pack}"]
        process = Popen(line, cwd=folder, env=where, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_message_that_a_chat_repeats_while_the_host_is_killed_is_one_event(
    host: FlyteHost, tmp_path: Path
) -> None:
    said = {"packName": "Slack", "name": "ReceivedMessage"}
    do = step("do", said, "Worker.Do", "{{ Event.Payload.message }}")
    asked(host, "/v1/flows", {"name": "Work", "steps": [do]})
    port, body = free_port(), a_message("deploy")

    def answer() -> int:
        try:
            return posted(f"http://127.0.0.1:{port}/events", body, signed(body))[0]
        except OSError:
            return 0

    with a_chat() as chat:
        env = {
            "CHAT_TOKEN": "x",
            "CHAT_API": chat.url,
            "CHAT_SIGNING_SECRET": SECRET,
            "CHAT_BIND": f"127.0.0.1:{port}",
        }
        with running(host, tmp_path, "chat", env):
            other = a_message("hello", "Ev0", channel="C9")
            url = f"http://127.0.0.1:{port}/events"
            until(lambda: is_answered(url, other), "the pack")
            host.kill()
            while_away = answer()
            started(host)
            again = [until(lambda: answer() == 200, "the answer to the chat"), answer() == 200]
            until(lambda: ("Do", "deploy", "NEW") in states(host), "the action")

    assert (while_away, again) == (503, [True, True])
    assert [name for name, input, _ in states(host) if input == "deploy"] == ["Do"]


def is_answered(url: str, body: bytes) -> bool:
    try:
        return posted(url, body, signed(body))[0] == 200
    except OSError:
        return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_program_ends_with_a_pack_that_is_killed_and_its_action_fails_at_the_next_start(
    host: FlyteHost, tmp_path: Path
) -> None:
    do = step("do", {"packName": "Starter", "name": "Go"}, "Shell.Shell", "")
    script = "echo $$ > {{ Event.Payload }}.part; mv {{ Event.Payload }}.part {{ Event.Payload }}"
    script += "; sleep 600"
    do["command"]["input"] = {"program": "sh", "arguments": [script]}
    asked(host, "/v1/flows", {"name": "Work", "steps": [do]})
    (tmp_path / "shell.toml").write_text(SHELL)
    env = {"SHELL_CONFIG": "shell.toml", "FLYTE_JOURNAL": "shell.journal"}
    noted = tmp_path / "pid"
    begin(host, str(noted))
    with running(host, tmp_path, "shell", env):
        until(noted.exists, "the program")
    pid = int(noted.read_text())
    until(lambda: not alive(pid), "the end of the program")

    with running(host, tmp_path, "shell", env):
        until(lambda: states(host)[0][2] == "FATAL", "the end of the action")

    [action] = asked(host, "/v1/audit/flows")["flows"][0]["actions"].values()
    assert "interrupted" in action["result"]["payload"]


def test_timer_counts_what_it_did_not_send_while_the_host_was_away(
    host: FlyteHost, tmp_path: Path
) -> None:
    tick = {"packName": "Ticker", "name": "Tick"}
    do = step("do", tick, "Worker.Do", "")
    do["command"]["input"] = "{{ Event.Payload.missed }} {{ Event.Payload.time }}"
    asked(host, "/v1/flows", {"name": "Work", "steps": [do]})

    def ticks() -> list[tuple[int, str]]:
        found = [str(input).split() for _, input, _ in states(host)]
        return sorted(((int(float(one[0])), one[1]) for one in found), key=lambda one: one[1])

    with running(host, tmp_path, "timer", {"TIMER_EVERY": "1s"}) as process:
        until(ticks, "a first event")
        process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        until(lambda: time.monotonic() > stopped + 4, "four seconds")
        process.send_signal(signal.SIGCONT)
        until(lambda: any(missed for missed, _ in ticks()), "an event after the pause")
        found: list[Any] = ticks()

    times = [time for _, time in found]
    assert len(times) == len(set(times))
    assert sum(missed for missed, _ in found) >= 2
