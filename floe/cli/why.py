"""`floe why`: why a run waits, or why it ended."""

import re
from typing import Final

import click

from floe.cli.arguments import RUN
from floe.cli.client import Client, connected, path
from floe.cli.failure import failure_lines
from floe.cli.formats import as_json, clean, sentence
from floe.model.errors import FloeError
from floe.model.ids import Shape

LACKS: Final = re.compile(r"lacks the tags? ([^(]+?)(?: \(.*)?")
"""A host's reason not to take a run: one tag or several, then the tags that it has."""


@click.command()
@click.argument("run", type=RUN)
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(run: str, json_: bool) -> None:
    """Explain why a run waits, per host and node, or what ended it and which nodes never ran.

    \b
    Example:
      floe why h1-12
    """
    client = connected()
    why = client.get(path("runs", run, "why"))
    if json_:
        as_json(why)
        return
    for line in (*lines(why), *_failure(client, why)):
        click.echo(line)


def _failure(client: Client, why: Shape) -> list[str]:
    """The last output of what failed in a run that is over."""
    if why["state"] != "archive" or why["text"].startswith("ended good"):
        return []
    try:
        return failure_lines(client, client.get(path("runs", why["run"])))
    except FloeError:  # the log is gone with its host; the reason stays
        return []


def lines(why: Shape) -> list[str]:
    """The lines of a "why" reply: its sentence, or its parts if they have more detail."""
    text: str = why["text"]
    if why["waiting"] and text.startswith("waits for"):
        text = "waits for"
    elif why["hosts"]:
        text = "waits for a host"
    elif why["never"]:
        text = text.partition("; never ran: ")[0]
    parts = [(host["host"], ", ".join(host["reasons"])) for host in why["hosts"]]
    parts += [(node["node"], ", ".join(node["for"])) for node in why["waiting"]]
    parts += [(n["node"], f"never ran: {_reason(n)}") for n in why["never"]]
    parts += [(n["node"], f"skipped, since {n['why']}") for n in why.get("skipped", ())]
    width = max((len(name) for name, _ in parts), default=0)
    return [
        f"{why['run']} {sentence(text)}",
        *(f"  {name.ljust(width)}  {sentence(part)}" for name, part in parts),
        *_hints(why),
    ]


def _reason(node: Shape) -> str:
    """Why a node never ran; a host with an older floe gives only the tags."""
    text: str = node.get("why") or f"{', '.join(node['tags'])} never came"
    return text


def _hints(why: Shape) -> list[str]:
    """What helps a run whose tags no host has."""
    lacking = [next(filter(None, map(LACKS.fullmatch, h["reasons"])), None) for h in why["hosts"]]
    wanted = sorted((found[1] for found in lacking if found), key=len)
    if not wanted or None in lacking:
        return []
    return [f"    try: start a host with --tags {clean(wanted[0]).replace(', ', ',')}"]
