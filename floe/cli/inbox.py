"""`floe inbox`: events that wait for their runs, and what was wrong with earlier events."""

from typing import Final

import click

from floe.cli.client import connected
from floe.cli.formats import age, as_json, clean, size, table

SHOWN: Final = 3
"""Findings that are printed of a flow."""


@click.command()
@click.argument("flow", required=False)
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(flow: str | None, json_: bool) -> None:
    """List the inbox of each host, and what was wrong with events of its flows, or of FLOW.

    An event that opens no run leaves nothing but its finding here: a template with a mistake, or a
    judgement that took too long. FLOW is the name of a flow or its id.

    \b
    Examples:
      floe inbox
      floe inbox 'my flow'
    """
    answer = connected().get("inbox")
    if json_:
        as_json(answer)
        return
    rows = []
    for one in answer["inboxes"]:
        since = age(one["oldest_at"])
        as_of = f"as of {age(one['as_of'])}" if "as_of" in one else ""
        rows.append((one["host"], str(one["waiting"]), size(one["bytes"]), since, as_of))
    table(("HOST", "EVENTS WAIT", "BYTES", "SINCE", ""), rows)
    is_shown = False
    for one in answer["inboxes"]:
        for found in one["findings"]:
            if flow not in (None, found["name"], found["flow"]):
                continue
            is_shown = True
            newest = found["newest"] if flow else found["newest"][:SHOWN]
            times = f"{found['count']} finding{'' if found['count'] == 1 else 's'}"
            click.echo()
            click.echo(clean(f"{found['name']} at {one['host']}: {times}"))
            for finding in newest:
                click.echo(clean(f"  {age(finding['at'])}: {finding['why']}"))
    if flow and not is_shown:
        click.echo(clean(f"nothing was wrong with events of {flow}"))
    for host in answer["away"]:
        click.echo(f"{host} is away", err=True)
