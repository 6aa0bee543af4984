"""A host that starts in the plain form does what the full command does, without its libraries."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from floe.cli.commands import cli
from floe.cli.plain_host import plain
from floe.config import Flags

LINES = (
    "",
    "--tags linux,go --host-name a1",
    "--tags=linux,go --admin=x=y --log-level warning",
    "--conf a.yml --conf b.yml --slots 3",
    "--dev=false --insecure true --root=",
)


@pytest.mark.parametrize("line", LINES)
def test_plain_command_line_gives_what_click_reads(line: str) -> None:
    host = cli.get_command(click.Context(cli), "host")
    assert host is not None

    read = plain(line.split(), {})

    params = host.make_context("host", line.split()).params
    level = params.pop("log_level")
    assert not params.pop("restored")
    assert read == (Flags(**params), level)


@pytest.mark.parametrize(
    "line",
    [
        "reload",
        "--help",
        "--dev",
        "--dev --tags a",
        "--restored",
        "--host-nme a1",
        "--tags",
        "--log-level loud",
        "x --tags a",
        "--",
    ],
)
def test_other_command_line_is_left_to_the_full_command(line: str) -> None:
    assert plain(line.split(), {}) is None


def test_log_level_comes_from_the_environment() -> None:
    assert plain([], {"FLOE_LOG_LEVEL": "debug"}) == (Flags(), "debug")


def test_wrong_log_level_in_the_environment_is_left_to_the_full_command() -> None:
    assert plain([], {"FLOE_LOG_LEVEL": "loud"}) is None


SERVE = """
import sys, floe.app
from floe.cli import main
from floe.trust import load_aiohttp
async def serve(config, announce):
    load_aiohttp()
    import floe.server.app
    unused = {"click", "aiohttp.client", "aiohttp.connector", "aiohttp.tracing"}
    unused |= {"asyncssh", "cryptography", "re2"}
    print(config.host_name, *unused & set(sys.modules))
floe.app.serve = serve
main(["host", "--host-name", "a1", "-root=" + sys.argv[1]])
"""


def test_plain_host_loads_neither_click_nor_a_client_nor_what_only_secrets_and_ssh_need(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
    )

    assert done.stdout == "a1\n"


def test_mistake_in_a_config_is_printed_as_by_the_full_command(tmp_path: Path) -> None:
    (tmp_path / "f.yml").write_text("common: {slots: x}\n")
    floe = [sys.executable, "-m", "floe", "host", "--conf", "f.yml"]

    ended = [
        subprocess.run([*floe, *more], capture_output=True, text=True, cwd=tmp_path)
        for more in ([], ["--dev"])  # with `--dev` click reads the command line
    ]

    assert ended[0].returncode == ended[1].returncode == 2
    assert "f.yml:1" in ended[0].stderr
    assert ended[0].stderr == ended[1].stderr
