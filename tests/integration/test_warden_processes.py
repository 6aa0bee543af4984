"""No process of an attempt outlives its last word, however started and whatever it ignores."""

import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from floe.nodes.warden import CommandExited
from tests.make_warden import Talk, is_alive, pids_in, switches, talking, until, warden_pid

pytestmark = pytest.mark.slow

PIDS = "echo $$ >> pids; "
SLEEP = f"sh -c '{PIDS} exec sleep 1000'"
DEAF = f"sh -c 'trap \"\" TERM; {PIDS} while :; do sleep 1000; done'"
CLEARED = f'env -i PATH="$PATH" {SLEEP}'
CLOSED = "exec 0<&- 1>&- 2>&-;"
DAEMON = """python3 -c '
import os, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.closerange(0, 1000)
os.chdir("/")
os.execve("/bin/sh", ["x", "-c", "echo $$ >> " + sys.argv[1] + "; exec /bin/sleep 1000"], dict())
' "$PWD/pids"; """

FAMILIES = {
    "a child": f"{SLEEP} & ",
    "a child in its own session": f"setsid {SLEEP} & ",
    "a child that nobody waits for": f"({SLEEP} &) & wait; ",
    "a child in its own session that nobody waits for": f"(setsid {SLEEP} &) & wait; ",
    "a child that ignores TERM": f"{DEAF} & ",
    "a child in its own session that ignores TERM": f"setsid {DEAF} & ",
    "a child with a cleared environment": f"{CLEARED} & ",
    "a stray child in its own session with a cleared environment": f"(setsid {CLEARED} &) & wait; ",
    "a stray child without environment and descriptors": (
        f"(setsid env -i PATH=\"$PATH\" sh -c '{CLOSED} {PIDS} exec sleep 1000' &) & wait; "
    ),
    "a daemon that forks twice and keeps nothing": DAEMON,
    "a stopped child": "sh -c 'echo $$ >> pids; kill -STOP $$' & ",
}
LOOKS = 8
"""So often a warden has woken when it has surely looked at everybody's family."""

families = pytest.mark.parametrize("start", FAMILIES.values(), ids=FAMILIES.keys())


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talking(tmp_path) as talk:
        yield talk


def await_pid(count: int = 1) -> str:
    """Shell text that waits until so many processes have written their pids."""
    return f"until [ -f pids ] && [ $(wc -l < pids) -ge {count} ]; do sleep 0.01; done; "


@families
async def test_nothing_outlives_a_normal_exit(talk: Talk, tmp_path: Path, start: str) -> None:
    last = await talk.run("sh", "-c", f"{start} {await_pid()} exit 4", grace_s=0.1)

    assert isinstance(last, CommandExited)
    assert (last.status, last.why) == (4, "exited")
    assert not [pid for pid in pids_in(tmp_path / "pids") if is_alive(pid)]


@families
async def test_nothing_outlives_a_stop(talk: Talk, tmp_path: Path, start: str) -> None:
    key = talk.spawn("sh", "-c", f"{start} {PIDS} sleep 1000; sleep 1000", grace_s=0.1)
    await until(lambda: len(pids_in(tmp_path / "pids")) == 2)

    talk.warden.stop(key)
    last = await talk.until_over(key)

    assert isinstance(last, CommandExited)
    assert last.why == "stopped"
    assert last.status in (128 + 15, 128 + 9)
    assert not [pid for pid in pids_in(tmp_path / "pids") if is_alive(pid)]


@families
async def test_nothing_outlives_a_timeout(talk: Talk, tmp_path: Path, start: str) -> None:
    last = await talk.run(
        "sh", "-c", f"{start} {await_pid()} sleep 1000", timeout_s=0.5, grace_s=0.1
    )

    assert isinstance(last, CommandExited)
    assert last.why == "timeout"
    assert not [pid for pid in pids_in(tmp_path / "pids") if is_alive(pid)]


@families
async def test_a_neighbour_is_left_alone(talk: Talk, tmp_path: Path, start: str) -> None:
    (tmp_path / "other").mkdir()
    script = f"{start} {PIDS} sleep 1000"
    neighbour = talk.spawn("sh", "-c", script, key="n", cwd=tmp_path / "other", grace_s=0.1)
    await until(lambda: len(pids_in(tmp_path / "other" / "pids")) == 2)

    await talk.run("sh", "-c", f"{SLEEP} & {await_pid()} exit 0", key="k")

    assert all(is_alive(pid) for pid in pids_in(tmp_path / "other" / "pids"))
    talk.warden.stop(neighbour)
    await talk.until_over(neighbour)
    assert not [pid for pid in pids_in(tmp_path / "other" / "pids") if is_alive(pid)]


@families
async def test_a_stray_is_distinguished_from_those_of_a_neighbour(
    talk: Talk, tmp_path: Path, start: str
) -> None:
    neighbour = talk.spawn("sleep", "1000", key="n")

    await talk.run("sh", "-c", f"{start} {await_pid()} exit 0", key="k", grace_s=0.1)

    assert not [pid for pid in pids_in(tmp_path / "pids") if is_alive(pid)]
    assert len(talk.of(neighbour)) == 1


