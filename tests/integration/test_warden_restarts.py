"""Hubs and wardens that die, return, are stuck or talk nonsense, and folders in odd states."""

import asyncio
import errno
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from floe.model.errors import World
from floe.nodes.warden import CommandExited, CommandLost, NotStarted, Spawned
from floe.nodes.warden_link import WardenAddress
from floe.warden.message_lines import message_line
from floe.warden.proc import look
from tests.make_warden import (
    DEADLINE_S,
    Talk,
    is_alive,
    is_served,
    journal,
    kept,
    pids_in,
    start_patient_warden,
    switches,
    talking,
    until,
    warden_pid,
)

pytestmark = pytest.mark.slow

PIDS = "echo $$ >> pids; "
DEAF = f"sh -c 'trap \"\" TERM; {PIDS} while :; do sleep 1000; done'"


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talking(tmp_path) as talk:
        yield talk


@contextmanager
def raw(root: Path) -> Iterator[socket.socket]:
    """A connection without a client's manners."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(root / "warden" / "v1" / "sock"))
        yield sock


def asked(sock: socket.socket, *lines: bytes) -> list[dict[str, Any]]:
    """Send lines and a `list`, and read until that is answered."""
    sock.sendall(b"\n".join((*lines, b'{"do": "list"}', b"")))
    data = b""
    while b'"listed"' not in data or not data.endswith(b"\n"):
        part = sock.recv(65536)
        assert part, "it hung up"
        data += part
    return [json.loads(line) for line in data.splitlines()]


# -- the hub is away


async def test_an_end_while_the_hub_is_away_is_reported_when_it_is_back(tmp_path: Path) -> None:
    before = Talk(tmp_path)
    await before.warden.open()
    key = before.spawn("sh", "-c", "until [ -e go ]; do sleep 0.01; done; exit 6")
    spawned = await before.until_spawned(key)
    await before.warden.close()

    (tmp_path / "go").touch()
    await until(lambda: not is_alive(spawned.pid))

    async with talking(tmp_path) as after:
        last = await after.run(attach=True)
        assert after.reports[0] == spawned
    assert isinstance(last, CommandExited)
    assert (last.status, last.why) == (6, "exited")


async def test_an_end_is_known_to_a_new_warden(tmp_path: Path) -> None:
    async with talking(tmp_path) as before:
        ended = await before.run("sh", "-c", "exit 6")

    async with talking(tmp_path) as after:
        last = await after.run(attach=True)

    assert last == ended
    assert after.reports == before.reports


async def test_a_timeout_holds_while_the_hub_is_away(tmp_path: Path) -> None:
    before = Talk(tmp_path)
    await before.warden.open()
    key = before.spawn("sleep", "1000", timeout_s=0.3)
    spawned = await before.until_spawned(key)
    await before.warden.close()

    await until(lambda: not is_alive(spawned.pid))

    async with talking(tmp_path) as after:
        last = await after.run(attach=True)
    assert isinstance(last, CommandExited)
    assert (last.status, last.why) == (143, "timeout")


async def test_a_killed_hub_is_invisible_to_its_command(tmp_path: Path) -> None:
    hub = subprocess.Popen(
        [sys.executable, "-c", HUB, str(tmp_path)],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    await until(lambda: pids_in(tmp_path / "pids"))

    os.killpg(hub.pid, signal.SIGKILL)
    hub.wait()
    (tmp_path / "go").touch()

    async with talking(tmp_path) as after:
        last = await after.run(attach=True)
    assert isinstance(last, CommandExited)
    assert (last.status, last.why) == (6, "exited")


HUB = """
import asyncio, sys
from pathlib import Path
from tests.make_warden import Talk
async def main(root):
    talk = Talk(root)
    await talk.warden.open()
    talk.spawn("sh", "-c", "echo $$ >> pids; until [ -e go ]; do sleep 0.01; done; exit 6")
    await asyncio.sleep(1000)
