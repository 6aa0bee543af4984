"""All commands of `floe`, and how each of them ends.

Commands talk to a host over HTTP with the standard library. Only `floe host` and `floe run` use the
hub: they start one through `app`.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import click
from click.shell_completion import CompletionItem

from floe import __version__
from floe.cli.argv import modern
from floe.cli.formats import clean, sentence
from floe.cli.streams import drop_output, is_somewhere, is_unwritten, open_streams
from floe.model.errors import ConfigInvalid, FloeError, ValuesInvalid, World, Yours
from floe.model.visible import visible

COMMANDS: Final = {
    "cancel": "end a run and all its commands",
    "check": "validate configs and flow-files",
    "flows": "list the flows of a host",
    "flyte": "serve flyte's packs by one command, check its flows, and move in",
    "give": "answer the form of a run",
    "host": "start a host; reload, drain or forget one",
    "hosts": "list the hosts, their load and problems",
    "inbox": "list events that wait for their runs, and what was wrong",
    "leases": "list held resources and waiting runs",
    "log": "print the output of a node",
    "login": "store a host's address and token",
    "pack": "make packs, and run those that come with floe",
    "prune": "remove ended runs and workspaces that are not kept",
    "rerun": "start an ended run again, as a whole or in part",
    "run": "run one flow in this terminal, without a host",
    "runs": "list runs, newest first",
    "secret": "set, list and remove secrets of a host, and replace their key",
    "show": "show one run: nodes, times and forms",
    "store": "derive the lists of a stopped host again",
    "test": "try flows against their tests; nothing runs",
    "trigger": "start a run",
    "watch": "follow the live feed",
    "why": "explain why a run waits, or why it ended",
}
"""Every command with its line of help: `floe --help` loads none of them."""

YOURS, THEIRS = 2, 3
"""Exit codes besides 0 (good) and 1 (bad): wrong usage or input; a host or this machine fails."""

INTERRUPTED, UNREAD = 130, 141
"""Exit codes as in a shell: after ^C; if the reader has closed the pipe, as `head` does."""


class ReaderLeft(Exception):
    """The reader of a command's output has closed it."""


class LazyCommand(click.Group):
    """Loads a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"floe.cli.{cmd_name}").command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)  # prints the help, too
        except BrokenPipeError:
            raise ReaderLeft from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderLeft from None  # click would turn it into exit code 1

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = [CompletionItem(n, help=h) for n, h in COMMANDS.items() if n.startswith(incomplete)]
        return found or super().shell_complete(ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib  # only a mistyped command needs it

        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"no command {args[0]}{meant}", ctx) from error


def _colour() -> bool | None:
    """Whether to use colours; None: on a terminal only. Source: no-color.org, force-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def _print_version(ctx: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        click.echo(f"floe {__version__}")
        ctx.exit()


@click.group(
    cls=LazyCommand,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
The address and token of the host come from FLOE_URL and FLOE_TOKEN (the token, or
@FILE), else from `floe login`. Exit codes: 0 good, 1 bad, 2 wrong use or input, 3 no reply from a
host or a problem of this machine, 130 after ^C.
Completion: eval "$(_FLOE_COMPLETE=bash_source floe)" (or zsh_source, fish_source).
The options of the original floe work too: `floe -tags=linux` is `floe host`.""",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """floe runs workflows on your own machines."""
    ctx.color = _colour()


def run(words: Sequence[str]) -> None:
    """Run a command and exit; errors are sentences, never tracebacks."""
    open_streams()
    try:
        asked = modern(words) or ["--help"]
        status = cli.main(asked, prog_name="floe", standalone_mode=False)
        sys.stdout.flush()
    except Exception as error:
        end_with(error, words)
    sys.exit(status if isinstance(status, int) else 0)


def end_with(error: Exception | KeyboardInterrupt, words: Sequence[str]) -> NoReturn:
    """End a command with an error as a sentence. An error that is none of these is raised again."""
    match error:
        case click.exceptions.Abort():  # click has ended the line of the ^C
            sys.exit(INTERRUPTED)
        case KeyboardInterrupt():
            click.echo(err=True)
            sys.exit(INTERRUPTED)
        case click.exceptions.NoArgsIsHelpError():  # its message is the help
            click.echo(error.format_message(), err=True)
            sys.exit(YOURS)
        case click.ClickException():
            from floe.cli.usage import usage_error  # only a wrong command line needs it

            complain(usage_error(error, words))
            sys.exit(YOURS)
        case FloeError():
            complain(error)
            sys.exit(exit_code(error))
        case ReaderLeft() | BrokenPipeError():
            drop_output()
            sys.exit(UNREAD)
        case OSError():
            complain(_refused(error))
            drop_output()
            sys.exit(THEIRS)
        case _:
            raise error


def _refused(error: OSError) -> World:
    """The refusal of this machine, as a sentence."""
    why = error.strerror or str(error)
    if is_unwritten(error):
        return World(f"standard output cannot be written: {why}")
    if error.filename is not None:
        return World(f"{os.fsdecode(error.filename)}: {why}")
    if not is_somewhere():
        return World("the current folder is gone", "change to a different one")
    return World(why)


def complain(error: FloeError) -> None:
    """Print the error of a command: the mistake, its parts, then the hint."""
    if isinstance(error, ConfigInvalid):
        for finding in error.findings:
            click.echo(visible(str(finding), keep="\n"), err=True)
        return
    if isinstance(error, ValuesInvalid):
        click.echo("floe: the values do not fit the form", err=True)
        for name, wrong in error.fields.items():
            click.echo(f"    {clean(name)}: {clean(wrong)}", err=True)
        return
    click.echo(f"floe: {sentence(error.what)}", err=True)
    if error.hint:
        click.echo(f"    try: {clean(error.hint)}", err=True)


def exit_code(error: FloeError) -> int:
    """The exit code of a command: 2 if the caller can fix the error, 3 if a host must."""
    return YOURS if isinstance(error, Yours) else THEIRS
