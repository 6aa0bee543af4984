"""The command line: `floe`. Each command is a file of its own and loaded when it is called.

Talks to a host over HTTP with the standard library; knows nothing of the hub but for `floe host`
and `floe run`, which start one through `app`.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from floe import __version__
from floe.cli.argv import modern
from floe.cli.paint import clean, told
from floe.cli.streams import drop_output, is_somewhere, is_unwritten, open_streams
from floe.model.errors import ConfigInvalid, FloeError, ValuesInvalid, World, Yours
from floe.model.visible import visible

COMMANDS: Final = {
    "cancel": "end a run and all its commands",
    "check": "validate configs and flow-files",
    "flows": "list the flows of a host",
    "give": "answer the form of a run",
    "host": "start a host; reload, drain or forget one",
    "hosts": "list the hosts and how busy they are",
    "leases": "who holds which resource, and who waits",
    "log": "print what a node wrote",
    "login": "keep a host's address and token for the other commands",
    "rerun": "run a run again from a node (not yet)",
    "run": "run one flow here and now, without a host",
    "runs": "list runs, newest first",
    "show": "one run: its nodes, times and forms",
    "trigger": "start a run",
    "watch": "follow the live feed",
    "why": "what a run waits for, or why it ended",
}
"""Every command with its line of help: `floe --help` loads none of them."""

YOURS, THEIRS = 2, 3
"""Exit codes besides 0 (good) and 1 (bad): wrong use or input; a host, or this machine, fails."""

INTERRUPTED, UNREAD = 130, 141
"""Exit codes as of a shell: after ^C; where the reader has left, as `head` does."""


class ReaderLeft(Exception):
    """Whoever reads what is printed has left."""


class Lazy(click.Group):
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
            raise ReaderLeft from None  # click would call it an exit with 1

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
            if near:
                raise click.UsageError(f"{error.message} Did you mean {near[0]}?", ctx) from None
            raise


def _colour() -> bool | None:
    """Whether to paint; None: where a terminal is. Source: no-color.org, force-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def _print_version(ctx: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        click.echo(f"floe {__version__}")
        ctx.exit()


@click.group(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
A host is found by FLOE_URL and FLOE_TOKEN, else by what `floe login` kept.
`floe -tags=linux -admin=@FILE …` is `floe host`, as the original spelt it.
Exit codes: 0 good, 1 bad, 2 wrong use or input, 3 no answer from a host or this
machine refuses, 130 after ^C. Completion: eval "$(_FLOE_COMPLETE=bash_source floe)"
(or zsh_source, fish_source).""",
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


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit; errors are sentences, never tracebacks."""
    open_streams()
    words = modern(sys.argv[1:] if argv is None else argv)
    try:
        status = cli.main(words, prog_name="floe", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(YOURS)
    except FloeError as error:
        complain(error)
        sys.exit(exit_code(error))
    except (ReaderLeft, BrokenPipeError):
        drop_output()
        sys.exit(UNREAD)
    except OSError as error:
        complain(_refused(error))
        drop_output()
        sys.exit(THEIRS)
    sys.exit(status if isinstance(status, int) else 0)


def _refused(error: OSError) -> World:
    """What this machine refused, in a sentence."""
    why = error.strerror or str(error)
    if is_unwritten(error):
        return World(f"standard output cannot be written: {why}")
    if error.filename is not None:
        return World(f"{os.fsdecode(error.filename)}: {why}")
    if not is_somewhere():
        return World("the current folder is gone", "change to another one")
    return World(why)


def complain(error: FloeError) -> None:
    """Print an error: what, then every part of it, then what to try."""
    if isinstance(error, ConfigInvalid):
        for finding in error.findings:
            click.echo(visible(str(finding), keep="\n"), err=True)
        return
    if isinstance(error, ValuesInvalid):
        click.echo("floe: the values do not fit the form", err=True)
        for name, wrong in error.fields.items():
            click.echo(f"    {clean(name)}: {clean(wrong)}", err=True)
        return
    click.echo(f"floe: {told(error.what)}", err=True)
    if error.hint:
        click.echo(f"    try: {clean(error.hint)}", err=True)


def exit_code(error: FloeError) -> int:
    """2 where the caller can mend it, 3 where a host or the machine must."""
    return YOURS if isinstance(error, Yours) else THEIRS
