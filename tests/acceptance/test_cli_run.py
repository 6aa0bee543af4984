"""`floe run` as a person uses it: here and now, in a terminal or a pipe."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.product import DEADLINE_S, marked, until
from tests.acceptance.warm import floe_ran
from tests.make_warden import is_alive, is_served, warden_pid

pytestmark = pytest.mark.slow

FLOE: Final = str(Path(sys.executable).with_name("floe"))

DOCUMENT: Final = """
name: Try
ver: 1
tasks:
  - {name: Work, type: exec, listen: trigger.good, opts: {shell: '%s'}}
"""

FORM: Final = """
name: Ask
ver: 1
tasks:
  - name: Sign
    type: data
    listen: trigger.good
    opts: {form: {title: May it go?, fields: [{id: n, prompt: How many?, type: number}]}}
  - {name: Yes please, type: exec, listen: task.sign.good, opts: {shell: 'echo got $FLOE_IN_N'}}
  - {name: No thanks, type: exec, listen: task.sign.bad, opts: {shell: echo refused}}
"""


class Desk:
    """A folder to work in, with a folder of its own for what is temporary."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.environment = os.environ | {"TMPDIR": str(self.temporary)}

    def run(self, *arguments: str, flow: str = "") -> subprocess.CompletedProcess[bytes]:
        """Run a flow without a terminal."""
        words = self.command(flow, *arguments)[1:]
        return floe_ran(words, cwd=self.folder, env=self.environment, timeout_s=DEADLINE_S)

    def command(self, flow: str, *arguments: str) -> list[str]:
        """The command line for a flow."""
        (self.folder / "flow.yml").write_text(flow)
        return [FLOE, "run", "flow.yml", *arguments]

    def is_tidy(self) -> bool:
        """Whether neither file nor process is left."""
        is_alone = not marked(f"TMPDIR={self.temporary}".encode())
        return is_alone and not list(self.temporary.iterdir())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


class Terminal:
    """A terminal with a command in it."""

    def __init__(self, process: subprocess.Popen[bytes], side: int) -> None:
        self.process = process
        self.shown = ""
        self._side = side

    def until(self, text: str) -> None:
        """Wait until something is shown."""
        until(lambda: self._look() and text in self.shown, f"{text!r} in {self.shown!r}")

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._side, text.encode())

    def end(self) -> int:
        """Wait until the command has ended; its exit code."""
        until(lambda: self._look() and self.process.poll() is not None, "its end")
        self._look()
        return self.process.returncode

    def hang_up(self) -> None:
        """Close the terminal's window."""
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, self._side)
        os.close(null)

    def _look(self) -> bool:
        while select.select([self._side], [], [], 0)[0]:
            try:
                self.shown += os.read(self._side, 65536).decode(errors="replace")
            except OSError:  # nobody has the other side open any more
                break
        return True


