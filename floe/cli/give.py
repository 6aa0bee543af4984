"""`floe give`: answer the form of a run."""

import sys
from typing import Any

import click
from click.shell_completion import CompletionItem

from floe.cli.arguments import NODE, RUN
from floe.cli.client import connected, path
from floe.cli.formats import as_json
from floe.cli.values import PAIR
from floe.model.errors import Conflict, Yours
from floe.model.ids import Shape


class GivenAnswer(click.ParamType[Any]):
    """An argument of `floe give`: a node, or `k=v`; the node may be left out."""

    name = "answer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check an argument of `floe give`."""
        kind = PAIR if "=" in str(value) else NODE
        return kind.convert(value, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer nodes for an argument of `floe give`."""
        return NODE.shell_complete(ctx, param, incomplete)


@click.command()
@click.argument("run", type=RUN)
@click.argument("answer", metavar="[NODE] [K=V]...", nargs=-1, type=GivenAnswer())
@click.option("-d", "--data", metavar="K=V", multiple=True, type=PAIR, help="The same as K=V.")
@click.option("--reject", is_flag=True, help="Answer with bad: the node issues its .bad event.")
@click.option("--why", default="", help="The reason of a rejection; everybody can read it.")
@click.option(
    "--visit",
    type=click.IntRange(1),
    help="Number of the visit, if NODE entered several times.  [the newest]",
)
@click.option("--json", "json_", is_flag=True, help="Print the reply as JSON.")
def command(
    run: str,
    answer: tuple[str | tuple[str, Any], ...],
    data: tuple[tuple[str, Any], ...],
    reject: bool,
    why: str,
    visit: int | None,
    json_: bool,
) -> None:
    """Answer the form of data node NODE in RUN.

    K=@FILE takes a file's content, K:=JSON a typed value. Without values the command asks for them
    on the terminal. NODE may be omitted if only one form is open.

    \b
    Examples:
      floe give h1-12 sign-off tested=yes remark=@NOTES.md
      floe give h1-12 tested=yes
      floe give h1-12 --reject --why "wrong branch"
      floe give h1-12
    """
    if why and not reject:
        raise click.UsageError("--why is the reason of a rejection: add --reject")
    nodes = [one for one in answer if isinstance(one, str)]
    if len(nodes) > 1:
        raise click.UsageError(f"one NODE is expected, not {', '.join(nodes)}")
    node = nodes[0] if nodes else None
    values = (*(one for one in answer if not isinstance(one, str)), *data)
    client = connected()
    answered: dict[str, Any] = {"values": dict(values), "good": not reject}
    is_asked = not (values or reject or json_) and sys.stdin.isatty()
    if is_asked or node is None:
        form = _open(client.get(path("runs", run)), node)
        node, visit = form["node"], visit or form.get("visit")
        if is_asked:
            answered, why = _asked(form)
    answered |= {"id": node}
    answered |= {"why": why} if why else {}
    answered |= {"visit": visit} if visit else {}
    reply = client.post("push/data", {"run": run, "form": answered})
    if json_:
        as_json(reply)
    else:
        click.echo(f"{run}: {node} {'answered' if answered['good'] else 'rejected'}")


def _open(run: Shape, node: str | None) -> Shape:
    """The form to answer. Raises Conflict, Yours."""
    forms = {form["node"]: form for form in run["forms"] if node in (None, form["node"])}
    if not forms:
        what = f"{run['id']} has no open form" + (f" {node}" if node else "")
        raise Conflict(what, f"see what it waits for: floe why {run['id']}")
    if len(forms) > 1:
        raise Yours(f"{run['id']} has several open forms", f"name one of {', '.join(forms)}")
    return next(iter(forms.values()))


def _asked(form: Shape) -> tuple[dict[str, Any], str]:
    """The answer that a person types, and the reason of a rejection."""
    import asyncio

    from floe.cli.forms import ask, form_of, typed

    answer = asyncio.run(ask(form_of(form), typed))
    return {"values": dict(answer.values), "good": answer.good}, answer.why