asyncio.run(main(Path(sys.argv[1])))
"""


async def test_a_lost_connection_is_found_again(talk: Talk, tmp_path: Path) -> None:
    key = talk.spawn("sh", "-c", "until [ -e go ]; do sleep 0.01; done; exit 6")
    await talk.until_spawned(key)
    assert talk.warden._link

    talk.warden._link.transport.abort()
    (tmp_path / "go").touch()
    last = await talk.until_over(key)

    assert isinstance(last, CommandExited)
    assert last.status == 6
    assert len(talk.reports) == 2


async def test_a_stop_is_not_forgotten_with_the_connection(talk: Talk, tmp_path: Path) -> None:
    key = talk.spawn("sleep", "1000")
    await talk.until_spawned(key)
    assert talk.warden._link

    talk.warden._link.transport.abort()
    talk.warden.stop(key)
    last = await talk.until_over(key)

    assert isinstance(last, CommandExited)
    assert last.why == "stopped"


async def test_what_is_taken_without_a_connection_is_not_kept(talk: Talk, tmp_path: Path) -> None:
    key = talk.spawn("true")
    await talk.until_over(key)
    os.kill(warden_pid(tmp_path), signal.SIGKILL)
    await until(lambda: talk.warden._link is None)

    talk.warden.taken(key)

    await until(lambda: not kept(tmp_path))


async def test_what_was_asked_before_opening_is_started(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    key = talk.spawn("true")

    await talk.warden.open()
    last = await talk.until_over(key)
    await talk.warden.shutdown()

    assert isinstance(last, CommandExited)


async def test_closing_twice_or_unopened_is_no_mistake(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    await talk.warden.close()
    await talk.warden.shutdown()
    await talk.warden.open()

    await talk.warden.shutdown()
    await talk.warden.shutdown()
    await talk.warden.close()

    await until(lambda: not is_served(tmp_path))


# -- the warden dies


@pytest.mark.parametrize(
    "start",
    [
        "",
        f"{DEAF} & ",
        f"setsid {DEAF} & ",
        f"(setsid {DEAF} &) & wait; ",
        f'env -i PATH="$PATH" {DEAF} & ',
        f'setsid env -i PATH="$PATH" {DEAF} & ',
        f'(setsid env -i PATH="$PATH" {DEAF} &) & wait; ',
    ],
    ids=[
        "leader",
        "deaf",
        "own session",
        "stray",
        "cleared",
        "cleared in its own session",
        "cleared stray in its own session",
    ],
)
async def test_a_killed_warden_loses_the_attempt_and_what_it_left_is_ended_first(
    talk: Talk, tmp_path: Path, start: str
) -> None:
    key = talk.spawn("sh", "-c", f"{start}{PIDS} sleep 1000", grace_s=0.2)
    await until(lambda: len(pids_in(tmp_path / "pids")) == (2 if start else 1))
    await talk.until_spawned(key)

    os.kill(warden_pid(tmp_path), signal.SIGKILL)
    last = await talk.until_over(key)

    assert isinstance(last, CommandLost)
    assert not [pid for pid in pids_in(tmp_path / "pids") if is_alive(pid)]
    assert len(talk.reports) == 2


async def test_a_lost_attempt_stays_lost(talk: Talk, tmp_path: Path) -> None:
    key = talk.spawn("sleep", "1000")
    await talk.until_spawned(key)
    os.kill(warden_pid(tmp_path), signal.SIGKILL)
    lost = await talk.until_over(key)

    other = Talk(tmp_path)
    await other.warden.open()
    again = await other.run("true", key=key)
    await other.warden.close()

    assert again == lost


async def test_a_killed_warden_loses_no_end_that_was_reported(talk: Talk, tmp_path: Path) -> None:
    ended = await talk.run("true", key="ended")
    os.kill(warden_pid(tmp_path), signal.SIGKILL)

    last = await talk.run("true", key="later")
    other = Talk(tmp_path)
    await other.warden.open()
    again = await other.run("true", key="ended")
    await other.warden.close()

    assert isinstance(last, CommandExited)
    assert again == ended


async def test_wardens_killed_in_the_middle_of_starts_start_nothing_twice(
    talk: Talk, tmp_path: Path
) -> None:
    keys = []
    for batch in range(4):
        for n in range(20):
            script = f"echo x >> started-{batch}-{n}; exit 0"
            keys.append(talk.spawn("sh", "-c", script, key=f"k{batch}-{n}"))
        await talk.until_spawned(keys[-20 + 4 * batch])
        os.kill(warden_pid(tmp_path), signal.SIGKILL)
        await until(lambda: is_served(tmp_path))

    ends = [await talk.until_over(key) for key in keys]

    assert {type(end) for end in ends} <= {CommandExited, CommandLost}
    assert all(
        (tmp_path / f"started-{key[1:]}").read_text() == "x\n"
        for key in keys
        if isinstance(talk.of(key)[-1], CommandExited)
    )
    assert {file.read_text() for file in tmp_path.glob("started-*")} <= {"x\n", ""}
    assert all(sum(not isinstance(word, Spawned) for word in talk.of(key)) == 1 for key in keys)


async def test_a_terminated_warden_ends_its_commands_as_lost(talk: Talk, tmp_path: Path) -> None:
    key = talk.spawn("sh", "-c", f"{DEAF} & {PIDS} sleep 1000", grace_s=0.2)
    await until(lambda: len(pids_in(tmp_path / "pids")) == 2)
    old = warden_pid(tmp_path)

    os.kill(old, signal.SIGTERM)
    last = await talk.until_over(key)

    assert isinstance(last, CommandLost)
    assert not [pid for pid in pids_in(tmp_path / "pids") if is_alive(pid)]
    await until(lambda: not is_alive(old))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
async def test_a_terminals_signals_do_not_reach_commands(
    talk: Talk, tmp_path: Path, number: int
) -> None:
    pid = warden_pid(tmp_path)
    assert os.getsid(pid) == pid

    os.kill(pid, number)
    last = await talk.run("true")

    assert isinstance(last, CommandExited)
    assert warden_pid(tmp_path) == pid


async def test_shutdown_stops_what_runs_and_reports_it(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    await talk.warden.open()
    key = talk.spawn("sleep", "1000")
    spawned = await talk.until_spawned(key)

    await talk.warden.shutdown()

    last = talk.of(key)[-1]
    assert isinstance(last, CommandExited)
    assert last.why == "stopped"
    assert not is_alive(spawned.pid)
    await until(lambda: not is_served(tmp_path))


# -- a crash between a start and its report


def asked_for(*argv: str, root: Path) -> bytes:
    """A request for a command with the key `k`, as a line."""
    fields = {"env": {"PATH": os.environ["PATH"]}, "cwd": str(root), "output": f"{root}/k.out"}
    limits = {"timeout_s": None, "grace_s": 1.0, "output_max": 0}
    spawn = {"do": "spawn", "key": "k", "argv": argv, **fields, **limits}
    return b"%s\n" % json.dumps(spawn).encode()


async def test_start_and_end_of_a_short_command_come_in_one_message(tmp_path: Path) -> None:
    start_patient_warden(tmp_path)

    async with talking(tmp_path):
        with raw(tmp_path) as sock:
            sock.sendall(b'{"do": "hello", "protocol": 1}\n')
            sock.recv(65536)
            sock.sendall(asked_for("true", root=tmp_path))
            started, ended = (json.loads(line) for line in sock.recv(65536).splitlines())

    assert (started["word"], ended["word"]) == ("spawned", "exited")


async def test_each_report_of_one_message_has_its_own_time(tmp_path: Path) -> None:
    start_patient_warden(tmp_path)

    async with talking(tmp_path) as talk:
        last = await talk.run("sleep", "0.1")

    assert isinstance(talk.reports[0], Spawned)
    assert last.at - talk.reports[0].at >= 100


async def test_a_warden_killed_before_it_reports_a_start_loses_the_attempt(tmp_path: Path) -> None:
    start_patient_warden(tmp_path)

    async with talking(tmp_path) as talk:
        key = talk.spawn("sh", "-c", f"{DEAF} & {PIDS} sleep 1000", grace_s=0.2)
        await until(lambda: len(pids_in(tmp_path / "pids")) == 2)
        os.kill(warden_pid(tmp_path), signal.SIGKILL)
        await talk.until_over(key)

    assert [type(report) for report in talk.reports] == [Spawned, CommandLost]
    assert not [pid for pid in pids_in(tmp_path / "pids") if is_alive(pid)]
    assert len(pids_in(tmp_path / "pids")) == 2


async def left_before_a_report(folder: Path, *script: str) -> Talk:
    """A hub that had a command started, and has left before the warden reported the start."""
    start_patient_warden(folder)
    talk = Talk(folder)
    await talk.warden.open()
    talk.spawn(*script)
    await until(lambda: pids_in(folder / "pids"))
    await talk.warden.close()
    return talk


async def test_a_hub_that_returns_before_a_start_is_reported_finds_the_command(
    tmp_path: Path,
) -> None:
    script = ("sh", "-c", f"{PIDS} until [ -e go ]; do sleep 0.01; done; exit 6")
    before = await left_before_a_report(tmp_path, *script)

    async with talking(tmp_path) as after:
        started = await after.until_spawned(after.spawn(*script))
        (tmp_path / "go").touch()
        last = await after.run(*script)

    assert before.reports == []
    assert pids_in(tmp_path / "pids") == [started.pid]
    assert isinstance(last, CommandExited)
    assert last.status == 6


async def test_what_was_started_without_a_report_is_not_started_again_by_a_new_warden(
    tmp_path: Path,
) -> None:
    script = ("sh", "-c", f"{PIDS} exec sleep 1000")
    await left_before_a_report(tmp_path, *script)
    os.kill(warden_pid(tmp_path), signal.SIGKILL)

    async with talking(tmp_path) as after:
        last = await after.run(*script)

    assert isinstance(last, CommandLost)
    assert len(pids_in(tmp_path / "pids")) == 1


# -- crash points, as records that a dead warden left

Leave = Callable[..., str]


def left_behind(
    root: Path, key: str, *lines: bytes, boot: str = "", mark: str = "", earlier: bool = False
) -> str:
    """Record an attempt as a warden of this folder would; its mark.

    `earlier`: as a file of its own, like a warden of an earlier floe.
    """
    folder = root / "warden" / "v1"
    (folder / "attempt").mkdir(parents=True, exist_ok=True)
    found = folder.stat()
    mark = mark or f"{found.st_dev:x}-{found.st_ino:x}"
    boot = boot or Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    named = {} if earlier else {"begin": key}
    head = json.dumps({**named, "boot": boot, "mark": mark, "grace_s": 0.2}).encode() + b"\n"
    with (folder / "attempt" / key if earlier else folder / "journal").open("ab") as file:
        file.write(b"".join((head, *lines)))
    return mark


@pytest.fixture(params=[False, True], ids=["journal", "files"])
def leave(request: pytest.FixtureRequest) -> Leave:
    return partial(left_behind, earlier=request.param)


def spawned_line(process: subprocess.Popen[bytes]) -> bytes:
    """What a warden writes when a process was started."""
    found = look(process.pid)
    assert found
    return message_line("spawned", "k", pid=process.pid, ticks=found.ticks)


@contextmanager
def a_sleep(**env: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that no warden started."""
    process = subprocess.Popen(["sleep", "1000"], env=env, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_crash_before_the_start_is_lost(leave: Leave, tmp_path: Path) -> None:
    leave(tmp_path, "k")

    async with talking(tmp_path) as talk:
        last = await talk.run("true", key="k")

    assert isinstance(last, CommandLost)


async def test_a_crash_before_the_first_line_is_lost(tmp_path: Path) -> None:
    left_behind(tmp_path, "other", earlier=True)
    (tmp_path / "warden" / "v1" / "attempt" / "k").touch()

    async with talking(tmp_path) as talk:
        last = await talk.run("true", key="k")

    assert isinstance(last, CommandLost)


async def test_a_crash_between_start_and_pid_is_found_by_its_mark(
    leave: Leave, tmp_path: Path
) -> None:
    mark = leave(tmp_path, "k")

    with a_sleep(FLOE_WARDEN=f"{mark}.k") as sleep:
        async with talking(tmp_path) as talk:
            last = await talk.run("true", key="k")
        assert sleep.wait() == -signal.SIGTERM

    assert isinstance(last, CommandLost)


async def test_a_leftover_is_found_by_its_pid(leave: Leave, tmp_path: Path) -> None:
    with a_sleep() as sleep:
        leave(tmp_path, "k", spawned_line(sleep))
        async with talking(tmp_path) as talk:
            last = await talk.run("true", key="k")
        assert sleep.wait() == -signal.SIGTERM

    assert isinstance(last, CommandLost)


async def test_a_torn_line_was_never_reported(leave: Leave, tmp_path: Path) -> None:
    with a_sleep() as sleep:
        leave(tmp_path, "k", spawned_line(sleep), b'{"word": "exited", "sta')
        async with talking(tmp_path) as talk:
            last = await talk.run("true", key="k")
        assert sleep.wait() == -signal.SIGTERM

    assert isinstance(last, CommandLost)
    assert [record.get("word") for record in journal(tmp_path)] == [None, "spawned", "lost"]


async def test_a_process_that_has_the_pid_of_a_dead_one_is_left_alone(
    leave: Leave, tmp_path: Path
) -> None:
    with a_sleep() as sleep:
        line = message_line("spawned", "k", pid=sleep.pid, ticks=1)
        leave(tmp_path, "k", line)
        async with talking(tmp_path) as talk:
            last = await talk.run("true", key="k")
        assert sleep.poll() is None

    assert isinstance(last, CommandLost)


@pytest.mark.parametrize("other", [{"boot": "another"}, {"mark": "1-1"}], ids=["boot", "folder"])
async def test_nothing_is_killed_for_a_record_from_elsewhere(
    leave: Leave, tmp_path: Path, other: dict[str, str]
) -> None:
    with a_sleep() as sleep:
        leave(tmp_path, "k", spawned_line(sleep), **other)
        async with talking(tmp_path) as talk:
            last = await talk.run("true", key="k")
        assert sleep.poll() is None

    assert isinstance(last, CommandLost)


async def test_a_process_of_another_folder_with_the_same_key_is_left_alone(
    leave: Leave, tmp_path: Path
) -> None:
    leave(tmp_path, "k")

    with a_sleep(FLOE_WARDEN="1-1.k", FLOE_ATTEMPT="k") as sleep:
        async with talking(tmp_path) as talk:
            last = await talk.run("true", key="k")
        assert sleep.poll() is None

    assert isinstance(last, CommandLost)


async def test_odd_files_do_not_keep_a_warden_from_starting(tmp_path: Path) -> None:
    left_behind(tmp_path, "k", earlier=True)
    folder = tmp_path / "warden" / "v1" / "attempt"
    (folder / "folder").mkdir()
    (folder / "zeros").write_bytes(b"\0" * 100)
    (folder / "text").write_text("[1]\nx\n")
    (folder / "a name").touch()

    async with talking(tmp_path) as talk:
        ends = [await talk.run("true", key=key) for key in ("zeros", "text", "folder", "new")]

    assert [type(end) for end in ends] == [CommandLost, CommandLost, CommandExited, CommandExited]


async def test_an_attempt_of_an_earlier_floe_is_taken_over_with_its_end(tmp_path: Path) -> None:
    ended = message_line("exited", "k", status=6, why="exited")
    left_behind(tmp_path, "k", message_line("spawned", "k", pid=1, ticks=1), ended, earlier=True)

    async with talking(tmp_path) as talk:
        last = await talk.run("true", key="k")
        talk.warden.taken("k")
        await until(lambda: not kept(tmp_path))

    assert isinstance(last, CommandExited)
    assert last.status == 6
    assert list((tmp_path / "warden" / "v1" / "attempt").iterdir()) == []


async def test_an_odd_journal_does_not_keep_a_warden_from_starting(tmp_path: Path) -> None:
    left_behind(tmp_path, "k")
    with (tmp_path / "warden" / "v1" / "journal").open("ab") as journal_file:
        journal_file.write(b'[1]\nx\n{"begin": 7}\n{"key": "../x"}\n' + b"\0" * 10 + b"\n{")

    async with talking(tmp_path) as talk:
        ends = [await talk.run("true", key=key) for key in ("k", "new")]

    assert [type(end) for end in ends] == [CommandLost, CommandExited]


async def test_a_pipe_in_place_of_the_journal_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "warden" / "v1").mkdir(parents=True)
    os.mkfifo(tmp_path / "warden" / "v1" / "journal")

    async with talking(tmp_path) as talk:
        last = await talk.run("true", key="k")

    assert isinstance(last, CommandExited)
    assert kept(tmp_path) == {"k"}


