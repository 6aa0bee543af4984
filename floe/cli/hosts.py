"""`floe hosts`: list the hosts and how busy they are."""

import click

from floe.cli.client import connected
from floe.cli.paint import age, as_json, finding, table


@click.command()
@click.option("--json", "json_", is_flag=True, help="For machines.")
def command(json_: bool) -> None:
    """List the hosts: tags, runs, commands, version, and what is wrong with their config."""
    answer = connected().get("hosts")
    if json_:
        as_json(answer)
        return
    table(
        ("HOST", "TAGS", "RUNS", "PENDING", "COMMANDS", "VERSION", "UP SINCE", "SEEN", "CONFIG"),
        (
            (
                host["id"],
                ",".join(host["tags"]),
                f"{host['active']}/{host['slots']}",
                str(host["pending"]),
                f"{host['running']}/{host['commands']}"
                + (f" +{host['waiting']}" if host["waiting"] else ""),
                host["version"],
                age(host["started_at"]),
                age(host["seen_at"]) or "now",
                host["config"]["path"],
            )
            for host in answer["hosts"]
        ),
    )
    for host in answer["hosts"]:
        for shape in host["config"]["findings"]:
            click.echo(f"{host['id']}: {finding(shape)}", err=True)
