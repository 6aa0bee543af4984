"""All packs that come with floe: their settings, pages and examples, and what they need."""

import importlib
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from floe.dialects.registry import flyte_findings
from floe.packs.shipped import SHIPPED
from floe.packs.shipped.chat import ChatSettings, chat_pack
from floe.packs.shipped.forge import ForgeSettings, forge_pack
from floe.packs.shipped.http import HttpSettings, http_pack
from floe.packs.shipped.mail import MailSettings, mail_pack
from floe.packs.shipped.shell import ShellSettings, shell_pack
from floe.packs.shipped.timer import TimerSettings, timer_pack
from floe.packs.testing import MemoryServer

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = (ROOT / "docs/shipped-packs.md").read_text()
FLOWS: Final = sorted((ROOT / "configs/examples/packs").glob("*.yaml"))
SETTINGS: Final[Mapping[str, Any]] = {
    "shell": ShellSettings,
    "http": HttpSettings,
    "chat": ChatSettings,
    "mail": MailSettings,
    "forge": ForgeSettings,
    "timer": TimerSettings,
}
PACKS: Final = (
    chat_pack({"CHAT_TOKEN": "x"}),
    forge_pack({"FORGE_TOKEN": "x"}),
    http_pack({}),
    mail_pack({"MAIL_HOST": "h"}),
    shell_pack({"SHELL_SCRIPTS": "true"}),
    timer_pack({}),
)


def test_each_pack_has_settings_and_an_example() -> None:
    assert SETTINGS.keys() == SHIPPED.keys() == {file.stem for file in FLOWS}


@pytest.mark.parametrize("name", SHIPPED)
def test_each_pack_is_a_program(name: str) -> None:
    module = importlib.import_module(f"floe.packs.shipped.{name}")

    assert f"`floe pack run {name}`" in PAGE
    assert module.__doc__
    assert callable(module.main)


@pytest.mark.parametrize("name", SETTINGS)
def test_page_has_each_setting(name: str) -> None:
    absent = [
        one.name
        for one in fields(SETTINGS[name])
        if f"`{name.upper()}_{one.name.upper()}`" not in PAGE
        and f"`{one.name}`" not in PAGE
        and f"`{one.name}.NAME`" not in PAGE
    ]

    assert absent == []


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_page_has_each_command_and_event(pack: Any) -> None:
    shape = pack.registration()
    names = [one["name"] for one in (*shape["commands"], *shape["events"])]

    assert [name for name in names if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("file", FLOWS, ids=lambda file: file.stem)
def test_flow_of_an_example_has_no_mistake(file: Path) -> None:
    assert flyte_findings(file.read_text(), file.name) == ()


@pytest.mark.parametrize("file", FLOWS, ids=lambda file: file.stem)
def test_flow_of_an_example_uses_commands_that_are_there(file: Path) -> None:
    commands = {
        (pack.name, one["name"]) for pack in PACKS for one in pack.registration()["commands"]
    }

    steps = yaml.safe_load(file.read_text())["steps"]
    used = {(step["command"]["packName"], step["command"]["name"]) for step in steps}

    assert used <= commands


def test_settings_of_the_examples_are_taken() -> None:
    folder = ROOT / "configs/examples/packs"
    shell = shell_pack({"SHELL_CONFIG": str(folder / "shell.toml")})
    timer = timer_pack({"TIMER_CONFIG": str(folder / "timer.toml"), "TIMER_STATE": ""})
    [http] = re.findall(r"# HTTP_CONFIG\n(.*?)\n\n", PAGE, re.DOTALL)

    assert (shell.name, timer.name) == ("Shell", "Ticker")
    assert tomllib.loads(http)["headers"]["api.example.org"]["Authorization"] == "Bearer 0123"


def test_packs_load_without_any_other_package() -> None:
    modules = ", ".join(f"floe.packs.shipped.{name}" for name in SHIPPED)
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {modules}, floe.packs.project"

    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def program(name: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A pack as a program, to its end."""
    return subprocess.run(
        [sys.executable, "-m", f"floe.packs.shipped.{name}"],
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_program_without_a_server_ends_with_a_sentence(name: str) -> None:
    ended = program(name, SHELL_SCRIPTS="true")

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("floe: set ")


def test_address_that_is_taken_ends_the_program_with_a_sentence() -> None:
    with MemoryServer() as server, socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        environment = {"CHAT_TOKEN": "x", "CHAT_SIGNING_SECRET": "y", "CHAT_BIND": at}
        ended = program("chat", FLYTE_API=server.url, FLYTE_HEALTH_BIND="", **environment)

    last = ended.stderr.splitlines()[-1]
    assert (ended.returncode, "Traceback" in ended.stderr) == (3, False)
    assert last == f"floe: CHAT_BIND: cannot listen at {at}: Address already in use"


def test_journal_that_is_none_ends_the_program_with_a_sentence(tmp_path: Path) -> None:
    with MemoryServer() as server:
        ended = program("http", FLYTE_API=server.url, FLYTE_JOURNAL=str(tmp_path))

    assert (ended.returncode, "Traceback" in ended.stderr) == (3, False)
    assert str(tmp_path) in ended.stderr.splitlines()[-1]