async def test_a_folder_in_place_of_the_journal_is_reported(tmp_path: Path) -> None:
    (tmp_path / "warden" / "v1" / "journal").mkdir(parents=True)

    async with talking(tmp_path) as talk:
        last = await talk.run("true", key="k")

    assert isinstance(last, NotStarted)
    assert last.error == "journal of attempts: Is a directory"


# -- folders and places


async def test_a_root_deeper_than_a_socket_path_works(tmp_path: Path) -> None:
    root = tmp_path / ("d" * 120) / ("e" * 120)
    root.mkdir(parents=True)

    async with talking(root) as talk:
        last = await talk.run("true")

    assert isinstance(last, CommandExited)


async def test_two_clients_at_once_start_one_warden(tmp_path: Path) -> None:
    talks = [Talk(tmp_path) for _ in range(4)]

    async with asyncio.TaskGroup() as group:
        for talk in talks:
            group.create_task(talk.warden.open())
    keys = [talk.spawn("true", key=f"k{n}") for n, talk in enumerate(talks)]
    for talk, key in zip(talks, keys, strict=True):
        await talk.until_over(key)

    log = (tmp_path / "warden" / "v1" / "log").read_text()
    assert log.count('"warden.started"') == 1
    for talk in talks[1:]:
        await talk.warden.close()
    await talks[0].warden.shutdown()


