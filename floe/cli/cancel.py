"""`floe cancel`: end a run and all its commands."""

import click

from floe.cli.arguments import RUN
from floe.cli.client import connected, path
from floe.cli.formats import as_json


@click.command()
@click.argument("run", type=RUN)
@click.option("--why", default="", metavar="TEXT", help="The reason, kept with the run.")
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(run: str, why: str, json_: bool) -> None:
    """End a run and all its processes: TERM, and KILL after the grace of its tasks.

    \b
    Example:
      floe cancel h1-12 --why "wrong branch"
    """
    shape = connected().post(path("runs", run, "cancel"), {"why": why})
    if json_:
        as_json(shape)
    else:
        click.echo(f"{shape['id']} is being cancelled")
