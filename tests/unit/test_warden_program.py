"""What the warden decides without a socket: requests, commands, families, leftovers."""

import errno
import os
import signal
import subprocess
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import pytest

from floe.nodes import warden as client
from floe.nodes import warden_link as link
from floe.warden import attempts, daemon, message_lines, proc, warden
from floe.warden.attempts import RunningAttempt
from floe.warden.leftovers import leftovers
from floe.warden.order import OrderRefused, find, launch, parse
from floe.warden.proc import Proc

REQUEST: dict[str, Any] = {
    "argv": ["true"],
    "env": {},
    "cwd": "/",
    "output": "/out",
    "timeout_s": None,
    "grace_s": 1,
    "output_max": 0,
}


def a_proc(ppid: int = 1, sid: int = 1, ticks: int = 1) -> Proc:
    return Proc(ppid=ppid, pgrp=sid, sid=sid, ticks=ticks, is_alive=True)


def test_client_and_warden_mean_the_same() -> None:
    assert client.KEY_PATTERN.pattern == attempts.KEY.pattern
    assert link.WARDEN_PROTOCOL == warden.PROTOCOL
    assert link.FOLDER_TAKEN == daemon.LOCKED


@pytest.mark.parametrize("key", ["a", "...", "h1-12.1.task.build.1.1", "A_b@c-d.e", "x" * 200])
def test_a_plain_name_is_a_key(key: str) -> None:
    assert attempts.KEY.fullmatch(key)


@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "a b", "a\n", "ä", "x" * 201])
def test_what_is_no_plain_name_is_no_key(key: str) -> None:
    assert not attempts.KEY.fullmatch(key)


def test_no_timeout_is_for_ever() -> None:
    assert parse(REQUEST).timeout_s == inf


@pytest.mark.parametrize("value", [-1, 1e10, float("nan"), inf, True, "1", []])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(OrderRefused, match="timeout_s"):
        parse(REQUEST | {"timeout_s": value})


def test_an_empty_path_entry_is_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").touch(0o755)
    monkeypatch.chdir(tmp_path)

    assert find("run", {"PATH": "/nowhere::/bin"}) == "./run"


def test_a_folder_is_no_command(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()

    with pytest.raises(OrderRefused, match="command not found"):
        find("run", {"PATH": str(tmp_path)})


def test_a_command_without_path_is_looked_for_in_the_default() -> None:
    assert find("true", {}) in ("/bin/true", "/usr/bin/true")


def test_a_process_with_a_hostile_name_is_read(tmp_path: Path) -> None:
    script = tmp_path / "a) R 1 (b"
    script.symlink_to("/bin/sleep")
    process = subprocess.Popen([script, "1000"])
    try:
        found = proc.look(process.pid)
    finally:
        process.kill()
        process.wait()

    assert found
    assert (found.ppid, found.is_alive) == (os.getpid(), True)


def test_a_process_that_waits_to_be_reaped_is_not_alive() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    found = proc.look(process.pid)
    counted = process.pid in proc.census()
    process.wait()

    assert found
    assert not found.is_alive
    assert not counted


def test_there_is_nothing_to_see_of_no_process() -> None:
    assert proc.look(2**22 + 1) is None
    assert proc.children(2**22 + 1) == []


@pytest.fixture
def family() -> Iterator[list[int]]:
    """A process, its child and its grandchild."""
    process = subprocess.Popen(
        ["sh", "-c", """echo $$; sh -c 'echo $$; sh -c "echo \\$\\$; sleep 1000"; :'; :"""],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    with process.stdout as stdout:
        pids = [int(stdout.readline()) for _ in range(3)]
    yield pids
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("has_children", [True, False], ids=["children", "all of proc"])
def test_a_tree_has_all_generations(
    family: list[int], monkeypatch: pytest.MonkeyPatch, has_children: bool
) -> None:
    monkeypatch.setattr(proc, "HAS_CHILDREN", has_children)

    assert list(proc.tree(family[:1]))[:3] == family
    assert family[0] in proc.children(os.getpid())


def test_another_process_with_the_pid_is_not_signalled(family: list[int]) -> None:
    found = proc.look(family[0])
    assert found

    assert proc.send(family[0], found._replace(ticks=found.ticks + 1), signal.SIGKILL)

    assert proc.look(family[0]) == found


def test_a_leftover_is_known_by_pid_and_start() -> None:
    attempt = RunningAttempt("k", pid=10, ticks=5)
    everyone = {10: a_proc(sid=10, ticks=5), 11: a_proc(sid=11, ticks=5)}

    assert set(leftovers(attempt, everyone, dict.fromkeys(everyone, ""))) == {10}


def test_a_pid_with_another_start_is_somebody_else() -> None:
    attempt = RunningAttempt("k", pid=10, ticks=5)
    everyone = {10: a_proc(sid=10, ticks=6), 11: a_proc(ppid=10, sid=10)}

    assert leftovers(attempt, everyone, dict.fromkeys(everyone, "")) == {}


def test_children_and_sessions_of_a_leftover_are_left_over_too() -> None:
    attempt = RunningAttempt("k")
    everyone = {
        9: a_proc(ppid=8, sid=30),
        10: a_proc(sid=10),
        11: a_proc(sid=10),
        12: a_proc(ppid=11, sid=12),
        13: a_proc(sid=12),
        14: a_proc(sid=14),
    }
    keys = dict.fromkeys(everyone, "") | {10: "k", 14: "other"}

    assert set(leftovers(attempt, everyone, keys)) == {10, 11, 12, 13}


def test_a_session_without_a_sure_member_is_somebody_elses() -> None:
    attempt = RunningAttempt("k", pid=10, ticks=5)
    everyone = {11: a_proc(sid=10)}

    assert leftovers(attempt, everyone, {11: ""}) == {}


def test_what_was_left_over_before_stays_so() -> None:
    attempt = RunningAttempt("k", pid=10, ticks=5, seen={11: 7})
    everyone = {11: a_proc(sid=10, ticks=7)}

    assert set(leftovers(attempt, everyone, {11: ""})) == {11}


@pytest.mark.parametrize("line", [b"", b"\0\0", b"[1]", b'{"word": "spaw', b"\xff"])
def test_what_is_no_line_of_ours_is_nothing(line: bytes) -> None:
    assert message_lines.read_message_line(line) == {}


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE])
def test_a_process_that_cannot_be_had_now_is_not_the_commands_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "posix_spawn", full)
    order = parse(REQUEST | {"output": str(tmp_path / "out")})

    with pytest.raises(OrderRefused) as refused:
        launch(order, {}, 0, ())

    assert refused.value.number == number


def test_a_program_that_cannot_be_started_is_its_own_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    order = parse(REQUEST | {"output": str(tmp_path / "out"), "argv": ["/dev/null"]})

    with pytest.raises(OrderRefused) as refused:
        launch(order, {}, 0, ())

    assert refused.value.number == 0
