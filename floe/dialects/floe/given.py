"""Which values triggers and nodes give, as far as a document shows it.

A command may output values of any name, so nothing is known about a node that runs after one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from floe.expr.env_entries import variable_name
from floe.kernel.graph import edges_of
from floe.model.callback import Callback
from floe.model.flow import Flow, Node
from floe.model.ids import NodeId
from floe.model.work import Ask, Exec, Git, GitCheckout, GitMerge

_MENTION: Final = re.compile(
    r"(?<![\\\w])\$(?:\{FLOE_IN_(?P<braced>\w+)\}|FLOE_IN_(?P<plain>\w+))|\bFLOE_IN_(?P<other>\w+)",
    re.ASCII,
)
_COMMENT: Final = re.compile(r"^\s*#.*$", re.MULTILINE)


def values_of(flow: Flow) -> tuple[str, ...] | None:
    """The names of the values that are given by triggers; None if they cannot be known."""
    if not flow.triggers:
        return None
    names: set[str] = set()
    for trigger in flow.triggers:
        names |= {field.id for field in trigger.form.fields}
        names |= _of_git(trigger.git)
        names |= OF_TRIGGER.get(trigger.type, frozenset())
        names |= {value.name for value in trigger.heard.values} if trigger.heard else set()
    return tuple(sorted(names))


def read_variables(code: str) -> set[str]:
    """The given inputs that a shell's code reads by their bare variables.

    Not those that it also mentions in a different way: it may set or test them (`read`,
    `${NAME:-default}`).
    """
    read, other = set(), set()
    for found in _MENTION.finditer(_COMMENT.sub("", code)):
        if name := found["plain"] or found["braced"]:
            read.add(name)
        else:
            other.add(found["other"])
    return read - other


def nodes_before(flow: Flow, node: NodeId) -> frozenset[NodeId]:
    """The nodes whose outputs may be given to a node: tags lead from them to it."""
    before: dict[NodeId, list[NodeId]] = {}
    for edge in edges_of(flow):
        if edge.source is not None:
            before.setdefault(edge.target, []).append(edge.source)
    return frozenset(_reached([node], before))


class GivenInputs:
    """The inputs that each node of a flow may have."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        values = values_of(flow)
        self._values = None if values is None else frozenset(map(variable_name, values))
        self._before: dict[NodeId, list[NodeId]] = {}
        after: dict[NodeId, list[NodeId]] = {}
        for edge in edges_of(flow):
            if edge.source is not None:
                self._before.setdefault(edge.target, []).append(edge.source)
                after.setdefault(edge.source, []).append(edge.target)
        commands = [node.id for node in flow.nodes if isinstance(node.work, Exec)]
        self._unknown = set(_reached(commands, after))

    def missing(self, node: Node, names: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The inputs among these that nothing can give, each with the inputs that there are."""
        if self._values is None or node.id in self._unknown:
            return
        known = self._values
        if names := sorted(set(names) - known):
            before = _reached([node.id], self._before)
            known = known.union(*(_outputs_of(self._flow.by_id[id]) for id in before))
            for name in names:
                if name not in known:
                    yield name, tuple(sorted(known))


def _reached(start: Iterable[NodeId], edges: Mapping[NodeId, list[NodeId]]) -> list[NodeId]:
    """The nodes that some edges lead to, directly or not."""
    found: dict[NodeId, None] = {}
    fresh = [other for node in start for other in edges.get(node, ())]
    for node in fresh:  # grows by the nodes behind each
        if node not in found:
            found[node] = None
            fresh += edges.get(node, ())
    return list(found)


def _outputs_of(node: Node) -> set[str]:
    match node.work:
        case Ask(form=form):
            return {variable_name(field.id) for field in form.fields}
        case Callback(outputs=names):
            return {variable_name(name) for name in names}
        case GitCheckout() | GitMerge():
            return {"HASH", "DIR"}
        case _:
            return set()


def _of_git(git: Git) -> set[str]:
    names = {"url": git.url, "hash": git.hash, "ref": git.ref, "branch": git.branch}
    names |= {"from-branch": git.from_branch, "sub-dir": git.sub_dir}
    return {name for name, value in names.items() if value}


OF_TRIGGER: Final[Mapping[str, frozenset[str]]] = {
    "poll-git": frozenset({"branch", "ref", "hash"}),
    "pack-event": frozenset({"event"}),
    "push": frozenset({"push", "event", "branch", "tag", "ref", "hash", "url", "subject"}),
}