@contextmanager
def terminal(desk: Desk, flow: str) -> Iterator[Terminal]:
    """Run a flow in a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_TERMINAL, *desk.command(flow)],
        cwd=desk.folder,
        env=desk.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


_IN_TERMINAL: Final = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_run_is_reported_as_it_happens(desk: Desk) -> None:
    done = desk.run(flow=DOCUMENT % "echo one; printf two")

    lines = done.stdout.decode().splitlines()
    assert lines[:3] == ["▶ task.work", "task.work │ one", "task.work │ two"]
    assert lines[3].startswith("✔ task.work  good")
    assert lines[4].startswith("✔ try ended good: nothing is left to run")
    assert (done.returncode, done.stderr) == (0, b"")
    until(desk.is_tidy, "the end of all that the run began")


def test_bad_run_exits_with_1(desk: Desk) -> None:
    done = desk.run(flow=DOCUMENT % "exit 3")

    assert done.returncode == 1
    assert "✘ task.work  bad" in done.stdout.decode()
    until(desk.is_tidy, "the end of all that the run began")


def test_whatever_a_command_prints_obeys_the_lines(desk: Desk) -> None:
    done = desk.run(flow=DOCUMENT % r'printf "\377\033[2Jx 1%%\r 2%%\r\n"')

    assert "task.work │  2%\n" in done.stdout.decode()


def test_long_output_is_printed_to_its_end(desk: Desk) -> None:
    done = desk.run(flow=DOCUMENT % 'seq 200000; head -c 1000000 /dev/zero | tr "\\\\0" a')

    text = done.stdout.decode().replace("task.work │ ", "")
    assert sum(len(line) for line in text.split("\n") if set(line) == {"a"}) == 1_000_000
    assert [int(line) for line in text.split("\n")[1:200_001]] == list(range(1, 200_001))


def test_values_are_data(desk: Desk) -> None:
    done = desk.run("-d", "who=$(id); `id`", flow=DOCUMENT % 'echo "<$FLOE_IN_WHO>"')

    assert "task.work │ <$(id); `id`>" in done.stdout.decode()


def test_json_is_the_run_at_its_end(desk: Desk) -> None:
    done = desk.run("--json", flow=DOCUMENT % "echo one")

    run = json.loads(done.stdout)
    assert (run["state"], run["good"], run["nodes"][0]["state"]) == ("archive", True, "good")


def test_kept_folder_is_named(desk: Desk) -> None:
    done = desk.run("--keep", flow=DOCUMENT % "echo one > made")

    (kept,) = desk.temporary.iterdir()
    assert f"kept: {kept}" in done.stderr.decode()
    assert [path.read_text() for path in kept.rglob("made")] == ["one\n"]


def test_retry_is_shown(desk: Desk) -> None:
    flow = DOCUMENT.replace("opts:", "retry: {max: 1, backoff: 1s}, opts:")

    done = desk.run(flow=flow % "test -e tried || { touch tried; exit 3; }")

    assert done.returncode == 0
    assert re.search(r"↻ task.work  retrying  .* status 3  again in ", done.stdout.decode())


def test_form_without_a_terminal_is_named(desk: Desk) -> None:
    done = desk.run(flow=FORM)

    assert done.returncode == 2
    assert "task.sign asks 'May it go?', and there is no terminal" in done.stderr.decode()
    until(desk.is_tidy, "the end of all that the run began")


def test_one_of_several_flows_must_be_named(desk: Desk) -> None:
    flows = "".join(
        f"\n  - {{name: {name}, ver: 1, tasks: [{{name: X, type: exec, listen: trigger.good, "
        f"opts: {{cmd: echo {name}}}}}]}}"
        for name in ("A", "B")
    )

    unnamed = desk.run(flow=f"flows:{flows}")
    named = desk.run("--flow", "b", flow=f"flows:{flows}")

    assert (unnamed.returncode, b"--flow with one of a@1, b@1" in unnamed.stderr) == (2, True)
    assert (named.returncode, "│ B" in named.stdout.decode()) == (0, True)


def test_reader_that_leaves_ends_the_run(desk: Desk) -> None:
    process = subprocess.Popen(
        desk.command(DOCUMENT % "while echo x; do sleep 0.01; done"),
        cwd=desk.folder,
        env=desk.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()

    _, said = process.communicate(timeout=60)

    assert (process.returncode, said) == (141, b"")
    until(desk.is_tidy, "the end of all that the run began")


def test_form_is_filled_in_a_terminal(desk: Desk) -> None:
    with terminal(desk, FORM) as screen:
        screen.until("approve?")
        screen.type("\n")
        screen.until("Enter does not decide")
        screen.type("yes\n")
        screen.until("How many?")
        screen.type("x\n")
        screen.until("a number is expected")
        screen.type("3\n")
        screen.until("got 3")

        assert screen.end() == 0


def test_form_is_rejected_in_a_terminal(desk: Desk) -> None:
    with terminal(desk, FORM) as screen:
        screen.until("approve?")
        screen.type("no\n")
        screen.until("why?")
        screen.type("wrong branch\n")
        screen.until("rejected by you: wrong branch")
        screen.until("refused")

        assert screen.end() == 0


@pytest.mark.parametrize("flow", [FORM, DOCUMENT % "echo begun; sleep 1000 & sleep 1000"])
def test_interrupt_cancels_and_leaves_nothing(desk: Desk, flow: str) -> None:
    with terminal(desk, flow) as screen:
        screen.until("approve?" if flow == FORM else "begun")
        screen.type("\x03")

        assert screen.end() == 130
    assert "cancelled by you" in screen.shown
    until(desk.is_tidy, "the end of all that the run began")


def test_second_interrupt_leaves_nothing_either(desk: Desk) -> None:
    stubborn = r"trap \"\" TERM; echo begun; sleep 1000; sleep 1000"
    flow = f"common: {{grace: 2s}}\nflows:\n  - {_one(stubborn)}"
    with terminal(desk, flow) as screen:
        screen.until("begun")
        screen.type("\x03")
        screen.until("cancelling")
        screen.type("\x03")

        assert screen.end() == 130
    assert "Traceback" not in screen.shown
    until(desk.is_tidy, "the end of what traps TERM")


def _one(shell: str) -> str:
    return (
        "{name: Try, ver: 1, tasks: [{name: Work, type: exec, listen: trigger.good, "
        f'opts: {{shell: "{shell}"}}}}]}}'
    )


@contextmanager
def begun(desk: Desk, flow: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run that nobody looks at."""
    process = subprocess.Popen(
        desk.command(flow, *arguments),
        cwd=desk.folder,
        env=desk.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


FAMILIES: Final = {
    "a command": "touch $TMPDIR/../ready; sleep 1000",
    "a daemon": "(setsid sleep 1000 &); touch $TMPDIR/../ready; sleep 1000",
    "a full pipe": "touch $TMPDIR/../ready; yes",
    "read-only folders": "mkdir -p a/b; chmod 500 a/b a; touch $TMPDIR/../ready; sleep 1000",
}


@pytest.mark.parametrize("shell", FAMILIES.values(), ids=FAMILIES.keys())
def test_killed_run_leaves_nothing(desk: Desk, shell: str) -> None:
    with begun(desk, DOCUMENT % shell) as process:
        until((desk.folder / "ready").exists, "its command")

        process.kill()

        until(desk.is_tidy, "the end of all that the run began")


MOMENTS: Final = [
    "floe-run-*",
    "floe-run-*/warden/v1/sock",
    "floe-run-*/runs",
    "floe-run-*/floe.db",
]


@pytest.mark.parametrize("made", MOMENTS)
def test_run_that_is_killed_early_leaves_nothing(desk: Desk, made: str) -> None:
    with begun(desk, DOCUMENT % "sleep 1000") as process:
        until(lambda: list(desk.temporary.glob(made)), made)

        process.kill()

        until(desk.is_tidy, "the end of all that the run began")


def test_run_that_is_killed_before_it_has_a_folder_makes_none(desk: Desk) -> None:
    with begun(desk, DOCUMENT % "sleep 1000") as process:
        until(lambda: children_of(process.pid), "its warden's start")

        process.kill()

        until(desk.is_tidy, "the end of all that the run began")


def children_of(pid: int) -> str:
    """The processes that a process started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return path.read_text() if path.exists() else ""


def test_killed_run_with_keep_leaves_its_folder_only(desk: Desk) -> None:
    with begun(desk, DOCUMENT % FAMILIES["a command"], "--keep") as process:
        until((desk.folder / "ready").exists, "its command")

        process.kill()

        until(lambda: not marked(f"TMPDIR={desk.temporary}".encode()), "the end of its processes")
    assert list(desk.temporary.glob("floe-run-*/runs"))


def kill_with_warden(desk: Desk, process: subprocess.Popen[bytes]) -> Path:
    """Kill a run and its warden at once; the root that they leave."""
    (root,) = desk.temporary.glob("floe-run-*")
    warden = warden_pid(root)
    process.send_signal(signal.SIGSTOP)
    os.kill(warden, signal.SIGKILL)
    process.kill()
    until(lambda: not is_alive(warden), "the warden's death")
    return root


def test_what_a_killed_run_and_its_killed_warden_leave_is_removed_by_the_next_run(
    desk: Desk,
) -> None:
    with begun(desk, DOCUMENT % FAMILIES["a daemon"]) as process:
        until((desk.folder / "ready").exists, "its command")
        root = kill_with_warden(desk, process)
    left = root.exists()

    desk.run(flow=DOCUMENT % "true")

    assert left
    until(desk.is_tidy, "the end of all that both runs began")


def test_root_of_a_run_that_lives_is_not_removed_while_its_warden_is_away(desk: Desk) -> None:
    with begun(desk, DOCUMENT % FAMILIES["a command"]) as process:
        until((desk.folder / "ready").exists, "its command")
        (root,) = desk.temporary.glob("floe-run-*")
        process.send_signal(signal.SIGSTOP)
        os.kill(warden_pid(root), signal.SIGKILL)
        until(lambda: not is_served(root), "the warden's death")
        desk.run(flow=DOCUMENT % "true")
        stays = (root / "runs").exists()
        process.kill()
        process.wait()

    desk.run(flow=DOCUMENT % "true")

    assert stays
    until(desk.is_tidy, "the end of all that the runs began")


def test_killed_run_ends_a_command_that_ignores_term(desk: Desk) -> None:
    shell = r"trap \"\" TERM; touch $TMPDIR/../ready; while :; do sleep 1000; done"
    with begun(desk, f"common: {{grace: 0.2s}}\nflows:\n  - {_one(shell)}") as process:
        until((desk.folder / "ready").exists, "its command")

        process.kill()

        until(desk.is_tidy, "the end of all that the run began")


def test_whole_group_that_is_killed_leaves_nothing(desk: Desk) -> None:
    with begun(desk, DOCUMENT % FAMILIES["a command"]) as process:
        until((desk.folder / "ready").exists, "its command")

        os.killpg(process.pid, signal.SIGKILL)

        until(desk.is_tidy, "the end of all that the run began")


def test_closed_terminal_leaves_nothing(desk: Desk) -> None:
    with terminal(desk, DOCUMENT % "echo begun; sleep 1000") as screen:
        screen.until("begun")

        screen.hang_up()

        until(desk.is_tidy, "the end of all that the run began")


STRICT: Final = """
name: Try
strict-shell: %s
tasks:
  - {name: Work, type: exec, listen: trigger.good, opts: {shell: "false | cat\\necho went on"}}
"""


@pytest.mark.parametrize(("strict", "status"), [("true", 1), ("false", 0)])
def test_a_strict_shell_ends_at_the_first_failure(tmp_path: Path, strict: str, status: int) -> None:
    done = Desk(tmp_path).run(flow=STRICT % strict)

    assert (done.returncode, b"went on" in done.stdout + done.stderr) == (status, not status)


GREET: Final = """
name: Greet
triggers: [{name: start, type: data, opts: {form: {fields: [{id: who}]}}}]
tasks:
  - name: Work
    type: exec
    listen: trigger.good
    opts:
      cmd: %s
"""


@pytest.mark.parametrize(
    "cmd",
    [
        "bash -c 'echo hello $FLOE_IN_WHO'",
        'bash -lc "echo hello $FLOE_IN_WHO"',
        "/usr/bin/env -u A nice sh +x -ec 'echo \"hello $FLOE_IN_WHO\"'",
        "xargs -a /dev/null sh -c 'echo hello \"$1\"' -- $FLOE_IN_WHO",
        "find . -maxdepth 0 -exec sh -c 'echo \"hello $FLOE_IN_WHO\"' ;",
        "printf %s hello $FLOE_IN_WHO",
    ],
)
def test_a_value_is_printed_and_never_run(tmp_path: Path, cmd: str) -> None:
    desk = Desk(tmp_path)

    done = desk.run("-d", "who=$(touch trap); touch trap", flow=GREET % cmd)

    assert done.returncode == 0
    assert b"touch trap" in done.stdout + done.stderr
    assert list(desk.folder.rglob("trap")) == []


@pytest.mark.parametrize(
    "cmd", ["python3 -c \"print('$FLOE_IN_WHO')\"", "$FLOE_IN_WHO", "ssh host echo $FLOE_IN_WHO"]
)
def test_a_command_that_would_run_a_value_is_refused_before_it_starts(
    tmp_path: Path, cmd: str
) -> None:
    done = Desk(tmp_path).run("-d", "who=x", flow=GREET % cmd)

    assert done.returncode == 2
    assert b"flow.yml:9:12: error: `$FLOE_IN_WHO`" in done.stderr
