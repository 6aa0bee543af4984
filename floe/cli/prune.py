"""`floe prune`: remove ended runs and workspaces that are not kept."""

from typing import Any

import click

from floe.cli.arguments import FLOW
from floe.cli.client import connected, path
from floe.cli.formats import as_json, clean, size, table


@click.command()
@click.option("--flow", type=FLOW, metavar="FLOW", help="Only runs of FLOW.")
@click.option("--host", metavar="HOST", help="Only at HOST.  [every host that answers]")
@click.option("--keep-runs", type=click.IntRange(0), metavar="N", help="Ended runs of each flow.")
@click.option("--keep-days", type=click.FloatRange(0), metavar="N", help="Days since their end.")
@click.option("--keep-bytes", type=click.IntRange(0), metavar="N", help="Bytes in all.")
@click.option(
    "--workspaces", type=click.Choice(["all", "failed", "none"]), help="Whose workspaces stay."
)
@click.option("--dry-run", is_flag=True, help="Show what would go, and remove nothing.")
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(
    flow: str | None,
    host: str | None,
    keep_runs: int | None,
    keep_days: float | None,
    keep_bytes: int | None,
    workspaces: str | None,
    dry_run: bool,
    json_: bool,
) -> None:
    """Remove the ended runs and workspaces that `keep` in the config does not keep.

    Hosts do this by themselves; the options replace the limits of the config once. 0 is no limit.
    Runs that have not ended, and runs whose outputs a re-run shows, stay.

    \b
    Examples:
      floe prune --dry-run
      floe prune --flow build --keep-runs 50
      floe prune --host h2 --workspaces none
    """
    limits = {
        "runs": keep_runs,
        "days": keep_days,
        "bytes": keep_bytes,
        "workspaces": workspaces,
    }
    body = {
        "dry_run": dry_run,
        "flow": (flow or "").partition("@")[0],
        "keep": {name: limit for name, limit in limits.items() if limit is not None},
    }
    client = connected()
    known = client.get("hosts")["hosts"]
    hosts = [host] if host else [one["id"] for one in known if one["id"]]
    answers = [client.post(path("hosts", one, "prune"), body) for one in hosts]
    if json_:
        as_json({"hosts": answers})
        return
    for answer in answers:
        _print(answer, dry_run=dry_run)


def _print(answer: dict[str, Any], *, dry_run: bool) -> None:
    runs, spaces = answer["runs"], answer["workspaces"]
    if dry_run and answer["some"]:
        rows = ((one["run"], one["what"], one["why"]) for one in answer["some"])
        table(("RUN", "GOES", "WHY"), rows)
    does = "would go" if dry_run else "removed" if answer["done"] else "are being removed"
    what = (
        f"{runs} run{'' if runs == 1 else 's'} and {spaces} workspace{'' if spaces == 1 else 's'}"
    )
    click.echo(f"{clean(answer['id'])}: {what} {does}, {size(answer['bytes'])}")
    if sealed := answer["sealed"]:
        click.echo(f"  sealed: {sealed}. Without its key, no copy of a removed run can be read;")
        click.echo("  for copies in backups of this host: floe secret rotate")
