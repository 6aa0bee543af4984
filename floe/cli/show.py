"""`floe show`: one run with its nodes, values and open forms."""

import json

import click

from floe.cli.arguments import RUN
from floe.cli.client import connected, path
from floe.cli.paint import (
    Painted,
    age,
    answer_line,
    as_json,
    clean,
    reason,
    run_state,
    sentence,
    size,
    state,
    table,
    took,
)
from floe.model.refs import Shape


@click.command()
@click.argument("run", type=RUN)
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(run: str, json_: bool) -> None:
    """Show a run: its state, values, nodes and open forms.

    \b
    Example:
      floe show h1-12
    """
    shape = connected().get(path("runs", run))
    if json_:
        as_json(shape)
        return
    click.echo(f"{shape['id']}  {shape['flow']}@{shape['ver']}  {run_state(shape)}")
    if shape["why"]:
        click.echo(f"  {sentence(shape['why'])}")
    begun = f"{age(shape['pended_at'])} by {shape['by']} ({shape['trigger']})"
    where = f", on {shape['host']} for {took(shape['started_at'], shape['ended_at'])}"
    click.echo(f"  pended {begun}" + (where if shape["started_at"] else ""))
    for name, value in shape["values"].items():
        text = value if isinstance(value, str) else json.dumps(value)
        click.echo(f"  {name} = {clean(text)[:200]}")
    if shape["nodes"]:
        click.echo()
        table(
            ("NODE", "STATE", "TOOK", "OUTPUT", "WHY"),
            (
                (
                    node["ref"],
                    Painted(
                        state(node["state"])
                        + (f" visit {node['visit']}" if node.get("visit", 1) > 1 else "")
                        + (f" #{node['attempt']}" if node.get("attempt", 1) > 1 else "")
                    ),
                    took(node.get("started_at") or node.get("asked_at"), node.get("ended_at")),
                    size(node["output_bytes"]) if node.get("output_bytes") else "",
                    reason(node),
                )
                for node in shape["nodes"]
            ),
        )
    for form in shape["forms"]:
        click.echo(f"\nopen form: {clean(form['title'])}")
        click.echo(f"  {answer_line(shape['id'], form)}")
    if failed := _failed(shape):
        click.echo(f"\noutput of {failed['ref']}:")
        click.echo(f"  floe log {shape['id']} {failed['id']}")


def _failed(run: Shape) -> Shape | None:
    """The node to inspect: the last one that ended badly and printed something."""
    bad = [n for n in run["nodes"] if n["state"] in ("bad", "error") and n["output_bytes"]]
    return max(bad, key=lambda node: node["ended_at"] or "", default=None)
