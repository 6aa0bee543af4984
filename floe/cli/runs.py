"""`floe runs`: list runs, newest first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args

import click

from floe.cli.arguments import FLOW
from floe.cli.client import Client, connected
from floe.cli.formats import (
    age,
    as_json,
    as_of,
    child_of,
    label_of,
    ran_of,
    run_state,
    sentence,
    table,
    took,
)
from floe.model.errors import NotFound
from floe.model.ids import Shape
from floe.model.result import RunResult

RESULTS: Final = get_args(RunResult)


class StateChoice(click.Choice[str]):
    """A state of a run. Results are options of their own."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it. Fails with the option that takes the word."""
        if value in RESULTS:
            states = ", ".join(self.choices)
            self.fail(f"{value!r} is a result: write --result {value}; states: {states}")
        return super().convert(value, param, ctx)


@click.command()
@click.option("--flow", "-f", type=FLOW, help="Only of this flow.")
@click.option(
    "--state",
    "-s",
    type=StateChoice(("pending", "active", "archive")),
    multiple=True,
    help="Only in this state; can be repeated.",
)
@click.option("--host", metavar="NAME", help="Only runs of this host, present or past.")
@click.option("--good/--bad", default=None, help="Only good runs; only runs with any other result.")
@click.option(
    "--result",
    "-r",
    type=click.Choice(RESULTS),
    multiple=True,
    help="Only with this result; can be repeated.",
)
@click.option("--text", "-t", help="Only runs with this text in title, values, id, why or by.")
@click.option("--limit", "-n", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--cursor", help="Next page; the page before prints it.")
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(
    flow: str | None,
    state: tuple[str, ...],
    host: str | None,
    good: bool | None,
    result: tuple[str, ...],
    text: str | None,
    limit: int,
    cursor: str | None,
    json_: bool,
) -> None:
    """List runs, newest first.

    \b
    Examples:
      floe runs --flow build --bad
      floe runs -r cancelled -r rejected
      floe runs -s active -s pending
      floe runs --json -n 500
    """
    client = connected()
    answer = client.get(
        "runs",
        flow=flow,
        state=",".join(state),
        host=host,
        good=None if good is None else str(good).lower(),
        result=",".join(result),
        text=text,
        limit=limit,
        cursor=cursor,
    )
    if json_:
        as_json(answer)
        return
    for stale in answer["stale"]:
        click.echo(as_of(stale, answer["as_of"][stale]), err=True)
    if not answer["runs"]:
        _check_flow(client, flow)
        click.echo("no runs", err=True)
        return
    waits = _waits(client, answer["runs"])
    table(
        ("RUN", "FLOW", "TITLE", "STATE", "HOST", "STARTED", "TOOK", "BY", "WHY"),
        (
            (
                f"{'  ' * (depth - 1)}└ {run['id']}" if depth else run["id"],
                f"{run['flow']}@{run['ver']}",
                run.get("title", ""),
                run_state(run),
                run["host"] or "–",
                age(run["pended_at"]),
                took(run["started_at"], run["ended_at"]),
                run["by"],
                _why(run, waits, is_below=depth > 0),
            )
            for depth, run in _families(answer["runs"])
        ),
    )
    if answer["next"]:
        click.echo(f"more: --cursor {answer['next']}", err=True)


def _check_flow(client: Client, flow: str | None) -> None:
    """Raises NotFound for a flow without runs that no host has."""
    if flow is None:
        return
    from floe.dialects.nearest import closest

    id, known = flow.partition("@")[0], [one["id"] for one in client.get("flows")["flows"]]
    if id not in known:
        raise NotFound(f"no flow {flow!r}", closest(id, known) or "floe flows lists them")


def _families(rows: Sequence[Shape]) -> Iterator[tuple[int, Shape]]:
    """Each run with its depth: child runs follow their parent, where the list has it."""
    ids = {row["id"] for row in rows}
    below: dict[str, list[Shape]] = {}
    for row in rows:
        parent = row.get("parent")
        below.setdefault(parent["run"] if parent and parent["run"] in ids else "", []).append(row)

    def walk(id: str, depth: int) -> Iterator[tuple[int, Shape]]:
        for row in below.get(id, ()):
            yield depth, row
            yield from walk(row["id"], depth + 1)

    return walk("", 0)


def _why(run: Shape, waits: Mapping[str, str], *, is_below: bool) -> str:
    """The last column: the label, the reason, how many nodes ran, and a parent that nothing else
    names."""
    reason, parent = _reason(run, waits), run.get("parent")
    is_named = is_below or (
        parent is not None and parent["run"] in reason.replace(":", " ").split()
    )
    parent_text = "" if is_named else child_of(run)
    return "; ".join(filter(None, (label_of(run), reason, ran_of(run), parent_text)))


def _reason(run: Shape, waits: Mapping[str, str]) -> str:
    """Why a run ended or is about to end as it does, or why it waits; nothing of a good one."""
    return "" if run["good"] else sentence(run["why"] or waits.get(run["id"], ""))


def _waits(client: Client, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Why the pending and active runs of a list wait, by id: the list itself has no reasons."""
    states, waits = {run["state"] for run in rows}, dict[str, str]()
    if "pending" in states:
        for group in client.get("pends")["pends"]:
            before = ""
            for run in group["runs"]:
                waits[run] = (
                    f"{before} needs the same and is before it" if before else group["text"]
                )
                before = run
    if "active" in states:
        for one in client.get("forms")["forms"]:
            form = one["form"]
            waits[one["run"]["id"]] = f"waits for a person: {form['title'] or form['node']}"
    return waits
