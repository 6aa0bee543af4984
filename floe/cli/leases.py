"""`floe leases`: list held resources and waiting runs, and free a resource by hand."""

import click

from floe.cli.arguments import RUN
from floe.cli.client import connected
from floe.cli.formats import age, as_json, clean, table


@click.group(invoke_without_command=True)
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
@click.pass_context
def command(ctx: click.Context, /, json_: bool) -> None:
    """List resources and workspaces in use: the run that holds each, and the waiting runs."""
    if ctx.invoked_subcommand is not None:
        return
    answer = connected().get("leases")
    if json_:
        as_json(answer)
        return
    if answer["problem"]:
        click.echo(clean(f"floe: {answer['problem']}"), err=True)
    table(
        ("TAG", "RUN", "FLOW", "HOST", "FENCE", "SINCE", "WAITING"),
        (
            (
                lease["tag"],
                lease["run"],
                lease["flow"],
                lease["host"] or "",
                lease["fence"],
                age(lease["since"]),
                ", ".join(lease["waiting"]),
            )
            for lease in answer["leases"]
        ),
    )


@command.command(name="free")
@click.argument("tag")
@click.argument("run", type=RUN)
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def free(tag: str, run: str, json_: bool) -> None:
    """Take the resource TAG from RUN and grant it to the next run.

    RUN continues and does not notice: cancel it first (`floe cancel`) if its host is reachable.
    The resource itself can recognise a command of RUN by its lower fence.
    """
    answer = connected().post("leases/free", {"tag": tag, "run": run})
    if json_:
        as_json(answer)
        return
    click.echo(f"{tag} is free")
