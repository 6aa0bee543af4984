"""`floe flyte`: serve the API of flyte by one command, check its flows, and move in."""

import click

from floe.cli import flyte_check, flyte_import, flyte_serve, flyte_try


@click.group()
def command() -> None:
    """Serve flyte's packs and flows, and move in. docs/flyte.md has all about them."""


command.add_command(flyte_check.command, "check")
command.add_command(flyte_import.command, "import")
command.add_command(flyte_serve.command, "serve")
command.add_command(flyte_try.command, "try")