async def test_a_folder_that_others_may_enter_is_closed(tmp_path: Path) -> None:
    (tmp_path / "warden").mkdir(mode=0o755)

    async with talking(tmp_path):
        assert (tmp_path / "warden").stat().st_mode & 0o777 == 0o700


async def test_a_root_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "root").touch()

    with pytest.raises(World, match="Not a directory"):
        await Talk(tmp_path / "root").warden.open()


async def test_a_warden_that_cannot_start_explains_why(tmp_path: Path) -> None:
    (tmp_path / "warden" / "v1" / "log").mkdir(parents=True)

    with pytest.raises(World, match="Is a directory"):
        await Talk(tmp_path).warden.open()


async def test_a_full_disk_is_reported_and_survived(talk: Talk, tmp_path: Path) -> None:
    pid = warden_pid(tmp_path)
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, limits[1]))
    refused = await talk.run("true", key="refused")

    resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    started = await talk.run("true", key="started")

    assert isinstance(refused, NotStarted)
    assert refused.error == "journal of attempts: File too large"
    assert isinstance(started, CommandExited)
    assert warden_pid(tmp_path) == pid


async def test_more_commands_than_files_allow_are_refused_for_now(
    talk: Talk, tmp_path: Path
) -> None:
    pid = warden_pid(tmp_path)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (35, limits[1]))
    for n in range(3):
        await talk.until_spawned(talk.spawn("sleep", "1000", key=f"k{n}"))

    refused = await talk.run("true", key="k3")

    assert isinstance(refused, NotStarted)
    assert refused.error == "3 commands run: the limit of open files (35) allows no more"
    assert refused.errno == errno.EMFILE


