"""`floe watch`: follow the live feed of a host."""

import json
from collections.abc import Iterator
from typing import Final

import click

from floe.cli.arguments import RUN
from floe.cli.client import Account, Client, ClientPatience, connected, path, unanswered
from floe.cli.formats import as_of, child_of, clean, clock_of, run_state, sentence, state
from floe.model.errors import Denied, Yours
from floe.model.ids import Shape
from floe.model.visible import visible_json

OPEN_S: Final = 10.0
"""Seconds for a connection to open."""

ITEMS_MAX: Final = 3
"""Items that a line names."""


@click.command()
@click.argument("run", required=False, type=RUN)
@click.option("--after", metavar="POS", help="Resume after this position (from --json).")
@click.option("--json", "json_", is_flag=True, help="Print the frames, one per line.")
@click.pass_context
def command(ctx: click.Context, /, run: str | None, after: str | None, json_: bool) -> None:
    """Follow the events of the cluster, or of RUN until it ends (exit 0 if good, 1 if bad).

    After a lost connection the feed resumes where it broke off. A position means the same on every
    host of a cluster.

    \b
    Examples:
      floe watch
      floe watch h1-12
      floe watch --json | jq -r 'select(.tag) | .tag'
    """
    client = connected()
    if run is None:
        client.get("login")  # reports a wrong token or address at once
        for text, frame in _frames(client.at, after):
            _print(text, frame, json_=json_)
        raise AssertionError("the feed has no end of its own")
    shape = _looked_at(ctx, client, run, json_=json_)
    for text, frame in _frames(client.at, after or shape["pos"], shape["key"]):
        _print(text, frame, json_=json_)
        if frame["type"] == "reset":
            _looked_at(ctx, client, run, json_=json_)
        summary = frame.get("summary")
        if summary and summary["state"] == "archive" and summary["key"] == shape["key"]:
            ctx.exit(0 if summary["good"] else 1)


def _looked_at(ctx: click.Context, client: Client, run: str, *, json_: bool) -> Shape:
    """The current run; printed if it has ended, since watching ends then."""
    shape = client.get(path("runs", run))
    if shape["state"] == "archive":
        text = f"{shape['id']} ended {run_state(shape)}: {sentence(shape['why'])}"
        click.echo(text, err=json_)
        ctx.exit(0 if shape["good"] else 1)
    if not json_:
        click.echo(f"{shape['id']}  {shape['flow']}@{shape['ver']}  {run_state(shape)}")
    return shape


def _frames(at: Account, after: str | None, run: str = "") -> Iterator[tuple[str, Shape]]:
    """Endless frames, over as many connections as needed."""
    from websockets.exceptions import InvalidStatus, WebSocketException
    from websockets.sync.client import connect

    scheme = "ws" if at.tls() is None else "wss"
    patience = ClientPatience(at)
    while True:
        why = f"{at.url} closed the connection"
        try:
            with connect(
                f"{scheme}://{at.netloc}/ws" + (f"?after={after}" if after else ""),
                additional_headers={"X-Floe-Auth": at.token},
                ssl=at.tls(),
                proxy=None,
                open_timeout=OPEN_S,
                max_size=None,
            ) as socket:
                patience.end()
                if run:
                    socket.send(json.dumps({"run": run}))
                for text in socket:
                    frame: Shape = json.loads(text)
                    after = frame.get("pos", after)
                    yield str(text), frame
        except InvalidStatus as error:
            status = error.response.status_code
            if status == 401:
                raise Denied("the host refuses this token", "floe login") from None
            if status < 500:
                raise Yours(f"{at.url} replied {status} to /ws", "check --after") from None
            why = f"{at.url} replied {status}"
        except WebSocketException as error:
            why = f"{at.url} broke the connection: {error}"
        except OSError as error:
            why = unanswered(at, error).what
        patience.wait(why)


def _print(text: str, frame: Shape, *, json_: bool) -> None:
    if json_:
        click.echo(visible_json(text))
    elif frame["type"] == "event":
        click.echo(_line(frame))
    elif frame["type"] == "reset":
        click.echo(
            "events may be missing here: the position is unknown, or a host lost its store",
            err=True,
        )
    elif frame["type"] == "host":
        away = frame["state"] == "away"
        click.echo(
            as_of(frame["id"], frame["seen"]) if away else f"{frame['id']} is back", err=True
        )


def _items(node: Shape) -> str:
    """The items that a frame is about; empty for none."""
    states = node.get("item_states", ())
    more = f", and {len(states) - ITEMS_MAX} more" if len(states) > ITEMS_MAX else ""
    each = [f"{node['ref']}[{one['item']}]  {state(one['state'])}" for one in states[:ITEMS_MAX]]
    return ", ".join(each) + more


def _line(frame: Shape) -> str:
    node, summary = frame.get("node") or {}, frame.get("summary") or {}
    parts = [clock_of(frame["at"]), frame["run"].ljust(6), frame["event"].ljust(13)]
    if node:
        parts.append(_items(node) or f"{node['ref']}  {state(node['state'])}")
    elif summary:
        parts += [f"{summary['flow']}  {run_state(summary)}", *filter(None, (child_of(summary),))]
    why = node.get("why") or summary.get("why")
    return "  ".join([*parts, clean(why)] if why else parts)
