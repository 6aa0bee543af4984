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


def failure_lines(client: Client, run: Shape) -> list[str]:
    """Details and last output of the nodes that explain a failure; none for other runs."""
    by_id = {node["id"]: node for node in run["nodes"]}
    failed = [by_id[id] for id in run.get("failed", ()) if id in by_id]
    lines: list[str] = []
    for node in failed[:NODES_MAX]:
        lines += [f"    {clean(detail)}" for detail in node.get("why", "").splitlines()[1:]]
        if node.get("output_bytes"):
            lines += _of_node(client, run["id"], node)
    return lines


def _of_node(client: Client, run: str, node: Shape) -> list[str]:
    command = f"floe log {run} {node['id']}"
    where = path("runs", run, "nodes", node["id"], "log", "lines")
    try:
        answer = client.get(where, **{"from": -LINES_MAX, "count": LINES_MAX})
    except FloeError as error:
        return [f"  {clean(error.what)}: {command}"]
    said = [_line(line["text"]) for line in answer["lines"]]
    more = answer["count"] - len(said)
    head = f"  output of {clean(node['name'])}" + (f", after {more} lines:" if more > 0 else ":")
    return [head, *(f"    {line}" for line in said), f"  all of it: {command}"]


def _line(text: str) -> str:
    shown = printable(text).rstrip()
    if len(shown) > LINE_MAX:
        shown = shown[:LINE_MAX] + "…"
    return shown + "\x1b[0m" if "\x1b" in shown else shown