async def test_as_many_commands_as_its_limit_fit_into_a_wardens_files(tmp_path: Path) -> None:
    limited(tmp_path, "ulimit -n 64")
    talk = Talk(tmp_path)
    await talk.warden.open()
    places, why = talk.warden.places()

    keys = [talk.spawn("sleep", "1000", key=f"k{n}") for n in range(places)]
    for key in keys:
        await talk.until_spawned(key)

    assert (places, why) == (17, "the limit of open files (64) allows no more")
    await talk.warden.shutdown()


async def test_what_was_refused_for_want_of_files_can_be_asked_for_again(
    talk: Talk, tmp_path: Path
) -> None:
    pid = warden_pid(tmp_path)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (8, limits[1]))
    refused = await talk.run("true", key="k")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    talk.reports.clear()

    talk.warden.taken("k")
    last = await talk.run("true", key="k")

    assert isinstance(refused, NotStarted)
    assert refused.errno == errno.EMFILE
    assert isinstance(last, CommandExited)


async def test_a_hub_without_an_open_file_for_it_waits_and_costs_one_line_in_the_log(
    talk: Talk, tmp_path: Path
) -> None:
    pid = warden_pid(tmp_path)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    second = Talk(tmp_path)
    opening = asyncio.create_task(second.warden.open())
    log = tmp_path / "warden" / "v1" / "log"
    await until(lambda: "hub.not_accepted" in log.read_text())
    await talk.run("true", key="asked-meanwhile")

    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    await opening
    await second.warden.close()

    assert log.read_text().count("hub.not_accepted") == 1
    assert "warden.failed" not in log.read_text()


