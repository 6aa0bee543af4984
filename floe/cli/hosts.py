"""`floe hosts`: list the hosts, their load and problems."""

from typing import Any

import click

from floe.cli.client import connected
from floe.cli.formats import age, as_json, clean, finding, size, table


@click.command()
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(json_: bool) -> None:
    """List the hosts: tags, runs, commands, version, and their problems."""
    answer = connected().get("hosts")
    if json_:
        as_json(answer)
        return
    table(
        (
            "HOST",
            "TAGS",
            "RUNS",
            "PENDING",
            "COMMANDS",
            "DISK",
            "VERSION",
            "UP SINCE",
            "SEEN",
            "CONFIG",
        ),
        (
            (
                _name(host),
                ",".join(host["tags"]),
                f"{host['active']}/{host['slots']}",
                str(host["pending"]),
                f"{host['running']}/{host['commands_at_once']}"
                + (f" +{host['waiting']}" if host["waiting"] else ""),
                _disk(host.get("disk")),
                host["version"],
                age(host["started_at"]),
                "now" if host["self"] else age(host["seen_at"]) or "never",
                host["config"]["path"],
            )
            for host in answer["hosts"]
        ),
    )
    for host in answer["hosts"]:
        if host["commands_why"]:
            fewer = f"{host['commands_at_once']} of {host['commands']} commands run at once"
            click.echo(clean(f"{host['id']}: {fewer}: {host['commands_why']}"), err=True)
        if host["judging"]:
            click.echo(
                f"{host['id']}: judgements under way or waiting: {host['judging']}", err=True
            )
        for problem in host["problems"]:
            click.echo(clean(f"{host['id'] or host['url']}: {problem}"), err=True)
        for shape in host["config"]["findings"]:
            click.echo(f"{host['id']}: {finding(shape)}", err=True)


def _name(host: dict[str, Any]) -> str:
    """The name of a host with its role: `h1 (keeper)`."""
    marks = [word for word in ("keeper", "draining") if host[word]]
    return f"{host['id'] or host['url']}" + (f" ({', '.join(marks)})" if marks else "")


def _disk(use: dict[str, Any] | None) -> str:
    """What the workspaces, outputs and store of a host take together."""
    return size(use["workspaces"] + use["outputs"] + use["store"]) if use else ""
