"""What a command prints is kept, whatever it does with its descriptors."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from floe.nodes.warden import CommandExited
from tests.make_warden import Talk, pids_in, talking, until, warden_pid

pytestmark = pytest.mark.slow

PYTHON = f"{sys.executable} -c "

OPENED_ANEW = {
    "> /dev/stderr": "echo E > /dev/stderr",
    "> /dev/stdout": "echo E > /dev/stdout",
    ">> /dev/stdout": "echo E >> /dev/stdout",
    "> /proc/self/fd/1": "echo E > /proc/self/fd/1",
    "> /dev/fd/2": "echo E > /dev/fd/2",
    "<> /dev/stdout": "echo E 1<> /dev/stdout",
    "tee": "echo E | tee /dev/stderr > /dev/null",
    "both crossed": "echo E >&2 2>/dev/stdout",
    "dd": "echo E | dd of=/dev/stdout 2>/dev/null",
    "cp": "echo E > e; cp e /dev/stdout",
    "python, open to write": PYTHON + '\'print("E", file=open("/dev/stderr", "w"))\'',
    "of a child's child": "sh -c \"sh -c 'echo E > /dev/stderr'\"",
    "of the leader, by its pid": "echo E > /proc/$$/fd/1",
    "in its own session": "setsid -w sh -c 'echo E > /dev/stdout'",
}
"""Each prints one line, E."""

ERASED = {
    "nothing into it": ": > /dev/stdout",
    "truncate": "truncate -s 0 /dev/stdout",
    "ftruncate": PYTHON + "'import os; os.ftruncate(1, 0)'",
    "seek": PYTHON + "'import os; os.lseek(1, 0, 0)'",
    "pwrite": PYTHON + "'import os; os.pwrite(1, b\"X\", 0)'",
    "fallocate": "fallocate -p -o 0 -l 6 /dev/stdout",
    "no append": PYTHON + "'import fcntl; fcntl.fcntl(1, fcntl.F_SETFL, 0)'",
    "removed": "rm -f /dev/fd/nothing /proc/self/fd/1",
    "closed": "sh -c 'exec >&- 2>&-; echo lost'",
}
"""Each prints nothing that counts, and may fail."""


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talking(tmp_path) as talk:
        yield talk


@pytest.mark.parametrize("line", OPENED_ANEW.values(), ids=OPENED_ANEW.keys())
async def test_a_descriptor_that_is_opened_anew_erases_nothing(
    talk: Talk, tmp_path: Path, line: str
) -> None:
    await talk.run("bash", "-c", f"echo first\n{line}\necho last", output=tmp_path / "out")

    assert (tmp_path / "out").read_text() == "first\nE\nlast\n"


@pytest.mark.parametrize("line", ERASED.values(), ids=ERASED.keys())
async def test_nothing_that_was_printed_can_be_taken_back(
    talk: Talk, tmp_path: Path, line: str
) -> None:
    script = f"echo first\n{{ {line}; }} 2>/dev/null\necho last"

    await talk.run("bash", "-c", script, output=tmp_path / "out")

    assert (tmp_path / "out").read_text() == "first\nlast\n"


async def test_output_and_errors_keep_their_order(talk: Talk, tmp_path: Path) -> None:
    script = "for n in $(seq 500); do echo $n; echo $n >&2; done"

    await talk.run("bash", "-c", script, output=tmp_path / "out")

    numbers = (tmp_path / "out").read_text().split()
    assert numbers == [str(n) for n in range(1, 501) for _ in range(2)]


async def test_what_is_printed_is_there_while_the_command_runs(talk: Talk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = "echo one; until [ -e go ]; do sleep 0.01; done; echo two > /dev/stdout; sleep 1000"
    key = talk.spawn("sh", "-c", script, output=out)
    await until(lambda: out.exists() and out.read_text() == "one\n")

    (tmp_path / "go").touch()
    await until(lambda: out.read_text() == "one\ntwo\n")

    talk.warden.stop(key)
    await talk.until_over(key)


async def test_much_output_of_many_at_once_is_whole(talk: Talk, tmp_path: Path) -> None:
    keys = [talk.spawn("sh", "-c", f"yes {n} | head -c 3000000", key=f"k{n}") for n in range(1, 7)]

    for key in keys:
        await talk.until_over(key)

    assert [(tmp_path / f"{key}.out").stat().st_size for key in keys] == [3_000_000] * 6


async def test_a_command_that_prints_at_its_end_loses_nothing(talk: Talk, tmp_path: Path) -> None:
    script = PYTHON + "'import os; os.write(1, b\"x\" * 65536); os._exit(3)'"

    last = await talk.run("sh", "-c", script, output=tmp_path / "out")

    assert isinstance(last, CommandExited)
    assert last.status == 3
    assert (tmp_path / "out").stat().st_size == 65536


async def test_a_short_command_that_prints_too_much_is_reported(talk: Talk, tmp_path: Path) -> None:
    last = await talk.run(
        "sh", "-c", "echo 123456789; exit 0", output_max=9, output=tmp_path / "out"
    )

    assert isinstance(last, CommandExited)
    assert last.why == "output-limit"
    assert (tmp_path / "out").read_text() == "123456789"


async def test_the_limit_counts_what_was_printed_and_then_erased(
    talk: Talk, tmp_path: Path
) -> None:
    script = "while :; do head -c 50000 /dev/zero > /dev/stdout; done"

    last = await talk.run("sh", "-c", script, output_max=200_000, output=tmp_path / "out")

    assert isinstance(last, CommandExited)
    assert last.why == "output-limit"
    assert (tmp_path / "out").stat().st_size == 200_000


async def test_output_past_the_limit_does_not_hold_up_a_stop(talk: Talk, tmp_path: Path) -> None:
    """Whoever cleans up on TERM and prints a lot meanwhile is read, not kept."""
    script = "trap 'head -c 5000000 /dev/zero; exit 7' TERM; head -c 2000 /dev/zero; sleep 1000"

    last = await talk.run(
        "bash", "-c", script + " & wait", output_max=1000, grace_s=60, output=tmp_path / "out"
    )

    assert isinstance(last, CommandExited)
    assert (last.status, last.why) == (7, "output-limit")
    assert (tmp_path / "out").stat().st_size == 1000


async def test_a_descriptor_that_left_is_an_error_to_its_holder_only(
    talk: Talk, tmp_path: Path
) -> None:
    """It was given to a process that is not of the attempt: the attempt ends all the same."""
    fifo = tmp_path / "sock"
    holder = (
        "import os, socket, sys\n"
        f"s = socket.socket(socket.AF_UNIX); s.bind({str(fifo)!r}); s.listen()\n"
        "print(os.getpid(), file=open('pids', 'a'), flush=True)\n"
        "c, _ = s.accept(); _, fds, _, _ = socket.recv_fds(c, 1, 1)\n"
        "s.accept()\n"
    )
    key = talk.spawn(sys.executable, "-c", holder, key="holder")
    await until(lambda: pids_in(tmp_path / "pids"))
    giver = (
        "import socket\n"
        f"s = socket.socket(socket.AF_UNIX); s.connect({str(fifo)!r})\n"
        "socket.send_fds(s, [b'x'], [1]); print('given')\n"
    )

    last = await talk.run(sys.executable, "-c", giver, key="giver", output=tmp_path / "out")

    assert isinstance(last, CommandExited)
    assert (last.status, (tmp_path / "out").read_text()) == (0, "given\n")
    assert len(talk.of(key)) == 1


async def test_output_that_threads_write_is_whole(talk: Talk, tmp_path: Path) -> None:
    """The file system might hang: the warden writes there in threads."""
    script = "seq 100000; sleep 0.1; echo last"

    last = await talk.run("sh", "-c", script, apart=True, output=tmp_path / "out")

    assert isinstance(last, CommandExited)
    assert last.status == 0
    numbers = "".join(f"{n}\n" for n in range(1, 100_001))
    assert (tmp_path / "out").read_text() == numbers + "last\n"


async def test_output_that_threads_write_ends_exactly_at_the_limit(
    talk: Talk, tmp_path: Path
) -> None:
    last = await talk.run(
        "sh", "-c", "seq 1000000", apart=True, output_max=300_000, output=tmp_path / "out"
    )

    assert isinstance(last, CommandExited)
    assert last.why == "output-limit"
    assert (tmp_path / "out").stat().st_size == 300_000


def descriptors(pid: int) -> list[str]:
    """What a process has open."""
    return [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]


async def test_a_command_that_ended_leaves_no_descriptor(talk: Talk, tmp_path: Path) -> None:
    await talk.run("true", key="first")
    before = len(descriptors(warden_pid(tmp_path)))

    await talk.run("sh", "-c", "echo x > /dev/stderr")
    await talk.run("no-such", key="other")

    assert len(descriptors(warden_pid(tmp_path))) == before