async def test_a_command_has_the_limits_that_the_warden_was_given(tmp_path: Path) -> None:
    limited(tmp_path, "ulimit -S -n 200; ulimit -H -n 2000")
    talk = Talk(tmp_path)
    await talk.warden.open()
    places, _ = talk.warden.places()

    await talk.run("bash", "-c", "ulimit -S -n; ulimit -H -n", output=tmp_path / "out")

    assert (tmp_path / "out").read_text() == "200\n2000\n"
    assert places == (2000 - 29) // 2
    await talk.warden.shutdown()


def limited(root: Path, limits: str) -> None:
    """Start a warden under limits."""
    folder = root / "warden" / "v1"
    folder.mkdir(parents=True, mode=0o700)
    program = WardenAddress(root, print).install()
    start = f'{limits}; exec "$@"'
    subprocess.run(
        ["bash", "-c", start, "-", sys.executable, "-I", "-S", str(program), str(folder)],
        check=True,
    )


# -- ends of a warden


def a_warden(root: Path, idle_s: float) -> None:
    """Start a warden with another patience."""
    folder = root / "warden" / "v1"
    folder.mkdir(parents=True, mode=0o700)
    subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            str(WardenAddress(root, print).install()),
            str(folder),
            "0",
            str(idle_s),
        ],
        check=True,
    )


