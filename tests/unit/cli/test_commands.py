"""All commands together: help, documents, exit codes, and what loading them costs."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from floe.cli import main
from floe.cli.commands import COMMANDS, cli, exit_code
from floe.config import Flags
from floe.model.errors import Denied, FloeError, StoreBusy, Theirs, Yours

DOCS = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command with what one types for it."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", c) for sub, c in command.commands.items())


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_command_has_help_and_stands_in_the_documents(name: str, command: click.Command) -> None:
    shown = CliRunner().invoke(cli, [*name.split(), "--help"])
    options = {o for p in command.params for o in p.opts if isinstance(p, click.Option)}

    assert shown.exit_code == 0
    assert f"`floe {name}" in DOCS
    assert {option for option in options if f"`{option}" not in DOCS} <= {"--from"}


def test_every_option_of_a_host_that_starts_can_come_from_the_environment() -> None:
    flags = {field.name for field in fields(Flags)}
    host = cli.get_command(click.Context(cli), "host")
    assert host is not None
    options = {o.name: o.envvar for o in host.params if isinstance(o, click.Option)}

    others = {name: envvar for name, envvar in options.items() if name not in flags}
    assert others == {"log_level": "FLOE_LOG_LEVEL", "restored": None}


def loaded(*modules: str) -> set[str]:
    """What of the big libraries is loaded after importing some modules."""
    big = {"aiohttp", "git", "websockets", "msgpack", "rich", "psycopg", "cryptography"}
    script = (
        f"import sys, {', '.join(modules)}; print(*{big | {'asyncio', 'yaml'}} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_client_commands_load_nothing_big() -> None:
    clients = sorted(set(COMMANDS) - {"flyte", "host", "run", "check", "test"})

    assert loaded(*(f"floe.cli.{name}" for name in clients)) == set()


def test_run_loads_neither_server_nor_git() -> None:
    assert loaded("floe.cli.run", "floe.app", "floe.cli.live") <= {"asyncio", "yaml"}


def test_host_loads_what_is_seldom_needed_later() -> None:
    found = loaded("floe.cli.host", "floe.app", "floe.server.app")

    assert found <= {"asyncio", "yaml", "aiohttp"}


def test_command_without_its_subcommand_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["flyte"])

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("Usage: floe flyte [OPTIONS] COMMAND [ARGS]...\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Yours("x"), 2),
        (Denied("x"), 2),
        (Theirs("x"), 3),
        (StoreBusy("x"), 3),
    ],
)
def test_exit_code_names_who_can_mend_it(error: FloeError, code: int) -> None:
    assert exit_code(error) == code


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("triger", 2, "did you mean trigger?"),
        ("show ../x", 2, "'../x' is not a run id"),
        ("pack run nope", 2, "no pack nope comes with floe"),
        ("pack new json", 2, "json is a name of Python, pytest or floe"),
        ("rerun h1-1 --from build --failed", 2, "--from and --failed exclude each other"),
        ("trigger build -d x", 2, "'x' is not name=value"),
        ("check", 2, "name a file"),
        ("flows", 2, "floe login"),
        ("host -host_nme=a1", 2, "no option -host_nme; did you mean -host_name?"),
        ("-host_nme=a1", 2, "no option -host_nme; did you mean -host_name?"),
        ("host --host-nme a1", 2, "no option --host-nme; did you mean --host-name?"),
        ("runs --stat active", 2, "no option --stat; did you mean --state?"),
        ("give h1-1 -x", 2, "no option -x"),
        ("-v", 2, "no option -v"),
        ("watch --zzz", 2, "no option --zzz"),
        ("trigger", 2, "floe trigger needs a flow"),
        ("trigger", 2, "floe flows lists them; floe trigger [OPTIONS] FLOW"),
        ("run", 2, "floe run needs a file"),
        ("host --slots", 2, "--slots needs a value"),
        ("runs --limit=abc", 2, "--limit: 'abc' is not a whole number"),
        ("runz", 2, "no command runz; did you mean run"),
        ("runs more", 2, "unexpected extra argument (more)"),
    ],
)
def test_wrong_use_is_reported_in_a_sentence(
    line: str,
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("FLOE_TOKEN", raising=False)

    with pytest.raises(SystemExit) as ended:
        main(line.split())

    assert ended.value.code == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("colour", "is_painted"), [("NO_COLOR", False), ("FORCE_COLOR", True)])
def test_environment_decides_about_colours(
    colour: str, is_painted: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(colour, "1")
    (tmp_path / "bad.yml").write_text("x: 1")

    shown = CliRunner().invoke(cli, ["check", str(tmp_path)])

    assert ("\x1b[" in shown.output) == is_painted


def test_version_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "floe", "--version"], capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("floe 0.")


def test_completion_of_a_command_loads_none(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"_FLOE_COMPLETE": "bash_complete", "COMP_WORDS": "floe tr", "COMP_CWORD": "1"}

    done = subprocess.run(
        [sys.executable, "-m", "floe"], env=environment, capture_output=True, text=True, check=False
    )

    assert done.stdout == "plain,trigger\n"


def test_check_reads_directories_and_standard_input(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yaml").write_text("flows: [{name: A, nme: x}]")
    (tmp_path / "not.txt").write_text("x")

    shown = CliRunner().invoke(cli, ["check", str(tmp_path), "-", "--json"], input="flows: []")

    assert shown.exit_code == 1
    assert f'"file": "{tmp_path}/sub/a.yaml"' in shown.output
    assert "did you mean `name`?" in shown.output or '"hint"' in shown.output
