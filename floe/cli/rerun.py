"""`floe rerun`: run a run again from one of its nodes; not yet."""

import click

from floe.cli.names import NODE, RUN
from floe.model.errors import NotYet


@click.command()
@click.argument("run", type=RUN)
@click.option("--from", "node", type=NODE, metavar="NODE", help="Keep what came before it.")
@click.option("--json", "json_", is_flag=True, help="For machines.")
def command(run: str, node: str | None, json_: bool) -> None:
    """Run RUN again, from NODE on. Not yet."""
    raise NotYet(f"{run} cannot be run again yet", "floe trigger starts a new run of its flow")
