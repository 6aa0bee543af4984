"""Checks the values in the texts of a task's work."""

from collections.abc import Iterator

from floe.dialects.floe.filled_keys import FILLED
from floe.dialects.floe.nodes import Nodes
from floe.dialects.floe.templates import check_template, read_template
from floe.dialects.kinds import Unfit
from floe.dialects.notes import Notes
from floe.dialects.tree import Items, Scalar, Table, Tree
from floe.kernel.judge import AT_NODE, CALLBACK, OF_ITEM
from floe.kernel.named_values import RUN_AT_NODE
from floe.model.callback import Callback
from floe.model.flow import Flow


def check_work_texts(flow: Flow, nodes: Nodes, notes: Notes) -> None:
    """Report the values in work that no run can give, and types that never fit."""
    for id in sorted(flow.filled):
        given = (CALLBACK,) if isinstance(flow.by_id[id].work, Callback) else ()
        for tree in _filled(nodes.opts[id], flow.by_id[id].type):
            try:
                text = read_template(tree, Notes(""), (*AT_NODE, *OF_ITEM, *given))
            except Unfit:
                continue  # it was reported when the task was read
            also = (*AT_NODE, *given)
            also = also if flow.by_id[id].foreach is None else (*also, *OF_ITEM)
            check_template(text, flow, notes, RUN_AT_NODE, node=id, also=also)


def _filled(opts: Table, type_: str) -> Iterator[Scalar]:
    """The texts with values among the `opts` of a task of this type."""
    for key in FILLED[type_]:
        if entry := opts.entries.get(key):
            yield from texts_in(entry.value)


def texts_in(tree: Tree) -> Iterator[Scalar]:
    """The texts with braces in a tree."""
    match tree:
        case Items(items=items):
            for item in items:
                yield from texts_in(item)
        case Table(entries=entries):
            for entry in entries.values():
                yield from texts_in(entry.value)
        case Scalar(text=text) if "{{" in text:
            yield tree
        case _:
            pass
