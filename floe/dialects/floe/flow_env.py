"""`env` of a flow: its entries as they are written, and the checks of their values."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from floe.dialects.floe.given import nodes_before
from floe.dialects.floe.templates import FilledText, check_template, mentioned, read_template
from floe.dialects.kinds import Schema, Text
from floe.dialects.notes import Notes
from floe.dialects.tree import Scalar, Tree
from floe.kernel.judge import AT_NODE, OF_ITEM
from floe.kernel.named_values import RUN_AT_NODE
from floe.model.flow import Flow
from floe.model.nouns import dataclass
from floe.model.template import Template
from floe.model.template import Text as FlowText
from floe.model.work import Exec, GitCheckout, GitMerge


class FlowEnvEntry(NamedTuple):
    """An entry of a flow's `env`: one `NAME=value`."""

    text: FlowText
    tree: Scalar


NO_ENTRIES: Final[tuple[FlowEnvEntry, ...]] = ()


@dataclass(frozen=True)
class FlowEnvKind:
    """Kind of value of a flow's `env`: `NAME=value`, with values of the run in it."""

    plain: Text
    takes_values: bool = True

    @property
    def label(self) -> str:
        return self.plain.label

    def read(self, tree: Tree, key: str, notes: Notes) -> FlowEnvEntry:
        text = FilledText(self.plain).read(tree, key, notes)
        assert isinstance(tree, Scalar), "text is a scalar"
        return FlowEnvEntry(text, tree)

    def schema(self) -> Schema:
        return Text().schema()


def texts_of(entries: Iterable[FlowEnvEntry]) -> tuple[FlowText, ...]:
    """The entries of a flow's `env` as the flow keeps them."""
    return tuple(entry.text for entry in entries)


def check_flow_env(entries: Iterable[FlowEnvEntry], flow: Flow, notes: Notes) -> None:
    """Report values in a flow's `env` that no run can give, or not to each of its tasks."""
    filled = [entry for entry in entries if isinstance(entry.text, Template)]
    for entry in filled:
        text = read_template(entry.tree, Notes(""), (*AT_NODE, *OF_ITEM))
        check_template(text, flow, notes, RUN_AT_NODE, also=AT_NODE)
        for one in mentioned(text):
            if one.path[0] not in ("task", "merge") or one.may_miss or len(one.path) < 2:
                continue
            id = str(one.path[1])
            early = (
                node
                for node in flow.nodes
                if isinstance(node.work, Exec) and id not in nodes_before(flow, node.id)
            )
            if id in flow.by_id and (node := next(early, None)):
                what = f"`{one.path[0]}.{id}` has not settled when `{node.ref}` gets this entry"
                notes.warning(one.at, what, "put it into `env` of the tasks behind it")
    git = next((n for n in flow.nodes if isinstance(n.work, GitCheckout | GitMerge)), None)
    if filled and git:
        what = (
            f"`{git.ref}` gets neither this entry nor those after it: its command takes no values"
        )
        notes.warning(filled[0].tree.at, what, "put the entries with values last")