async def test_an_idle_warden_without_a_hub_ends(tmp_path: Path) -> None:
    a_warden(tmp_path, 0.2)

    await until(lambda: not is_served(tmp_path))

    assert not (tmp_path / "warden" / "v1" / "sock").exists()


async def test_a_warden_with_a_command_stays(tmp_path: Path) -> None:
    a_warden(tmp_path, 2)
    talk = Talk(tmp_path)
    await talk.warden.open()
    pid = warden_pid(tmp_path)
    script = "sleep 3; touch late; until [ -e go ]; do sleep 0.01; done"
    await talk.until_spawned(talk.spawn("sh", "-c", script))
    await talk.warden.close()

    await until((tmp_path / "late").exists)
    assert is_alive(pid)

    (tmp_path / "go").touch()
    await until(lambda: not is_alive(pid))


async def test_an_idle_warden_ends_at_once_when_its_hub_stops_on_purpose(tmp_path: Path) -> None:
    a_warden(tmp_path, 1000)
    talk = Talk(tmp_path)
    await talk.warden.open()
    pid = warden_pid(tmp_path)

    await talk.warden.close()

    await until(lambda: not is_alive(pid))


async def test_a_command_goes_on_when_its_hub_stops_on_purpose(tmp_path: Path) -> None:
    a_warden(tmp_path, 1000)
    talk = Talk(tmp_path)
    await talk.warden.open()
    pid = warden_pid(tmp_path)
    script = "until [ -e go ]; do sleep 0.01; done; exit 7"
    key = talk.spawn("sh", "-c", script)
    await talk.until_spawned(key)
    await talk.warden.close()

    (tmp_path / "go").touch()
    await until(lambda: not is_alive(pid))

    later = Talk(tmp_path)
    await later.warden.open()
    last = await later.run("sh", "-c", script, key=key, attach=True)
    assert isinstance(last, CommandExited)
    assert last.status == 7
    await later.warden.shutdown()


async def test_a_warden_waits_for_a_hub_that_was_cut_off(talk: Talk, tmp_path: Path) -> None:
    pid, link = warden_pid(tmp_path), talk.warden._link
    assert link

    link.transport.abort()
    await until(lambda: talk.warden._link not in (link, None))

    assert warden_pid(tmp_path) == pid


async def test_a_warden_with_a_hub_stays(tmp_path: Path) -> None:
    a_warden(tmp_path, 0.1)
    talk = Talk(tmp_path)
    await talk.warden.open()
    pid = warden_pid(tmp_path)

    await talk.run("sleep", "0.3")
    last = await talk.run("true", key="later")

    assert isinstance(last, CommandExited)
    assert warden_pid(tmp_path) == pid
    await talk.warden.shutdown()


async def test_a_warden_whose_folder_is_gone_ends(tmp_path: Path) -> None:
    a_warden(tmp_path, 1000)
    pid = warden_pid(tmp_path)

    shutil.rmtree(tmp_path / "warden")

    await until(lambda: not is_alive(pid))


async def test_a_deleted_socket_is_remade(talk: Talk, tmp_path: Path) -> None:
    await talk.until_spawned(talk.spawn("sleep", "1000"))
    pid = warden_pid(tmp_path)
    sock = tmp_path / "warden" / "v1" / "sock"

    sock.unlink()

    await until(sock.exists)
    with raw(tmp_path) as again:
        assert asked(again)[-1]["word"] == "listed"
    assert warden_pid(tmp_path) == pid


