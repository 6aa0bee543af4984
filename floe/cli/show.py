"""`floe show`: one run with its nodes, values and open forms."""

import json

import click

from floe.cli.arguments import RUN
from floe.cli.client import Client, connected, path
from floe.cli.failure import failure_lines
from floe.cli.formats import (
    Painted,
    age,
    answer_line,
    as_json,
    child_of,
    clean,
    ran_of,
    reason,
    run_state,
    sentence,
    size,
    state,
    table,
    text_lines,
    took,
)
from floe.model.errors import NotFound
from floe.model.ids import Shape


@click.command()
@click.argument("run", type=RUN)
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(run: str, json_: bool) -> None:
    """Show a run: its state, values, nodes and open forms.

    \b
    Example:
      floe show h1-12
    """
    client = connected()
    shape = client.get(path("runs", run))
    if json_:
        as_json(shape)
        return
    name = f"{shape['id']}  {shape['flow']}@{shape['ver']}"
    title = clean(shape.get("title", ""))
    click.echo("  ".join(filter(None, (name, title, run_state(shape), ran_of(shape)))))
    if shape["why"] and not shape["good"]:
        click.echo(f"  {sentence(shape['why'])}")
    for line in failure_lines(client, shape):
        click.echo(line)
    by = shape["by"] + (", by hand" if shape.get("by_hand") else "")
    begun = f"{age(shape['pended_at'])} by {by} ({shape['trigger']})"
    where = f", on {shape['host']} for {took(shape['started_at'], shape['ended_at'])}"
    click.echo(f"  pended {begun}" + (where if shape["started_at"] else ""))
    if parent := shape.get("parent"):
        waits = "" if parent["waits"] else ", which does not wait"
        click.echo(f"  {child_of(shape)} ({parent['node']}){waits}")
    for line in _notice_lines(client, shape):
        click.echo(f"  {line}")
    if shape.get("moved_to"):
        click.echo(f"  its workspace belongs to the re-run {shape['moved_to']} now")
    for name, value in shape["values"].items():
        text = value if isinstance(value, str) else json.dumps(value)
        click.echo(f"  {name} = {clean(text)[:200]}")
    for name, value in shape.get("outputs", {}).items():
        text = value if isinstance(value, str) else json.dumps(value)
        click.echo(f"  output {name} = {clean(text)[:200]}")
    children = {one["node"]: one["run"] for one in shape.get("children", ())}
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
                    " ".join(filter(None, (children.get(node["id"]), reason(node)))),
                )
                for node in shape["nodes"]
            ),
        )
    for form in shape["forms"]:
        click.echo(f"\nopen form: {clean(form['title'])}")
        for line in text_lines(form.get("text", "")):
            click.echo(f"  {line}")
        if form.get("approvers") == "not-starter":
            click.echo(f"  {shape['by']} started the run, so a different person has to answer")
        click.echo(f"  {answer_line(shape['id'], form)}")


def _notice_lines(client: Client, run: Shape) -> list[str]:
    """The notices of an ended run, a line for each."""
    if run["state"] != "archive":
        return []
    try:
        found = client.get(path("runs", run["id"], "notices"))["notices"]
    except NotFound:  # the host of the run has an older floe
        return []
    return [_notice_line(one) for one in found]


def _notice_line(notice: Shape) -> str:
    to, why = clean(notice["to"]), clean(notice["why"])
    match notice["state"]:
        case "sent":
            return f"notified {to} {age(notice['at'])}"
        case "failed":
            tries = "1 try" if notice["tries"] == 1 else f"{notice['tries']} tries"
            return f"not notified: {to}: {why} (given up after {tries})"
        case _ if why:
            return f"not notified yet: {to}: {why}; next try at {notice['due']}"
        case _:
            return f"notifying {to}"
