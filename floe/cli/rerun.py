"""`floe rerun`: run a run again from one of its nodes; not built yet."""

import click

from floe.cli.arguments import NODE, RUN
from floe.model.errors import NotYet


@click.command()
@click.argument("run", type=RUN)
@click.option("--from", "node", type=NODE, metavar="NODE", help="Keep what came before it.")
@click.option("--json", "json_", is_flag=True, help="For machines.")
def command(run: str, node: str | None, json_: bool) -> None:
    """Run RUN again, from NODE on. Not built yet."""
    raise NotYet("floe has no re-run yet", f"start a new run of the flow of {run}: floe trigger")
