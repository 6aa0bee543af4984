"""The text for the far shell: every argument is one, and no text is code."""

import signal
import subprocess

import pytest

from floe.ssh.far_end import command, first_line, script

MARK = "end-of-it"
HOSTILE = "$(touch pwned) `touch pwned` ; touch pwned' \" \\ \n* $HOME ü"


def ran(line: str, text: str = "") -> "subprocess.CompletedProcess[bytes]":
    """What a login shell does with a far command line, with a text on standard input."""
    return subprocess.run(
        ["sh", "-c", line], input=text.encode(), capture_output=True, start_new_session=True
    )


def ran_connected(text: str) -> tuple[int, bytes]:
    """The status and the output of a script whose input stays open, as that of a connection."""
    argv, pipe = ["sh", "-c", first_line(MARK)], subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, start_new_session=True) as shell:
        assert shell.stdin and shell.stdout  # noqa: PT018 - both are pipes
        shell.stdin.write(text.encode())
        shell.stdin.flush()
        printed = shell.stdout.read()
        return shell.wait(), printed


def test_arguments_and_values_arrive_as_they_are() -> None:
    line = command(("sh", "-c", 'printf %s "$A$1"', "sh", HOSTILE), [f"A={HOSTILE}"], "")

    assert ran(line).stdout.decode() == HOSTILE + HOSTILE


def test_command_of_a_folder_that_is_missing_does_not_run() -> None:
    done = ran(command(("echo", "ran"), (), "/nonexistent"))

    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize("status", [0, 3, 143])
def test_script_ends_with_the_status_of_its_command(status: int) -> None:
    argv = ("sh", "-c", f"echo {'x' * 100}; exit {status}")

    done, printed = ran_connected(script(argv, ["A=1"], "", grace_s=0, silence_s=60, mark=MARK))

    assert (done, printed) == (status, b"x" * 100 + b"\n")


def test_script_ends_its_command_at_the_end_of_its_input() -> None:
    text = script(("sleep", "600"), (), "", grace_s=0, silence_s=60, mark=MARK)

    done = ran(first_line(MARK), text)

    assert done.returncode in (128 + signal.SIGTERM, -signal.SIGKILL)


def test_script_ends_its_command_after_a_silence() -> None:
    text = script(("sleep", "600"), (), "", grace_s=0, silence_s=0.1, mark=MARK)

    done, _ = ran_connected(text)

    assert done in (128 + signal.SIGTERM, -signal.SIGKILL)


def test_line_that_the_login_shell_reads_has_no_quotes_inside_and_one_line() -> None:
    line = first_line("a1")

    assert (line.count("'"), "\n" in line, "!" in line) == (2, False, False)


def test_shell_has_no_trap_when_it_starts_the_watcher() -> None:
    """Else the watcher would lose the TERM of a short command's end: the session would not end."""
    text = script(("true",), (), "", grace_s=0, silence_s=60, mark=MARK)

    before, _, after = text.partition("& w=$!\n")

    main = before.partition("sh -c ")[0]
    assert ("trap" in main, after.startswith("trap : TERM")) == (False, True)
