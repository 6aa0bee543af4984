"""`floe log`: print the output of a node, and follow it."""

import re
import sys
from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence
from typing import Final

import click

from floe.cli.arguments import PLACE, RUN, place_of
from floe.cli.client import ClientPatience, connected, path
from floe.cli.formats import printable, reason
from floe.model.errors import NotFound, Theirs, Yours
from floe.model.ids import Shape

CHUNK: Final = 64 * 1024
ALL: Final = 2**53
"""Bytes: no limit."""

NAMES_MAX: Final = 20
"""Nodes and items with output that are named."""

WORDLESS: Final = ("end", "data", "timer", "flow")
"""Types of tasks without a command or request of their own."""

_UNFINISHED: Final = re.compile(r"\x1b(?:\[[0-?]{0,128}|[\]PX^_][^\x07\x1b]{0,255})?\Z")
"""An escape sequence whose end may come with the next chunk."""


@click.command()
@click.argument("run", type=RUN)
@click.argument("node", type=PLACE, required=False)
@click.option("-f", "--follow", is_flag=True, help="Follow until the attempt ends.")
@click.option(
    "--visit",
    type=click.IntRange(1),
    metavar="N",
    help="Number of the visit, if NODE entered several times.  [the newest]",
)
@click.option(
    "--attempt", type=click.IntRange(1), metavar="N", help="Number of the attempt.  [the newest]"
)
def command(
    run: str, node: str | None, follow: bool, visit: int | None, attempt: int | None
) -> None:
    """Print the output of NODE in RUN, byte for byte.

    NODE may be omitted if only one node has output; `test[7]` is item 7 of a node with items. On a
    terminal, colours are kept and all other control sequences are removed.

    \b
    Examples:
      floe log h1-12 build
      floe log h1-12 build -f
      floe log h1-12 build --attempt 1 > build.log
      floe log h1-12 'test[7]'
      floe log h1-12 'test[7]' --visit 1
    """
    client = connected()
    node, item = place_of(node or only_output(client.get(path("runs", run))))
    write = to_terminal() if sys.stdout.isatty() else _to_file
    offset, is_begun, patience = 0, False, ClientPatience(client.at)
    query = {"follow": "true" if follow else None, "limit": ALL}
    while True:
        try:
            where = path("runs", run, "nodes", node, "log")
            at = {"visit": visit, "attempt": attempt, "offset": offset, "item": item}
            with client.stream(where, **at, **query) as answer:
                attempt = int(answer.headers["X-Floe-Attempt"]) or attempt
                begun = int(answer.headers.get("X-Floe-Visit", 1))
                visit = begun if begun > 1 else visit
                is_begun = True
                patience.end()
                while chunk := answer.read1(CHUNK):
                    write(chunk)
                    offset += len(chunk)
            if not offset:
                click.echo(no_output(client.get(path("runs", run)), node, item), err=True)
            return
        except Theirs as error:
            if not (follow and is_begun):
                raise
            patience.wait(error.what)


def only_output(run: Shape) -> str:
    """The one node whose log can be meant: that with output. Raises NotFound, Yours."""
    found = [place for node in run["nodes"] for place in _printed(node)]
    if not found:
        children = [one["run"] for one in run.get("children", ())]
        hint = f"floe log {children[-1]}, its child run" if children else f"floe show {run['id']}"
        raise NotFound(f"no node of {run['id']} has any output yet", hint)
    if len(found) > 1:
        names = ", ".join(f"{node['id']} ({node['state']})" for node in found[:NAMES_MAX])
        names += ", …" if len(found) > NAMES_MAX else ""
        raise Yours(f"which output of {run['id']}? these have one: {names}", _try(run, found))
    return str(found[0]["id"])


def no_output(run: Shape, name: str, item: int | None) -> str:
    """Why there is no log to print of a node or of one of its items."""
    node = next((one for one in run["nodes"] if one["id"] == name), None)
    if node is None:
        return f"{run['id']} has not begun"
    states = {one["item"]: one for one in node.get("item_states", ())}
    one = node if item is None else states.get(item, {"state": "waiting"})
    called = node["ref"] if item is None else f"item {item} of {node['ref']}"
    child = [c["run"] for c in run.get("children", ()) if (c["node"], c["item"]) == (name, item)]
    if child:
        return (
            f"{called} has the child run {child[-1]}: floe show {child[-1]}, floe log {child[-1]}"
        )
    if one["state"] == "skipped":
        return f"{called} was skipped, {reason(one)}"
    if one["state"] in ("never", "waiting", "queued"):
        never = "never ran" if one["state"] == "never" else "has not begun"
        return f"{called} {never}: floe why {run['id']}"
    if node["class"] == "merge" or node["type"] in WORDLESS:
        return f"{called} has no output: it runs no command"
    why = reason(one)
    how = f"{called} printed nothing; it is {one['state']}"
    return f"{how}: {why}" if why else how


def _printed(node: Shape) -> list[Shape]:
    """A node with output, or its items with output."""
    items = [one for one in node.get("item_states", ()) if one.get("output_bytes")]
    named = [{**one, "id": f"{node['id']}[{one['item']}]"} for one in items]
    return named or ([node] if node.get("output_bytes") else [])


def _try(run: Shape, found: Sequence[Shape]) -> str:
    """The command for the node that a reader most likely wants: one that failed, else the last."""
    nodes = run.get("failed", ())
    failed = [one for one in found if place_of(one["id"])[0] in nodes and one["state"] != "good"]
    return f"floe log {run['id']} {(failed or found)[-1]['id']}"


def _to_file(chunk: bytes) -> None:
    sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def to_terminal() -> Callable[[bytes], None]:
    """Writes a log to a terminal; joins an escape sequence that is split over two chunks."""
    decoder, rest = getincrementaldecoder("utf-8")("replace"), ""

    def write(chunk: bytes) -> None:
        nonlocal rest
        text = rest + decoder.decode(chunk)
        cut = found.start() if (found := _UNFINISHED.search(text)) else len(text)
        text, rest = text[:cut], text[cut:]
        sys.stdout.write(printable(text))
        sys.stdout.flush()

    return write
