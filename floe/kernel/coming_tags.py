"""Which nodes of a run may still issue tags."""

from collections.abc import Iterable, Iterator, Mapping

from floe.kernel.graph import labels_of
from floe.kernel.loops import comes_round
from floe.kernel.match import may_enter, missing, without_excused
from floe.kernel.skipping import skipped_before
from floe.model.flow import Flow, Node
from floe.model.ids import NodeId
from floe.model.loop import FlowLoop
from floe.model.run import Run
from floe.model.tags import SKIPPED, Tag, emitter_of, label_of


def awaited_clauses(run: Run, node: Node) -> tuple[tuple[Tag, ...], ...]:
    """The clauses of coming tags that a node waits for; one tag satisfies each.

    If a merge was reset and all its clauses still stand, any of its tags wakes it, once that tag
    arrives again.
    """
    standing = tuple(dict.fromkeys(t for c in node.needs for t in without_excused(node, c)))
    return missing(run, node) or ((standing,) if standing else ())


def coming_nodes(run: Run, flow: Flow) -> Mapping[NodeId, Node]:
    """The nodes whose tags may still come: open nodes, nodes that may still enter, and all nodes of
    a loop that may begin another round."""
    coming = {n: flow.by_id[n] for n in run.open}
    waiting = [n for n in flow.nodes if may_enter(run, n)]
    while more := [n for n in waiting if n.id not in coming and _may_enter(run, n, coming)] + [
        flow.by_id[id]
        for loop in flow.loops
        if comes_round(run, flow, loop, coming)
        for id in loop.nodes
        if id not in coming
    ]:
        coming.update((n.id, n) for n in more)
    return coming


def _may_enter(run: Run, node: Node, coming: Mapping[NodeId, Node]) -> bool:
    clauses = awaited_clauses(run, node)
    return bool(clauses) and all(any(can_come(run, t, coming) for t in c) for c in clauses)


def can_come(run: Run, tag: Tag, coming: Mapping[NodeId, Node]) -> bool:
    """Whether a tag may arrive, if these nodes may issue theirs."""
    node = coming.get(emitter_of(tag) or NodeId(""))
    if node is None:
        return False
    may_skip = label_of(tag) == SKIPPED and node.id not in run.open
    return may_skip or label_of(tag) in labels_of(node)


def is_behind_loop(run: Run, flow: Flow, node: Node) -> bool:
    """Whether tags may still come to a node that may enter, from a skipped loop before it.

    Until the loop is over, they may still run, so their tags are not dead for it.
    """
    return may_enter(run, node) and any(True for _ in _loops_before(run, flow, node))


def over_loops(run: Run, flow: Flow, behind: Iterable[Node]) -> list[Node]:
    """The nodes among these, behind loops, to which no more tags can come from the loops."""
    nodes = list(behind)
    coming = coming_nodes(run, flow) if nodes else {}
    return [
        node
        for node in nodes
        if not any(comes_round(run, flow, loop, coming) for loop in _loops_before(run, flow, node))
    ]


def _loops_before(run: Run, flow: Flow, node: Node) -> Iterator[FlowLoop]:
    for loop in flow.loops:
        if node.id not in loop.nodes and any(n in loop.nodes for n in skipped_before(run, node)):
            yield loop
