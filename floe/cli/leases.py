"""`floe leases`: who holds which resource; not yet."""

import click

from floe.model.errors import NotYet


@click.command()
@click.option("--json", "json_", is_flag=True, help="For machines.")
def command(json_: bool) -> None:
    """Say who holds which resource, who waits, and since when. Not yet."""
    raise NotYet("leases are not shown yet", "floe why RUN says who holds what a run needs")
