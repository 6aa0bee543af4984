"""`floe show`: one run with its nodes, values and open forms."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import click

from floe.cli.arguments import RUN
from floe.cli.client import Client, connected, path
from floe.cli.failure import failure_lines
from floe.cli.formats import (
    again,
    age,
    answer_line,
    as_json,
    call_line,
    child_of,
    clean,
    items_text,
    label_of,
    node_state,
    node_took,
    ran_of,
    reason,
    run_state,
    sentence,
    size,
    table,
    text_lines,
    took,
    value_lines,
)
from floe.model.errors import FloeError, NotFound
from floe.model.ids import Shape
from floe.model.title import one_line

FOLDED: Final = ("good", "queued")
"""States of an item that has no row of its own."""

ITEMS_MAX: Final = 10
"""Items of a node that have a row."""

LABEL_MAX: Final = 40
"""Characters of an item's label."""

RUNNING_MAX: Final = 20
"""Running commands whose output is measured: each is a request."""


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
    click.echo(
        "  ".join(filter(None, (name, title, run_state(shape), label_of(shape), ran_of(shape))))
    )
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
    for line in (*value_lines(shape["values"]), *value_lines(shape.get("outputs", {}), "output ")):
        click.echo(line)
    if shape["nodes"]:
        click.echo()
        table(("NODE", "STATE", "TOOK", "OUTPUT", "WHY"), _rows(client, shape))
    for call in shape.get("callbacks", ()):
        click.echo(f"\n{call_line(call)}")
    for form in shape["forms"]:
        click.echo(f"\nopen form: {clean(form['title'])}")
        for line in text_lines(form.get("text", "")):
            click.echo(f"  {line}")
        if form.get("approvers") == "not-starter":
            click.echo(f"  {shape['by']} started the run, so a different person has to answer")
        click.echo(f"  {answer_line(shape['id'], form)}")


def _rows(client: Client, run: Shape) -> Iterator[tuple[str, ...]]:
    """A row for each node, and below it for its items that run or failed."""
    children = {(one["node"], one["item"]): one["run"] for one in run.get("children", ())}
    sizes = _OutputSizes(client, run["id"])
    for node in run["nodes"]:
        why = items_text(node) or _reason(node, children.get((node["id"], None)))
        yield _named(run, node), node_state(node), node_took(node), sizes.of(node), why
        shown = [one for one in node.get("item_states", ()) if one["state"] not in FOLDED]
        for one in shown[:ITEMS_MAX]:
            item = one["item"]
            name = f"  [{item}] {one_line(node['items'][item], LABEL_MAX)}"
            why = _reason(one, children.get((node["id"], item)))
            yield name, node_state(one), node_took(one), sizes.of(node, one), why
        if (more := len(shown) - ITEMS_MAX) > 0:
            yield f"  and {more} more", "", "", "", f"floe show {run['id']} --json"


def _named(run: Shape, node: Shape) -> str:
    """A node as it is named in the flow; those of other dialects have names and numbers."""
    name = clean(node["name"] or "")
    return f"{node['ref']} {name}" if run.get("label") and name else str(node["ref"])


def _reason(node: Shape, child: str | None) -> str:
    """Why a node or item has its state, its name in its dialect, and its child run if the reason
    does not name it."""
    why = reason(node)
    named = "" if child is None or child in why.split() else f"child {child}"
    return "; ".join(filter(None, (clean(node.get("label") or ""), named, why, again(node))))


class _OutputSizes:
    """The size of each output: of a running command, what it has printed so far."""

    def __init__(self, client: Client, run: str) -> None:
        self._client = client
        self._run = run
        self._left = RUNNING_MAX

    def of(self, node: Shape, item: Shape | None = None) -> str:
        one = item or node
        parts = [one] if item else node.get("item_states", [node])
        count = sum(part.get("output_bytes") or 0 for part in parts)
        if one["state"] == "running" and "items" not in one and self._left:
            self._left -= 1
            where = path("runs", self._run, "nodes", node["id"], "log")
            with suppress(FloeError):  # the command has just replaced its file
                at = {"item": item and item["item"], "limit": 1}
                with self._client.stream(where, **at) as answer:
                    count = int(answer.headers["X-Floe-Size"])
                    answer.read()
        return size(count) if count else ""


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
