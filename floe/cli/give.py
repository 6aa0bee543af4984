"""`floe give`: answer the form of a run."""

import sys
from typing import Any

import click

from floe.cli.arguments import NODE, RUN
from floe.cli.client import connected, path
from floe.cli.paint import as_json
from floe.cli.values import PAIR
from floe.model.errors import Conflict, Yours
from floe.model.refs import Shape


@click.command()
@click.argument("run", type=RUN)
@click.argument("node", type=NODE, required=False)
@click.argument("values", metavar="[K=V]...", nargs=-1, type=PAIR)
@click.option("--reject", is_flag=True, help="Answer with bad: the node issues its .bad event.")
@click.option(
    "--visit",
    type=click.IntRange(1),
    help="Number of the visit, if NODE entered several times.  [the newest]",
)
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(
    run: str,
    node: str | None,
    values: tuple[tuple[str, Any], ...],
    reject: bool,
    visit: int | None,
    json_: bool,
) -> None:
    """Answer the form of data node NODE in RUN.

    K=@FILE takes a file's content, K:=JSON a typed value. Without values the command asks for them
    on the terminal; NODE may be omitted there if only one form is open.

    \b
    Examples:
      floe give h1-12 sign-off tested=yes remark=@NOTES.md
      floe give h1-12 sign-off --reject
      floe give h1-12
    """
    client = connected()
    good, given = not reject, dict(values)
    if not (values or reject or json_) and sys.stdin.isatty():
        form = _open(client.get(path("runs", run)), node)
        node, visit = form["node"], visit or form.get("visit")
        good, given = _asked(form)
    if node is None:
        raise click.UsageError("Missing argument 'NODE'.", click.get_current_context())
    answered: dict[str, Any] = {"id": node, "values": given, "good": good}
    if visit:
        answered["visit"] = visit
    answer = client.post("push/data", {"run": run, "form": answered})
    if json_:
        as_json(answer)
    else:
        click.echo(f"{run}: {node} {'answered' if good else 'rejected'}")


def _open(run: Shape, node: str | None) -> Shape:
    """The form to answer. Raises Conflict, Yours."""
    forms = {form["node"]: form for form in run["forms"] if node in (None, form["node"])}
    if not forms:
        what = f"{run['id']} has no open form" + (f" {node}" if node else "")
        raise Conflict(what, f"see what it waits for: floe why {run['id']}")
    if len(forms) > 1:
        raise Yours(f"{run['id']} has several open forms", f"name one of {', '.join(forms)}")
    return next(iter(forms.values()))


def _asked(form: Shape) -> tuple[bool, dict[str, Any]]:
    import asyncio

    from floe.cli.forms import ask, form_of, typed

    return asyncio.run(ask(form_of(form), typed))
