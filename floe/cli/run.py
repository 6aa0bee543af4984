"""`floe run`: run one flow live in the terminal, without a host."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from floe import logs
from floe.cli.formats import as_json
from floe.cli.values import PAIR
from floe.config import Flags, load, read_local
from floe.dialects.registry import dialect
from floe.model.errors import ConfigInvalid, NotFound, Yours
from floe.model.flow import Flow, Trigger
from floe.model.form import Field, Form
from floe.model.ids import HostId, Json, NodeId
from floe.model.run import Run
from floe.nodes.passing_commands import PassingRoot

if TYPE_CHECKING:
    from floe.hub.hub import Hub

STARTER: Final = "floe run"
"""The author of the start, which is not that of the answers: `approvers: not-starter` must not stop
a trial by one person."""

INTERRUPTED: Final = 130
"""Exit code after ^C, as of a shell."""


@click.command()
@click.argument("file")
@click.option(
    "-d",
    "--data",
    metavar="K=V",
    multiple=True,
    type=PAIR,
    help="A value of the start form; K=@FILE, K:=JSON.",
)
@click.option("--flow", "name", metavar="ID", help="The flow, if the file has several.")
@click.option("--trigger", default="", metavar="ID", help="The data trigger.  [the first]")
@click.option("--keep", is_flag=True, help="Keep the temporary folder with workspace and output.")
@click.option(
    "--quiet", "-q", is_flag=True, help="Print only the results of nodes, not their output."
)
@click.option("--json", "json_", is_flag=True, help="Print the run as JSON at its end.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    file: str,
    data: tuple[tuple[str, Any], ...],
    name: str | None,
    trigger: str,
    keep: bool,
    quiet: bool,
    json_: bool,
) -> None:
    """Run one flow of FILE in this terminal, without a host; exit 0 if good, 1 if bad.

    FILE is a config or a flow-file. Commands run as you, in an empty workspace in a temporary
    folder, not in the current one. Form values are read from the terminal; without a terminal, an
    open form ends the run (exit 2). ^C cancels the run and waits until all its processes are gone
    (exit 130). Host tags are not checked. Secrets come from variables: FLOE_SECRET_NPM_TOKEN.

    \b
    Examples:
      floe run build.yml
      floe run default.yml --flow release -d version=1.2 -d notes=@NOTES.md
    """
    logs.set_up("error")
    values = dict(data)
    flows = flows_to_run(file)
    flow = startable(chosen(flows, file, name), values)
    others = tuple(one for one in flows if (one.id, one.ver) != (flow.id, flow.ver))
    show = RunDetail(quiet=quiet, json=json_)
    with PassingRoot(keep=keep) as root:
        try:
            status = asyncio.run(_run(file, flow, others, trigger, values, root, show))
        finally:
            if keep and root.path.exists():
                click.echo(f"kept: {root.path}", err=True)
    ctx.exit(status)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """How much `floe run` prints of its run."""

    quiet: bool
    json: bool


def flows_to_run(file: str) -> tuple[Flow, ...]:
    """The flows of a file, one of which is to run. Raises ConfigInvalid, NotFound."""
    origin = str(Path(file).absolute())
    compiled = dialect().flows(read_local(file), origin)
    if compiled.errors:
        raise ConfigInvalid(compiled.errors)
    return tuple(compiled.flows)


def chosen(flows: Sequence[Flow], file: str, name: str | None) -> Flow:
    """The flow to run from a file. Raises NotFound, Yours."""
    id, _, ver = (name or "").partition("@")
    found = [f for f in flows if name is None or (f.id == id and ver in ("", str(f.ver)))]
    ids = ", ".join(f"{f.id}@{f.ver}" for f in flows)
    if not found:
        raise NotFound(f"{file} has no flow {name!r}", f"it has {ids}")
    if name is None and len({f.id for f in found}) > 1:
        raise Yours(f"{file} has several flows", f"add --flow with one of {ids}")
    return max(found, key=lambda f: f.ver)


def startable(flow: Flow, values: Mapping[str, Json]) -> Flow:
    """A flow that `floe run` can start by hand; without a data trigger it accepts any values."""
    if any(t.type == "data" for t in flow.triggers):
        return flow
    fields = tuple(Field(id=n, prompt=n, type="text") for n in values)
    trigger = Trigger(
        id=NodeId("run"), type="data", name="run", form=Form(title="Start", fields=fields)
    )
    return replace(flow, triggers=(*flow.triggers, trigger))


async def _run(
    file: str,
    flow: Flow,
    others: tuple[Flow, ...],
    trigger: str,
    values: Mapping[str, Json],
    root: PassingRoot,
    show: "RunDetail",
) -> int:
    from floe.app import open_hub, ports_of
    from floe.cli.live import BY, Live
    from floe.hub.flows import FlowBook
    from floe.shapes.runs import run_shape

    flags = Flags(host_name="here", root=str(root.path))
    config = load(flags, {}, read_local(file), flow.origin)
    config = replace(config, tags=frozenset(flow.host_tags), keeper=HostId("here"))
    root.wait_ready()
    ports = ports_of(config, passing=True)
    async with open_hub(config, ports, FlowBook(flows=(flow, *others))) as hub:
        with hub.reads.own_feed().subscribe() as feed:
            start = await hub.trigger(flow.id, trigger=trigger, values=values, by=STARTER)
            live = Live(hub, start.id, flow, quiet=show.quiet, silent=show.json)
            watch = asyncio.create_task(live.follow(feed))
            stop = RunStop(hub, start.id, BY, watch)
            try:
                run = await watch
            except asyncio.CancelledError:
                if not watch.cancelled():
                    raise
                return INTERRUPTED
        if show.json:
            as_json(run_shape(run, hub.reads.row_of(run), hub.reads.name_of))
        if stop.is_asked:
            return INTERRUPTED
        return 0 if run.good else 1


class RunStop:
    """Handle a signal: the first cancels the run, the second stops waiting for its end."""

    def __init__(self, hub: "Hub", run: str, by: str, watch: "asyncio.Task[Run]") -> None:
        self.is_asked = False
        self._hub, self._run, self._by, self._watch = hub, run, by, watch
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._ask)

    def _ask(self) -> None:
        if self.is_asked:
            self._watch.cancel()
            return
        self.is_asked = True
        click.echo("\ncancelling: waiting until every process of the run is gone", err=True)
        self._hub.cancel_nowait(self._run, by=self._by, why="^C")


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
