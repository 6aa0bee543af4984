"""`floe rerun`: start an ended run again, as a whole or in part."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from floe.cli.arguments import ONCE, RUN, START, WAIT
from floe.cli.client import connected, path
from floe.cli.formats import as_json, clean
from floe.cli.trigger import follow
from floe.cli.values import PAIR
from floe.model.ids import Shape


@click.command()
@click.argument("run", type=RUN)
@click.option("--from", "node", type=START, metavar="NODE", help="Run NODE and all nodes after it.")
@click.option(
    "--failed", is_flag=True, help="Run the failed and stopped nodes, and all nodes after them."
)
@click.option(
    "-d",
    "--data",
    metavar="K=V",
    multiple=True,
    type=PAIR,
    help="Replace a value; K=@FILE, K:=JSON.",
)
@click.option("--latest", is_flag=True, help="Use the present version of the flow.")
@click.option("--same-host", is_flag=True, help="Wait for the host that has its workspace.")
@click.option("--dry-run", is_flag=True, help="Show what would run, and start nothing.")
@WAIT
@ONCE
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    run: str,
    node: str | None,
    failed: bool,
    data: tuple[tuple[str, Any], ...],
    latest: bool,
    same_host: bool,
    dry_run: bool,
    wait: bool,
    once: str,
    json_: bool,
) -> None:
    """Start RUN again with its values, and print the id of the new run.

    With --from or --failed, nodes that ended and have nothing before them that runs again are taken
    over with their outputs. The workspace of RUN is moved to the new run if it starts on the same
    host; on a different host it starts with an empty workspace.

    \b
    Examples:
      floe rerun h1-12
      floe rerun h1-12 --failed --wait
      floe rerun h1-12 --from deploy -d version=1.3
    """
    if node and failed:
        raise click.UsageError("--from and --failed exclude each other.")
    client = connected()
    where = path("runs", run, "rerun")
    choice = {"from": node or "", "failed": failed, "latest": latest}
    plan: Shape = {}
    if dry_run and data:
        plan = client.post(where, {**choice, "values": dict(data), "dry_run": True})
    elif dry_run or not json_:
        planned = {**choice, "edited": bool(data)}
        asked = {k: v if isinstance(v, str) else "true" for k, v in planned.items() if v}
        plan = client.get(where, **asked)
    lines = _lines(plan, [name for name, _ in data]) if plan else []
    if dry_run:
        as_json(plan) if json_ else click.echo("\n".join(lines))
        return
    body = {**choice, "values": dict(data), "same_host": same_host}
    answer = client.post(where, body, once)  # refuses wrong values before the plan is printed
    for line in lines:
        click.echo(line, err=True)
    follow(ctx, client, answer, wait=wait, json_=json_)


def _lines(plan: Shape, edited: Sequence[str]) -> list[str]:
    """What a re-run with some edited values does, for people."""
    lines = [f"  {label}: {clean(', '.join(plan[key]))}" for key, label in _LABELS if plan[key]]
    # A host of an older floe says nothing of children.
    lines += _children(plan.get("children", ()), "  ")
    if more := plan.get("more_children", 0):
        lines.append(f"  and {more} more children")
    if edited and plan["taken"]:
        names = clean(", ".join(edited))
        lines.append(f"  edited: {names}; nodes taken over keep their results of the earlier value")
    host, why = plan["workspace"]["host"], plan["workspace"]["why_empty"]
    if host:
        return [*lines, f"  workspace: moved from {plan['run']}, if it starts on {host}"]
    return [*lines, f"  workspace: empty, since {clean(why)}"]


def _children(children: Sequence[Shape], indent: str) -> Iterator[str]:
    """What becomes of failed child runs, for people."""
    for child in children:
        item = "" if child["item"] is None else f"[{child['item']}]"
        what = f"starts again; taken over: {', '.join(child['taken']) or 'nothing'}"
        if why := child["why_new"]:
            what = f"a new child starts instead, since {why}"
        yield clean(f"{indent}{child['run']} of {child['node']}{item}: {what}")
        yield from _children(child["children"], f"{indent}  ")


_LABELS = (("taken", "taken over"), ("again", "runs again"), ("new", "may run"))
