"""`floe trigger`: start a run, and optionally wait for it."""

import time
from typing import Any, Final

import click

from floe.cli.arguments import FLOW, ONCE, WAIT
from floe.cli.client import Client, ClientPatience, connected, path
from floe.cli.failure import failure_lines
from floe.cli.formats import (
    again,
    answer_line,
    as_json,
    clean,
    node_state,
    node_took,
    reason,
    run_state,
    value_lines,
)
from floe.cli.values import PAIR
from floe.cli.why import lines
from floe.model.errors import Theirs
from floe.model.ids import Shape

LOOKS_S: Final = (0.05, 0.1, 0.2, 0.5)
"""Seconds between two checks of a run, growing while its state does not change."""

WAITING_LOOKS: Final = 4
"""Checks, about 1 s, after which the reason is printed why a run does not go on; then doubled."""

AGAIN: Final = "again"
"""The state of a visit that has had an attempt, and goes on."""

Seen = tuple[str, object]


@click.command()
@click.argument("flow", type=FLOW)
@click.option(
    "-d",
    "--data",
    metavar="K=V",
    multiple=True,
    type=PAIR,
    help="A value of the start form; K=@FILE, K:=JSON.",
)
@click.option(
    "--trigger", metavar="ID", help="The trigger.  [the first that takes data, else the first]"
)
@WAIT
@ONCE
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    flow: str,
    data: tuple[tuple[str, Any], ...],
    trigger: str | None,
    wait: bool,
    once: str,
    json_: bool,
) -> None:
    """Start a run of FLOW (`id`, or `id@ver`) and print its id.

    A timer, a poll or a webhook is pulled by hand. Of a polled repository, the newest commit of
    -d branch=NAME is taken.
    --wait follows the run to its end, across restarts of the host; ^C stops only the waiting.

    \b
    Examples:
      floe trigger release -d version=1.2 -d notes=@NOTES.md
      floe trigger build --wait && echo built
      floe trigger build --once "$CI_JOB_ID" --json
    """
    client = connected()
    body = {"ref": {"id": flow}, "form": {"id": trigger or "", "values": dict(data)}}
    follow(ctx, client, client.post("push/data", body, once), wait=wait, json_=json_)


def follow(ctx: click.Context, client: Client, answer: Shape, *, wait: bool, json_: bool) -> None:
    """Print the id of a run that was triggered; with `wait`, follow it to its end."""
    id = answer["run"]
    if not wait:
        as_json(answer) if json_ else click.echo(id)
        return
    if not json_:
        click.echo(id)
    try:
        run = _followed(client, id, quiet=json_)
    except KeyboardInterrupt:
        click.echo(f"\n{id} continues: floe watch {id}, floe cancel {id}", err=True)
        raise
    if json_:
        as_json(run)
    ctx.exit(0 if run["good"] else 1)


def _followed(client: Client, id: str, *, quiet: bool) -> Shape:
    """Print the changes of the nodes until the run is over."""
    seen: dict[tuple[str, int], Seen] = {}
    asked: set[str] = set()
    looks = seq = 0
    is_waiting, silence = False, _WaitReasons()
    while True:
        events = _patiently(client, path("runs", id, "events"), after=seq, limit=1)["events"]
        if not events:
            time.sleep(LOOKS_S[min(looks, len(LOOKS_S) - 1)])
            looks += 1
            if is_waiting and not quiet and silence.is_broken_at(looks):
                silence.show(_patiently(client, path("runs", id, "why")))
            continue
        run = _patiently(client, path("runs", id))
        if not quiet:
            if not seq and run.get("title"):
                click.echo(f"  {clean(run['title'])}")
            _print_changes(run, seen, asked)
        looks, seq, is_waiting = 0, run["seq"], _is_waiting(run)
        if run["state"] == "archive":
            if not quiet:
                click.echo("\n".join(_end(client, run)))
            return run


def _is_waiting(run: Shape) -> bool:
    """Whether nothing of a run goes on: no command runs, and no open form is printed already."""
    goes_on = any(node["state"] in ("running", "asking") for node in run["nodes"])
    return run["state"] == "pending" or (run["state"] == "active" and not goes_on)


def _end(client: Client, run: Shape) -> list[str]:
    end = f"{run['id']} {run_state(run)}"
    if run["good"]:
        return [end, *value_lines(run.get("outputs", {}), "output ")]
    return [f"{end}: {clean(run['why'])}", *failure_lines(client, run)]


class _WaitReasons:
    """Prints why a run does not go on, with growing intervals, and no reason twice."""

    def __init__(self) -> None:
        self._looks = WAITING_LOOKS
        self._shown: list[str] = []

    def is_broken_at(self, looks: int) -> bool:
        """Whether it is time to print."""
        if looks < self._looks:
            return False
        self._looks *= 2
        return True

    def show(self, why: Shape) -> None:
        """Print the reason, if it has changed."""
        if (shown := lines(why)) != self._shown:
            self._shown = shown
            click.echo("\n".join(shown))


def _patiently(client: Client, path: str, **query: object) -> Shape:
    """Repeat the request until the host replies: it may be restarting."""
    patience = ClientPatience(client.at)
    while True:
        try:
            answer = client.get(path, **query)
        except Theirs as error:
            patience.wait(error.what)
        else:
            patience.end()
            return answer


def _print_changes(run: Shape, seen: dict[tuple[str, int], Seen], asked: set[str]) -> None:
    width = max((len(node["ref"]) for node in run["nodes"]), default=0)
    children = {(one["node"], one["item"]): f"child {one['run']}" for one in run["children"]}
    lines: list[tuple[str, str]] = []
    for node in run["nodes"]:
        for visit in (*node.get("visits", ()), node):
            at, key = _seen(visit), (node["id"], visit.get("visit", 1))
            is_idle = visit["state"] in ("waiting", "queued", "never") and not visit.get("due")
            if is_idle or seen.get(key) == at:
                continue
            seen[key] = at
            ended_at, begun_at = visit.get("ended_at"), visit.get("started_at")
            parts = (
                f"  {node['ref'].ljust(width)}",
                node_state(visit),
                node_took(visit) if ended_at else "",
                children.get((node["id"], None), "") if visit["state"] == "running" else "",
                reason(visit),
                again(visit),
            )
            lines.append((ended_at or begun_at or "", "  ".join(filter(None, parts))))
    for _, line in sorted(lines, key=lambda one: one[0]):
        click.echo(line)
    for form in run["forms"]:
        if form["node"] not in asked:
            asked.add(form["node"])
            click.echo(f"  open form: {answer_line(run['id'], form)}")


def _seen(visit: Shape) -> Seen:
    """What is printed of a visit when it changes: of one that is repeated, each new reason."""
    attempt = visit.get("attempt", 1)
    is_repeated = visit["state"] == "retrying" or (visit["state"] == "running" and attempt > 1)
    return (AGAIN, visit["why"]) if is_repeated else (visit["state"], attempt)
