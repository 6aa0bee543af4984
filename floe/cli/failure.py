"""What went wrong in a run: its failed nodes, with the last lines of their output."""

from typing import Final

from floe.cli.client import Client, path
from floe.cli.formats import clean, printable
from floe.model.errors import FloeError
from floe.model.ids import Shape

LINES_MAX: Final = 5
"""The last lines of an output that are printed."""

LINE_MAX: Final = 400
"""Characters of one of them."""

NODES_MAX: Final = 3
"""Failed nodes whose output is printed."""

ITEMS_MAX: Final = 2
"""Failed items of one of them whose output or child run is printed."""

FAILED: Final = ("bad", "error")
"""States of an item that failed."""


def failure_lines(client: Client, run: Shape) -> list[str]:
    """Details and last output of the nodes that explain a failure; none for other runs."""
    by_id = {node["id"]: node for node in run["nodes"]}
    failed = [by_id[id] for id in run.get("failed", ()) if id in by_id]
    lines: list[str] = []
    for node in failed[:NODES_MAX]:
        lines += [f"    {clean(detail)}" for detail in node.get("why", "").splitlines()[1:]]
        lines += _of_node(client, run, node)
    return lines


def _of_node(client: Client, run: Shape, node: Shape) -> list[str]:
    """What a node or its first failed items printed, and the child runs to go on with."""
    lines: list[str] = []
    if node.get("output_bytes"):
        lines += _last_lines(client, run["id"], node["id"], clean(node["name"]))
    bad = [one for one in node.get("item_states", ()) if one["state"] in FAILED]
    for one in [one for one in bad if one.get("output_bytes")][:ITEMS_MAX]:
        item = one["item"]
        name = f"{clean(node['name'])}, item {item} ({clean(node['items'][item])})"
        lines += _last_lines(client, run["id"], node["id"], name, item)
    children = {
        child["item"]: child["run"]
        for child in run.get("children", ())
        if child["node"] == node["id"]
    }
    items = [one["item"] for one in bad] if "items" in node else [None]
    found = [children[item] for item in items if item in children]
    return [*lines, *(f"  its child run: floe why {child}" for child in found[:ITEMS_MAX])]


def _last_lines(
    client: Client, run: str, node: str, name: str, item: int | None = None
) -> list[str]:
    command = f"floe log {run} {node}" if item is None else f"floe log {run} '{node}[{item}]'"
    where = path("runs", run, "nodes", node, "log", "lines")
    try:
        answer = client.get(where, **{"from": -LINES_MAX, "count": LINES_MAX, "item": item})
    except FloeError as error:
        return [f"  {clean(error.what)}: {command}"]
    said = [_line(line["text"]) for line in answer["lines"]]
    more = answer["count"] - len(said)
    head = f"  output of {name}" + (f", after {more} lines:" if more > 0 else ":")
    return [head, *(f"    {line}" for line in said), f"  all of it: {command}"]


def _line(text: str) -> str:
    shown = printable(text).rstrip()
    if len(shown) > LINE_MAX:
        shown = shown[:LINE_MAX] + "…"
    return shown + "\x1b[0m" if "\x1b" in shown else shown
