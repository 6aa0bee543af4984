"""The pack that runs programs: what it allows, and how what it runs ends."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from floe.packs.shipped.configuration import WrongSetting
from floe.packs.shipped.shell import shell_pack
from floe.packs.testing import MemoryServer

pytestmark = pytest.mark.slow

TOML: Final = """
folder = "/"
folders = ["{folder}"]
variables = ["COLOUR"]
timeout_s = {timeout_s}
output_bytes = 1000

[programs]
show = ["printf", "<%s>"]
env = ["env"]
here = ["pwd"]
cat = ["cat"]
absent = ["/no/such/program"]

[programs.sh]
run = ["sh", "-c"]
arguments = ".*"

[programs.build]
run = ["echo", "build"]
arguments = "[a-z]+"
"""


def a_file(folder: Path, text: str) -> dict[str, str]:
    path = folder / "shell.toml"
    path.write_text(text)
    return {"SHELL_CONFIG": str(path)}


class Shell:
    """The pack at a server in memory."""

    def __init__(self, server: MemoryServer) -> None:
        self.server = server

    def run(self, input: Any) -> dict[str, Any]:
        payload: dict[str, Any] = self.server.carry_out("Shell", input).payload
        return payload


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    environment = a_file(tmp_path, TOML.format(folder=tmp_path, timeout_s=30))
    with MemoryServer() as server, shell_pack(environment).in_background(server.settings()):
        yield Shell(server)


@pytest.fixture
def hurried(tmp_path: Path) -> Iterator[Shell]:
    environment = a_file(tmp_path, TOML.format(folder=tmp_path, timeout_s=0.3))
    with MemoryServer() as server, shell_pack(environment).in_background(server.settings()):
        yield Shell(server)


def test_result_has_the_members_of_flytes_own_pack(shell: Shell) -> None:
    assert shell.run({"program": "sh", "arguments": ["echo a; echo b >&2; exit 3"]}) == {
        "stdout": "a\n",
        "stderr": "b\n",
        "exit_code": 3,
        "timed_out": False,
        "cut": False,
    }


@pytest.mark.parametrize(
    "hostile",
    ["$(id)", "`id`", "; id", "&& id", "| id", "> /tmp/x", "$HOME", "*", "a\nb"],
)
def test_no_part_of_an_argument_reaches_a_shell(shell: Shell, hostile: str) -> None:
    assert shell.run({"program": "show", "arguments": [hostile]})["stdout"] == f"<{hostile}>"


def test_text_is_split_as_a_shell_does_and_nothing_in_it_is_expanded(shell: Shell) -> None:
    assert shell.run("show 'a b' $(id) ;id")["stdout"] == "<a b><$(id)><;id>"


@pytest.mark.parametrize("input", ["rm -rf /x", "/bin/show x", {"program": "../show"}])
def test_program_that_the_configuration_does_not_have_is_refused(shell: Shell, input: Any) -> None:
    ended = shell.run(input)

    assert (ended["exit_code"], ended["stdout"]) == (126, "")
    assert "add it to SHELL_CONFIG" in ended["stderr"]


@pytest.mark.parametrize(
    "input",
    ["show --help", "build prod;id", "build PROD", {"program": "build", "arguments": ["a\n"]}],
)
def test_argument_that_does_not_match_is_refused(shell: Shell, input: Any) -> None:
    ended = shell.run(input)

    assert ended["exit_code"] == 126
    assert "its `arguments` in SHELL_CONFIG" in ended["stderr"]


@pytest.mark.parametrize("input", ["", " ", None, 5, [], "show 'a", {"program": "show\0"}, {}])
def test_input_that_is_none_ends_with_1(shell: Shell, input: Any) -> None:
    ended = shell.run(input)

    assert (ended["exit_code"], ended["stderr"] != "") in {(1, True), (126, True)}


def test_program_gets_no_variable_of_the_pack(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLYTE_JWT", "secret")

    assert shell.run("env")["stdout"] == "PATH=/usr/bin:/bin\n"


def test_input_sets_the_variables_that_are_allowed_and_no_others(shell: Shell) -> None:
    allowed = shell.run({"program": "env", "environment": {"COLOUR": "red"}})
    refused = shell.run({"program": "env", "environment": {"LD_PRELOAD": "/tmp/x.so"}})

    assert "COLOUR=red\n" in allowed["stdout"]
    assert (refused["exit_code"], "'LD_PRELOAD'" in refused["stderr"]) == (126, True)


def test_link_out_of_the_allowed_folders_is_refused(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "link").symlink_to("/etc")

    inside = shell.run({"program": "here", "folder": str(tmp_path / "inside")})
    outside = [
        shell.run({"program": "here", "folder": folder})["exit_code"]
        for folder in (f"{tmp_path}/link", f"{tmp_path}/../..", "/etc", "etc")
    ]

    assert inside["stdout"] == f"{tmp_path}/inside\n"
    assert outside == [126, 126, 126, 126]


def test_folder_and_program_that_are_absent_are_named(shell: Shell, tmp_path: Path) -> None:
    no_folder = shell.run({"program": "here", "folder": f"{tmp_path}/no"})
    no_program = shell.run("absent")

    assert (no_folder["exit_code"], f"{tmp_path}/no" in no_folder["stderr"]) == (127, True)
    assert no_program["stderr"] == "/no/such/program: No such file or directory"


def test_standard_input_is_what_the_input_has_and_empty_otherwise(shell: Shell) -> None:
    assert shell.run({"program": "cat", "stdin": "a line\n"})["stdout"] == "a line\n"
    assert shell.run("cat")["stdout"] == ""


def test_program_that_does_not_read_its_input_ends(shell: Shell) -> None:
    assert shell.run({"program": "env", "stdin": "x" * 1_000_000})["exit_code"] == 0


def test_output_above_the_limit_is_dropped_and_the_program_goes_on(shell: Shell) -> None:
    ended = shell.run({"program": "sh", "arguments": ["yes | head -c 1000000; exit 4"]})

    assert (len(ended["stdout"]), ended["cut"], ended["exit_code"]) == (1000, True, 4)


def test_output_that_is_no_text_is_replaced(shell: Shell) -> None:
    assert shell.run({"program": "sh", "arguments": ["printf '\\377'"]})["stdout"] == "\ufffd"


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def ends(pid: int) -> bool:
    deadline = time.monotonic() + 30
    while is_running(pid) and time.monotonic() < deadline:
        os.sched_yield()
    return not is_running(pid)


def test_program_that_is_late_ends_with_all_its_children(hurried: Shell) -> None:
    late = hurried.run({"program": "sh", "arguments": ["sleep 60 & echo $!; wait"]})

    assert (late["exit_code"], late["timed_out"], ends(int(late["stdout"]))) == (124, True, True)


def test_child_that_a_program_leaves_behind_ends_with_it(shell: Shell) -> None:
    ended = shell.run({"program": "sh", "arguments": ["sleep 60 & echo $!"]})

    assert (ended["exit_code"], ends(int(ended["stdout"]))) == (0, True)


def test_child_that_leaves_the_group_does_not_keep_the_result(shell: Shell) -> None:
    ended = shell.run({"program": "sh", "arguments": ["setsid sleep 5 & sleep 0.1; echo done"]})

    assert ended["stdout"] == "done\n"


def test_program_ends_with_the_pack(tmp_path: Path) -> None:
    environment = a_file(tmp_path, TOML.format(folder=tmp_path, timeout_s=60))
    with MemoryServer() as server:
        with shell_pack(environment).in_background(server.settings(grace_s=0)):
            script = f"echo $$ > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/pid; exec sleep 60"
            action = server.offer("Shell", {"program": "sh", "arguments": [script]})
            while not (tmp_path / "pid").exists():
                os.sched_yield()
        result = server.result(action)

    assert (result.name, ends(int((tmp_path / "pid").read_text()))) == ("FATAL", True)


def test_memory_of_a_program_is_limited(tmp_path: Path) -> None:
    text = 'memory_bytes = 100_000_000\n[programs]\nwords = ["printf", "%s|"]\n'
    huge = [sys.executable, "-SE", "-c", "bytearray(1_000_000_000)"]
    environment = a_file(tmp_path, f"{text}huge = {huge}\n")
    with MemoryServer() as server, shell_pack(environment).in_background(server.settings()):
        small = Shell(server).run("words 'a b' '$(id)'")
        ended = Shell(server).run("huge")

    assert (small["exit_code"], small["stdout"]) == (0, "a b|$(id)|")
    assert (ended["exit_code"], "MemoryError" in ended["stderr"]) == (1, True)


def test_scripts_run_as_in_flytes_own_pack_where_they_are_allowed() -> None:
    environment = {"SHELL_SCRIPTS": "true"}
    with MemoryServer() as server, shell_pack(environment).in_background(server.settings()):
        assert Shell(server).run("x=3; echo $((x + 1))")["stdout"] == "4\n"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "the pack may run nothing: name a file in SHELL_CONFIG, with programs in it"),
        ("[programs]\nx = []", "SHELL_CONFIG: programs.x is empty"),
        ("[programs.x]\nrun = ['x']\narguments = '('", "programs.x.arguments"),
        ("[programms]\n", "no setting programms; did you mean programs?"),
        ("timeout_s = 'soon'", "SHELL.timeout_s is a text, not a number"),
        ("programs = ", "shell.toml: "),
    ],
)
def test_wrong_configuration_is_refused_at_the_start(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(WrongSetting) as refused:
        shell_pack(a_file(tmp_path, text))

    assert wrong in str(refused.value)


def test_slip_in_a_variable_is_refused_and_those_of_others_are_not() -> None:
    with pytest.raises(WrongSetting, match="did you mean SHELL_SCRIPTS"):
        shell_pack({"SHELL_SCRIPT": "true"})

    assert shell_pack({"SHELL_SCRIPTS": "true", "SHELL_SESSION_ID": "x"}).name == "Shell"
