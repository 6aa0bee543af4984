"""`floe pack`: make the project of a pack, and run the packs that come with floe."""

import importlib
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from floe.model.errors import Yours


def _shipped(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from floe.packs.shipped import SHIPPED

    found = SHIPPED.items()
    return [CompletionItem(name, help=line) for name, line in found if name.startswith(incomplete)]


@click.group()
def command() -> None:
    """Make packs, and run those that come with floe. docs/packs.md has all about them."""


@command.command()
@click.argument("name")
@click.option(
    "--into",
    metavar="DIR",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path(),
    help="Where the folder of the project goes.  [the current folder]",
)
def new(name: str, into: Path) -> None:
    """Make the project of a pack in a new folder: a pack that runs, and a test that passes.

    The folder gets the name as Python spells it: "My pack" becomes my_pack. It has the pack, its
    test, a flow that calls it, pyproject.toml, a README and a unit of systemd. A folder that exists
    is left alone.

    \b
    Examples:
      floe pack new greeter
      cd greeter && python -m pytest
      FLYTE_API=http://127.0.0.1:8080/flyte FLYTE_JWT=... python greeter.py
    """
    from floe.packs.project import WrongName, make_project

    try:
        folder = make_project(name, into)
    except WrongName as error:
        raise Yours(str(error)) from None
    except FileExistsError as error:
        raise Yours(f"{error.filename} exists already", "a different name, or --into DIR") from None
    click.echo(f"{folder} is a pack. Test it, and start it:")
    click.echo(f"    cd {folder} && python -m pytest")
    click.echo(f"    FLYTE_API=http://127.0.0.1:8080/flyte FLYTE_JWT=... python {folder.name}.py")


@command.command()
@click.argument("name", required=False, shell_complete=_shipped)
def run(name: str | None) -> None:
    """Run a pack that comes with floe, until it is stopped (SIGTERM or ^C).

    Without a name it lists them. FLYTE_API is the address of the server's API, and FLYTE_JWT a
    token. docs/shipped-packs.md has the settings of each pack.

    \b
    Examples:
      FLYTE_API=http://127.0.0.1:8080/flyte FLYTE_JWT=... floe pack run timer
    """
    from floe.packs.shipped import SHIPPED

    if name is None:
        for one, line in SHIPPED.items():
            click.echo(f"{one:8}{line}")
        return
    if name not in SHIPPED:
        raise Yours(f"no pack {name} comes with floe", f"one of {', '.join(SHIPPED)}")
    importlib.import_module(f"floe.packs.shipped.{name}").main()