async def test_a_leader_that_ignores_term_is_killed_after_grace(talk: Talk, tmp_path: Path) -> None:
    key = talk.spawn("sh", "-c", f"trap '' TERM; {PIDS} while :; do sleep 0.1; done", grace_s=0.2)
    await until(lambda: pids_in(tmp_path / "pids"))

    talk.warden.stop(key)
    last = await talk.until_over(key)

    assert isinstance(last, CommandExited)
    assert (last.status, last.why) == (137, "stopped")


async def test_term_comes_first_and_once(talk: Talk, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, time\n"
        "def heard(*_):\n"
        "    print('term', flush=True)\n"
        "signal.signal(signal.SIGTERM, heard)\n"
        "print(os.getpid(), file=open('pids', 'a'), flush=True)\n"
        "while not os.path.exists('go'): time.sleep(0.01)\n"
        "sys.exit(5)\n"
    )
    key = talk.spawn(sys.executable, "-c", program, output=tmp_path / "out", grace_s=60)
    await until(lambda: pids_in(tmp_path / "pids"))

    talk.warden.stop(key)
    talk.warden.stop(key)
    await talk.run("true", key="later")  # both stops were heard before it
    out = tmp_path / "out"  # made for the first output
    await until(lambda: out.is_file() and out.read_text())
    (tmp_path / "go").touch()
    last = await talk.until_over(key)

    assert isinstance(last, CommandExited)
    assert (last.status, last.why) == (5, "stopped")
    assert (tmp_path / "out").read_text() == "term\n"


async def test_a_stopped_leader_is_woken_by_term(talk: Talk, tmp_path: Path) -> None:
    key = talk.spawn("sh", "-c", f"{PIDS} kill -STOP $$; sleep 1000", grace_s=60)
    await until(lambda: pids_in(tmp_path / "pids"))

    talk.warden.stop(key)
    last = await talk.until_over(key)

    assert isinstance(last, CommandExited)
    assert last.status == 143


async def test_a_command_that_keeps_forking_is_ended(talk: Talk, tmp_path: Path) -> None:
    script = (
        "f() { echo >> forks; sleep 0.01; (f &); (setsid true &); }; trap '' TERM; f; sleep 1000"
    )
    key = talk.spawn("sh", "-c", script, grace_s=0.05, cwd=tmp_path)
    await until(lambda: (tmp_path / "forks").exists() and (tmp_path / "forks").stat().st_size > 5)

    talk.warden.stop(key)
    await talk.until_over(key)

    assert sessions_of(tmp_path) == []


def sessions_of(cwd: Path) -> list[str]:
    """Processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended, or is of a different user
            if (process / "cwd").readlink() == cwd.resolve():
                found.append(process.name)
    return found


async def test_a_stray_seen_while_its_parent_lived_is_known_without_marks(
    talk: Talk, tmp_path: Path
) -> None:
    """Its session is its own, its environment empty, its parent gone; a neighbour runs as well."""
    neighbour = talk.spawn("sleep", "1000", key="n")
    script = tmp_path / "parent.sh"
    script.write_text(f"setsid {CLEARED} &\nuntil [ -e seen ]; do sleep 0.01; done\n")
    key = talk.spawn("sh", "-c", "sh parent.sh; exit 0", key="k", grace_s=0.1)
    await until(lambda: pids_in(tmp_path / "pids"))
    pid = warden_pid(tmp_path)
    before = switches(pid)
    await until(lambda: switches(pid) >= before + LOOKS)

    (tmp_path / "seen").touch()
    await talk.until_over(key)

    assert not [pid for pid in pids_in(tmp_path / "pids") if is_alive(pid)]
    assert len(talk.of(neighbour)) == 1


async def test_more_output_than_allowed_stops_a_command(talk: Talk, tmp_path: Path) -> None:
    last = await talk.run("yes", output_max=100_000, grace_s=1, output=tmp_path / "out")

    assert isinstance(last, CommandExited)
    assert last.why == "output-limit"
    assert (tmp_path / "out").stat().st_size == 100_000


async def test_output_within_the_limit_stops_nothing(talk: Talk, tmp_path: Path) -> None:
    last = await talk.run(
        "sh", "-c", "head -c 1000 /dev/zero; sleep 0.6", output_max=1000, output=tmp_path / "out"
    )

    assert isinstance(last, CommandExited)
    assert (last.status, last.why) == (0, "exited")


async def test_a_leader_that_ends_before_its_timeout_is_not_timed_out(talk: Talk) -> None:
    last = await talk.run("sh", "-c", f"{DEAF} & {await_pid()} exit 0", timeout_s=5, grace_s=6)

    assert isinstance(last, CommandExited)
    assert (last.status, last.why) == (0, "exited")
