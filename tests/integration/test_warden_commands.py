"""Commands through client and warden: their start, environment, output and end."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from floe.model.errors import IdInvalid
from floe.nodes.warden import CommandExited, CommandLost, NotStarted, Spawned
from tests.make_warden import Talk, a_spawn, journal, kept, now_ms, talking, until

GLIBC_OWN = 0b11 << 31
"""Signals 32 and 33 belong to glibc, whose posix_spawn leaves them ignored."""


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talking(tmp_path) as talk:
        yield talk


@pytest.mark.parametrize("status", [0, 1, 3, 255])
async def test_an_exit_code_is_reported(talk: Talk, status: int) -> None:
    last = await talk.run("sh", "-c", f"exit {status}")

    assert isinstance(last, CommandExited)
    assert (last.status, last.why) == (status, "exited")


@pytest.mark.parametrize(("name", "status"), [("TERM", 143), ("KILL", 137), ("SEGV", 139)])
async def test_a_signal_is_reported_as_128_and_its_number(
    talk: Talk, name: str, status: int
) -> None:
    last = await talk.run("sh", "-c", f"ulimit -c 0; kill -{name} $$")

    assert isinstance(last, CommandExited)
    assert (last.status, last.why) == (status, "exited")


async def test_messages_come_in_order_and_with_the_time(talk: Talk) -> None:
    before = now_ms()

    last = await talk.run("true")

    first, second = talk.reports
    assert isinstance(first, Spawned)
    assert second == last
    assert before <= first.at <= last.at <= now_ms()


async def test_output_and_errors_are_kept_to_the_byte(talk: Talk, tmp_path: Path) -> None:
    script = r"head -c 300000 /dev/zero | tr '\0' '\377'; echo bad >&2; printf '\0\n'"

    await talk.run("sh", "-c", script, output=tmp_path / "out")

    assert (tmp_path / "out").read_bytes() == b"\xff" * 300_000 + b"bad\n\0\n"
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


async def test_output_is_appended(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("first\n")

    await talk.run("echo", "second", output=tmp_path / "out")

    assert (tmp_path / "out").read_text() == "first\nsecond\n"


async def test_a_command_sees_its_environment_and_the_marks_only(
    talk: Talk, tmp_path: Path
) -> None:
    await talk.run("env", env={"PATH": os.environ["PATH"], "A": "ä\n\udcff"}, key="k")

    entries = (tmp_path / "k.out").read_bytes()
    assert b"A=\xc3\xa4\n\xff\n" in entries
    assert b"FLOE_ATTEMPT=k\n" in entries
    names = {line.split(b"=")[0] for line in entries.splitlines() if b"=" in line}
    assert names == {b"PATH", b"A", b"FLOE_ATTEMPT", b"FLOE_WARDEN"}


async def test_a_given_attempt_variable_is_kept(talk: Talk, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "FLOE_ATTEMPT": "given"}

    await talk.run("sh", "-c", "echo $FLOE_ATTEMPT", env=env, output=tmp_path / "out")

    assert (tmp_path / "out").read_text() == "given\n"


async def test_a_command_has_three_descriptors_and_empty_input(talk: Talk, tmp_path: Path) -> None:
    await talk.run("sh", "-c", "ls /proc/$$/fd; cat", output=tmp_path / "out")

    assert (tmp_path / "out").read_text() == "0\n1\n2\n"


async def test_a_command_ignores_and_blocks_no_signal(talk: Talk, tmp_path: Path) -> None:
    await talk.run("grep", "-E", "Sig(Ign|Blk)", "/proc/self/status", output=tmp_path / "out")

    masks = [int(line.split()[1], 16) for line in (tmp_path / "out").read_text().splitlines()]
    assert [mask & ~GLIBC_OWN for mask in masks] == [0, 0]


async def test_a_command_runs_in_its_folder_and_leads_its_session(
    talk: Talk, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    script = "pwd; cut -d' ' -f6 /proc/$$/stat; echo $$"

    await talk.run("sh", "-c", script, cwd=tmp_path / "here", output=tmp_path / "out")

    where, session, pid = (tmp_path / "out").read_text().split()
    assert where == str(tmp_path / "here")
    assert session == pid


async def test_a_name_with_a_slash_is_relative_to_the_working_directory(
    talk: Talk, tmp_path: Path
) -> None:
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh\nexit 7\n")
    script.chmod(0o755)

    last = await talk.run("./run.sh")

    assert isinstance(last, CommandExited)
    assert last.status == 7


async def test_a_plain_name_is_found_in_the_path_of_the_command(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "true"
    script.write_text("#!/bin/sh\nexit 9\n")
    script.chmod(0o755)

    last = await talk.run("true", env={"PATH": f"bin:{os.environ['PATH']}"})

    assert isinstance(last, CommandExited)
    assert last.status == 9


async def not_started(talk: Talk, *argv: str, **given: object) -> str:
    """Run what cannot be started; the reason."""
    last = await talk.run(*argv, **given)
    assert isinstance(last, NotStarted)
    assert len(talk.reports) == 1
    return last.error


async def test_a_missing_command_is_named(talk: Talk) -> None:
    assert "command not found: no-such" in await not_started(talk, "no-such")


async def test_a_missing_path_is_named(talk: Talk) -> None:
    assert await not_started(talk, "./no-such") == "command not found: ./no-such"


async def test_a_missing_working_directory_is_named(talk: Talk, tmp_path: Path) -> None:
    error = await not_started(talk, cwd=tmp_path / "gone")

    assert error == f"working directory {tmp_path / 'gone'}: No such file or directory"


async def test_a_missing_output_folder_is_named(talk: Talk, tmp_path: Path) -> None:
    error = await not_started(talk, output=tmp_path / "gone" / "out")

    assert error == f"output file {tmp_path / 'gone' / 'out'}: No such file or directory"


async def test_a_file_that_may_not_be_executed_is_named(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("echo")

    error = await not_started(talk, "./plain")

    assert error.startswith("permission denied: ./plain is not executable")


async def test_a_file_that_may_not_be_executed_is_named_in_the_path_too(
    talk: Talk, tmp_path: Path
) -> None:
    (tmp_path / "plain").write_text("echo")

    error = await not_started(talk, "plain", env={"PATH": str(tmp_path)})

    assert error == f"permission denied: {tmp_path / 'plain'} is not executable"


async def test_a_file_that_is_no_program_is_named(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("echo")
    (tmp_path / "text").chmod(0o755)

    assert "neither a program nor a script" in await not_started(talk, "./text")


async def test_a_missing_interpreter_is_named(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/no/such/interpreter\n")
    (tmp_path / "script").chmod(0o755)

    assert "interpreter" in await not_started(talk, "./script")


async def test_an_argument_that_is_too_long_is_reported(talk: Talk) -> None:
    assert "Linux takes at most 131071" in await not_started(talk, "true", "x" * 3_000_000)


@pytest.mark.parametrize(
    ("argv", "env"),
    [
        (("tr\0ue",), None),
        (("true", "a\0b"), None),
        (("true",), {"PATH": "/bin", "A": "\0"}),
        (("true",), {"PATH": "/bin", "A=B": "1"}),
        (("true", "\ud800"), None),
        (("",), None),
    ],
)
async def test_what_no_process_can_be_given_does_not_start(
    talk: Talk, argv: tuple[str, ...], env: dict[str, str] | None
) -> None:
    assert await not_started(talk, *argv, env=env)


async def test_a_failed_start_is_reported_again_until_taken(talk: Talk, tmp_path: Path) -> None:
    first = await talk.run("no-such", key="k")

    other = Talk(tmp_path)
    await other.warden.open()
    again = await other.run("true", key="k")
    await other.warden.close()

    assert again == first


async def test_a_key_is_started_once(talk: Talk, tmp_path: Path) -> None:
    await talk.run("sh", "-c", "echo once", key="k", output=tmp_path / "out")

    other = Talk(tmp_path)
    await other.warden.open()
    again = await other.run("sh", "-c", "echo twice", key="k", output=tmp_path / "out")
    await other.warden.close()

    assert again == talk.reports[-1]
    assert other.reports == talk.reports
    assert (tmp_path / "out").read_text() == "once\n"


async def test_a_key_is_reported_once_to_a_client(talk: Talk) -> None:
    spec = a_spawn(talk.root, key="k")
    talk.warden.spawn(spec)
    talk.warden.spawn(spec)
    await talk.until_over("k")
    talk.warden.spawn(spec)

    await talk.run("true", key="later")

    assert len(talk.of("k")) == 2


async def test_attaching_to_an_unknown_key_is_reported_as_lost(talk: Talk, tmp_path: Path) -> None:
    last = await talk.run("touch", str(tmp_path / "started"), attach=True)

    assert isinstance(last, CommandLost)
    assert not (tmp_path / "started").exists()


async def test_what_is_taken_is_not_kept(talk: Talk, tmp_path: Path) -> None:
    await talk.run("true", key="k")
    assert kept(tmp_path) == {"k"}

    talk.warden.taken("k")

    await until(lambda: not kept(tmp_path))


@pytest.mark.parametrize("key", ["", ".", "..", "../x", "a/b", "a\0", "a\n", "ä", "x" * 201])
async def test_a_hostile_key_is_refused_by_the_client(talk: Talk, key: str) -> None:
    with pytest.raises(IdInvalid):
        talk.warden.spawn(a_spawn(talk.root, key=key, output=talk.root / "out"))


async def test_many_commands_at_once_are_all_reported(talk: Talk, tmp_path: Path) -> None:
    keys = [talk.spawn("sh", "-c", f"exit {n}", key=f"k{n}") for n in range(60)]

    async with asyncio.TaskGroup() as group:
        ends = [group.create_task(talk.until_over(key)) for key in keys]

    assert [end.result() for end in ends] == [
        CommandExited(key=f"k{n}", status=n, why="exited", at=end.result().at)
        for n, end in enumerate(ends)
    ]


async def test_all_that_is_kept_is_readable_for_the_owner_only(talk: Talk, tmp_path: Path) -> None:
    await talk.run("true")

    for path in (tmp_path / "warden", tmp_path / "warden" / "v1"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "warden" / "v1" / "journal").stat().st_mode) == 0o600


async def test_the_journal_has_the_start_of_an_attempt_and_its_messages(
    talk: Talk, tmp_path: Path
) -> None:
    await talk.run("true", key="k")

    begun, spawned, exited = journal(tmp_path)
    assert set(begun) == {"begin", "boot", "mark", "grace_s", "stamp"}
    assert spawned["word"] == "spawned"
    assert exited == {
        "word": "exited",
        "key": "k",
        "at": exited["at"],
        "status": 0,
        "why": "exited",
    }


async def test_a_program_in_the_working_directory_is_pointed_to(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "build").write_text("#!/bin/sh\n")
    (tmp_path / "build").chmod(0o755)

    error = await not_started(talk, "build")

    what, path = error.splitlines()
    assert what.endswith("try: ./build, which is in the working directory")
    assert path.startswith("PATH is ")


async def test_windows_line_ends_of_a_script_are_named(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "script").write_bytes(b"#!/bin/sh\r\necho hi\r\n")
    (tmp_path / "script").chmod(0o755)

    assert "its first line ends in CR" in await not_started(talk, "./script")
