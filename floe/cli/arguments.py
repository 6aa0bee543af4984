"""Names on a command line: checked before a request, completed by asking the host."""

import re
from typing import Any, ClassVar, Final

import click
from click.shell_completion import CompletionItem

from floe.model.errors import FloeError, IdInvalid
from floe.model.ids import RunRef, StoreId, flow_id, node_id
from floe.model.whole import whole

COMPLETED = 100
"""Runs offered for completion."""


class NameArgument(click.ParamType[str]):
    """A text that names something of a host."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check an argument. Fails with the reason if it is invalid."""
        try:
            return self.checked(value)
        except IdInvalid as error:
            self.fail(f"{error.what}" + (f"; {error.hint}" if error.hint else ""), param, ctx)

    def checked(self, text: str) -> str:
        """The name as the host expects it. Raises IdInvalid."""
        raise NotImplementedError

    def offered(self, ctx: click.Context) -> dict[str, str]:
        """Candidates with a line about each. Raises FloeError."""
        raise NotImplementedError

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer names; none if the host does not reply."""
        try:
            found = self.offered(ctx)
        except FloeError:
            return []
        return [CompletionItem(n, help=h) for n, h in found.items() if n.startswith(incomplete)]


class RunArgument(NameArgument):
    """`h1-12`, or in full `h1-12@k3f9`."""

    name = "run"

    def checked(self, text: str) -> str:
        """Raises IdInvalid."""
        RunRef.parse(text, StoreId("0000"))
        return text

    def offered(self, ctx: click.Context) -> dict[str, str]:
        """The newest runs."""
        from floe.cli.client import connected

        runs = connected().get("runs", limit=COMPLETED)["runs"]
        return {run["id"]: f"{run['flow']} {run['state']}" for run in runs}


class FlowArgument(NameArgument):
    """`build`, or `build@2`."""

    name = "flow"

    def checked(self, text: str) -> str:
        """Raises IdInvalid."""
        id, at, ver = text.partition("@")
        if at and whole(ver) is None:
            raise IdInvalid("flow", text, "write build, or build@2 for one version")
        flow_id(id)
        return text

    def offered(self, ctx: click.Context) -> dict[str, str]:
        """The flows of the host."""
        from floe.cli.client import connected

        return {flow["id"]: flow["name"] for flow in connected().get("flows")["flows"]}


class NodeArgument(NameArgument):
    """`build`, or as in events `task.build`."""

    name = "node"
    PREFIXES: ClassVar = ("task.", "merge.")

    def checked(self, text: str) -> str:
        """Raises IdInvalid."""
        for prefix in self.PREFIXES:
            text = text.removeprefix(prefix)
        return node_id(text)

    def offered(self, ctx: click.Context) -> dict[str, str]:
        """The nodes of the run named before it."""
        from floe.cli.client import connected, path

        nodes = connected().get(path("runs", ctx.params["run"]))["nodes"]
        return {node["id"]: node["state"] for node in nodes}


class PlaceArgument(NodeArgument):
    """A node, or an item of one: `test[7]`."""

    def checked(self, text: str) -> str:
        """Raises IdInvalid."""
        node, item = place_of(text)
        return super().checked(node) + ("" if item is None else f"[{item}]")


class StartArgument(NodeArgument):
    """A node from which a run starts again, never an item of one."""

    def checked(self, text: str) -> str:
        """Raises IdInvalid."""
        node, item = place_of(text)
        if item is not None:
            what = f"an item of a node does not start again alone, so there is no --from {text}"
            self.fail(f"{what}; try: --from {node} for all items, or --failed for the failed ones")
        return super().checked(text)


def place_of(text: str) -> tuple[str, int | None]:
    """Node and item in an argument, as `test[7]`; None for the item of a node alone."""
    match = re.fullmatch(r"([^\[]*)\[([0-9]{1,9})\]", text)
    return (match[1], int(match[2])) if match else (text, None)


RUN, FLOW, NODE, PLACE = RunArgument(), FlowArgument(), NodeArgument(), PlaceArgument()
START: Final = StartArgument()

WAIT: Final = click.option(
    "--wait", is_flag=True, help="Follow it to its end; exit 0 if good, 1 if bad."
)
ONCE: Final = click.option(
    "--once", metavar="KEY", default="", help="Idempotency key: the same key starts one run."
)
"""Options of the commands that start a run."""
