"""`floe host` in its plain form, options with a value each: without `click`, which a host keeps in
memory as long as it runs.

Rules of this file: no import of `click`, unless an error has to be printed. Help, subcommands and
every mistake in the command line are left to `host`.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast, get_args

from floe import logs
from floe.cli.argv import modern
from floe.cli.streams import open_streams
from floe.config import Flags, HostConfig, load, read_local, which_conf
from floe.model.errors import FloeError

if TYPE_CHECKING:
    from floe.server.app import Server

FAILED: Final = 1
"""Exit code of a host that met a bug in floe."""

LEVELS: Final = get_args(logs.Level)

_OPTIONS: Final = {
    "--" + name.replace("_", "-"): name
    for name in (*(field.name for field in fields(Flags)), "log_level")
}


def start(words: list[str]) -> list[str] | None:
    """Run a plain host until it is stopped; the command line if `host` has to do it."""
    given = plain(modern(words)[1:], os.environ)
    if given is None:
        return words
    open_streams()
    try:
        run_host(*given)
    except (Exception, KeyboardInterrupt) as error:
        from floe.cli.commands import end_with

        end_with(error, words)
    return None


def plain(words: Sequence[str], environ: Mapping[str, str]) -> tuple[Flags, logs.Level] | None:
    """The flags and the log level of a command line; None if it is not plain."""
    given: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option not in _OPTIONS:
            return None
        if not equals:
            value = next(rest, "-")
            if value.startswith("-"):  # `--dev`, or a mistake
                return None
        given[_OPTIONS[option]] = value
    level = given.pop("log_level", environ.get("FLOE_LOG_LEVEL") or "info")
    return (Flags(**given), cast(logs.Level, level)) if level in LEVELS else None


def run_host(flags: Flags, level: logs.Level) -> None:
    """Run a host until it is stopped. Raises FloeError."""
    logs.set_up(level)
    conf = which_conf(flags, os.environ, Path.cwd())
    config = load(flags, os.environ, read_local(conf.name), conf.name)
    import structlog  # after its set-up

    from floe.app import serve  # the hub and its libraries load only for a host
    from floe.tasks import causes

    log = structlog.get_logger()
    log.info("config.read", path=conf.name, why=conf.why)
    try:
        asyncio.run(serve(config, lambda _, server: _announce(config, server)))
    except FloeError:
        raise
    except Exception as error:
        # The cause is unknown. A host that stops is noticed and restarted; one that keeps running
        # in a half-working state is not. Nothing is lost by stopping.
        hint = "a bug in floe: commands keep running, and the next start finds them"
        log.exception("host.failed", error="; ".join(causes(error)), hint=hint)
        raise SystemExit(FAILED) from None


def _announce(config: HostConfig, server: "Server") -> None:
    """Print the addresses for people; in a log these are fields of its lines."""
    from floe.config.admin_token import token_path

    if not sys.stderr.isatty():
        return
    sys.stderr.write(f"floe {config.host_name} is ready: {server.urls[0]}/app/dash\n")
    if not config.admin:
        sys.stderr.write(f"log in with the token in {token_path(config.root)}\n")
