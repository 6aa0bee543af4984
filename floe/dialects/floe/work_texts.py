"""Checks the values in the texts of a task's work."""

from collections.abc import Iterator
from typing import Final

from floe.dialects.floe.http_keys import AUTH, BODY, FORM_BODY, HEADERS, JSON_BODY
from floe.dialects.floe.nodes import Nodes
from floe.dialects.floe.templates import check_template, read_template
from floe.dialects.floe.vocabulary import (
    ARGS,
    CHECKSUM,
    DOWNLOAD,
    ENV_OPT,
    FETCH_URL,
    NOTIFY_SUBJECT,
    NOTIFY_TEXT,
    SSH_DIR,
    SSH_HOST,
    SSH_USER,
    SUB_HOST,
    SUB_VALUES,
    UPLOAD,
)
from floe.dialects.kinds import Unfit
from floe.dialects.notes import Notes
from floe.dialects.tree import Items, Scalar, Table, Tree
from floe.kernel.judge import AT_NODE, OF_ITEM
from floe.kernel.named_values import RUN_AT_NODE
from floe.model.flow import Flow

FILLED: Final = (
    *(key.name for key in (ARGS, ENV_OPT, FETCH_URL, CHECKSUM, NOTIFY_TEXT, NOTIFY_SUBJECT)),
    *(key.name for key in (HEADERS, JSON_BODY, FORM_BODY, BODY, AUTH)),
    *(key.name for key in (SSH_HOST, SSH_USER, SSH_DIR, UPLOAD, DOWNLOAD)),
    *(key.name for key in (SUB_VALUES, SUB_HOST)),
)
"""The `opts` with values in their texts; `url` is that of fetch and http, `host` that of
ssh and flow."""


def check_work_texts(flow: Flow, nodes: Nodes, notes: Notes) -> None:
    """Report the values in work that no run can give, and types that never fit."""
    for id in sorted(flow.filled):
        for tree in _filled(nodes.opts[id]):
            try:
                text = read_template(tree, Notes(""), (*AT_NODE, *OF_ITEM))
            except Unfit:
                continue  # it was reported when the task was read
            also = AT_NODE if flow.by_id[id].foreach is None else (*AT_NODE, *OF_ITEM)
            check_template(text, flow, notes, RUN_AT_NODE, node=id, also=also)


def _filled(opts: Table) -> Iterator[Scalar]:
    """The texts with values among the `opts` of a task."""
    for key in FILLED:
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
