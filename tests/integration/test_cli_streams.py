"""floe where nobody reads, nothing can be written, or nothing is where it usually is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = """\
name: F
triggers: [{name: start, type: data}]
tasks:
  - {name: a, type: exec, listen: trigger.good, opts: {cmd: echo hiß}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "f.yml").write_text(FLOW, encoding="utf-8")
    return tmp_path


def floe(folder: Path, words: str, **env: str) -> tuple[int, str]:
    """Exit code of a line for a shell, in which $FLOE is floe, and what it wrote to `err`."""
    usual = {k: v for k, v in os.environ.items() if not k.startswith(("FLOE", "LC_", "LANG"))}
    own = {"FLOE": f"{sys.executable} -m floe", "HOME": str(folder), **env}
    done = subprocess.run(["bash", "-c", words], cwd=folder, env=usual | own, check=False)
    err = folder / "err"
    return done.returncode, err.read_text() if err.exists() else ""


CLOSED = (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full")


@pytest.mark.parametrize("how", CLOSED)
@pytest.mark.parametrize(
    ("command", "code"), [("run f.yml", 0), ("check no.yml", 1), ("runs", 2), ("--version", 0)]
)
def test_exit_code_is_true_where_nobody_reads(
    folder: Path, command: str, code: int, how: str
) -> None:
    found, err = floe(folder, f"$FLOE {command} 2>err {how}")

    assert (found, "Traceback" in err) == (code, False)


@pytest.mark.parametrize("command", ["run f.yml", "run --json f.yml", "check --schema", "--help"])
def test_output_that_cannot_be_written_is_reported_and_exits_with_3(
    folder: Path, command: str
) -> None:
    code, err = floe(folder, f"$FLOE {command} 2>err >/dev/full")

    assert (code, err) == (3, "floe: standard output cannot be written: No space left on device\n")


@pytest.mark.parametrize("command", ["run f.yml", "check --schema", "--help"])
def test_output_that_nobody_reads_to_its_end_exits_with_141(folder: Path, command: str) -> None:
    code, err = floe(folder, f"$FLOE {command} 2>err | true; exit ${{PIPESTATUS[0]}}")

    assert (code in (0, 141), err) == (True, "")


def test_file_that_is_opened_does_not_get_the_number_of_a_closed_stream(folder: Path) -> None:
    flow = FLOW.replace("echo hiß", "readlink -e /proc/self/fd/0")
    (folder / "f.yml").write_text(flow, encoding="utf-8")

    code, err = floe(folder, "$FLOE run f.yml >out 2>err <&-")

    assert (code, err, "/dev/null" in (folder / "out").read_text()) == (0, "", True)


@pytest.mark.parametrize("command", ["run f.yml", "host", "host --root r"])
def test_folder_that_is_gone_is_named(folder: Path, command: str) -> None:
    words = f"err=$PWD/err; mkdir g; cd g; rmdir ../g; $FLOE {command} 2>$err"

    code, err = floe(folder, words, PYTHONPATH=str(Path(__file__).parents[2]))

    assert (code, err.splitlines()[0]) == (3, "floe: the current folder is gone")


@pytest.mark.parametrize(
    "env",
    [
        {"HOME": ""},
        {"HOME": "/nonexistent"},
        {"HOME": "/proc"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"TERM": "dumb", "COLUMNS": "x"},
        {"TERM": "", "NO_COLOR": "1"},
        {"TMPDIR": "/nonexistent"},
    ],
)
def test_flow_runs_in_an_odd_environment(folder: Path, env: dict[str, str]) -> None:
    assert floe(folder, "$FLOE run f.yml 2>err >out", **env) == (0, "")


def test_characters_that_a_terminal_has_not_are_replaced(folder: Path) -> None:
    code, err = floe(folder, "$FLOE run f.yml >out 2>err", PYTHONIOENCODING="latin-1")

    shown = (folder / "out").read_text(encoding="latin-1")
    assert (code, err, "? task.a" in shown, "hiß" in shown) == (0, "", True, True)


def test_home_that_cannot_be_written_is_named(folder: Path) -> None:
    code, err = floe(folder, "$FLOE login --token x 2>err", HOME="/proc", FLOE_URL="http://[::1]:1")

    assert (code, "Traceback" in err) == (3, False)


def test_home_that_cannot_be_read_is_not_needed_with_address_and_token(folder: Path) -> None:
    (folder / ".config" / "floe" / "client.json").mkdir(parents=True)
    env = {"FLOE_URL": "http://127.0.0.1:1", "FLOE_TOKEN": "x"}

    code, err = floe(folder, "$FLOE runs 2>err", **env)

    assert (code, "client.json" in err) == (3, False)