async def test_a_warden_gets_no_token_of_floe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_ADMIN", "secret")

    async with talking(tmp_path):
        environ = Path(f"/proc/{warden_pid(tmp_path)}/environ").read_bytes()

    assert b"PATH=" in environ
    assert b"FLOE_ADMIN" not in environ


async def test_an_idle_warden_sleeps(talk: Talk, tmp_path: Path) -> None:
    await talk.run("true")
    pid = warden_pid(tmp_path)

    async with asyncio.timeout(DEADLINE_S):  # what is left to do after a command is done first
        while not await is_asleep(pid):
            pass


async def is_asleep(pid: int) -> bool:
    """Whether a warden does nothing for more than two ticks."""
    before = switches(pid)
    await asyncio.sleep(0.6)
    return switches(pid) == before


# -- what comes over the socket


GARBAGE = [
    b"",
    b"\0\xff\xfe",
    b"[]",
    b"1",
    b"null",
    b"{}",
    b"[" * 100_000,
    b'{"do": "fly", "key": "k"}',
    b'{"do": ["spawn"], "key": "k"}',
    b'{"do": "hello", "protocol": 2}',
    b'{"do": "spawn"}',
    b'{"do": "spawn", "key": "../../x"}',
    b'{"do": "spawn", "key": ".."}',
    b'{"do": "spawn", "key": "a/b", "argv": ["true"]}',
    b'{"do": "spawn", "key": "a\\u0000b"}',
    b'{"do": "spawn", "key": "k\\n"}',
    b'{"do": "spawn", "key": 7}',
    b'{"do": "stop", "key": {}}',
]


async def test_garbage_is_refused_and_survived(talk: Talk, tmp_path: Path) -> None:
    with raw(tmp_path) as sock:
        answers = asked(sock, *GARBAGE)

    assert [answer["word"] for answer in answers] == ["refused"] * len(GARBAGE) + ["listed"]
    assert isinstance(await talk.run("true"), CommandExited)
    assert not list(tmp_path.parent.glob("x"))


BAD: dict[str, list[object]] = {
    "argv": [None, [], "true", [1], {}],
    "env": [None, [], {"A": 1}],
    "cwd": [None, "", "relative", 1],
    "output": [None, "", "relative", "/\0"],
    "timeout_s": [-1, "1", True, 1e400],
    "grace_s": [None, -1, float("nan")],
    "output_max": [None, -1, "1"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
async def test_a_request_with_a_wrong_value_starts_nothing(
    talk: Talk, tmp_path: Path, name: str, value: object
) -> None:
    request = {
        "do": "spawn",
        "key": "k",
        "argv": ["touch", str(tmp_path / "started")],
        "env": {"PATH": os.environ["PATH"]},
        "cwd": str(tmp_path),
        "output": str(tmp_path / "out"),
        "timeout_s": None,
        "grace_s": 1,
        "output_max": 0,
    }

    with raw(tmp_path) as sock:
        told, listed = asked(sock, json.dumps(request | {name: value}).encode())[-2:]

    assert told["word"] == "not-started"
    assert listed["keys"] == ["k"]
    assert not (tmp_path / "started").exists()


async def test_a_message_without_end_is_cut_off(talk: Talk, tmp_path: Path) -> None:
    with raw(tmp_path) as sock, pytest.raises(ConnectionError):  # noqa: PT012 - either may notice
        for _ in range(64):
            sock.sendall(b"x" * 1024 * 1024)
        assert sock.recv(1)

    assert isinstance(await talk.run("true"), CommandExited)


async def test_a_hub_that_does_not_read_is_dropped_and_blocks_nobody(
    talk: Talk, tmp_path: Path
) -> None:
    await talk.run("true", key="known")

    with raw(tmp_path) as stuck:
        with pytest.raises(ConnectionError):  # noqa: PT012 - which send meets it is chance
            stuck.sendall(b'{"do": "hello", "protocol": 1}\n')
            while True:
                stuck.sendall(b'{"do": "list"}\n' * 10_000)
        last = await talk.run("true", key="later")

    assert isinstance(last, CommandExited)


async def test_hubs_learn_of_one_another(talk: Talk, tmp_path: Path) -> None:
    with raw(tmp_path) as sock:
        asked(sock, b'{"do": "hello", "protocol": 1}')
        await talk.run("true", key="k")
        words = asked(sock)

    assert [word["word"] for word in words[:2]] == ["spawned", "exited"]
