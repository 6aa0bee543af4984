"""Which nodes are skipped because of skipped nodes before them.

A tag is dead by skipping if the node that would issue it was skipped. A node that has not entered
is skipped when one of its clauses, or its `listen`, has only such tags. A merge of all runs without
the skipped nodes whose good tags it waits for: its clauses name `task.<id>.skipped` beside each,
as *excused*, and it is skipped only if all its clauses stand by excused tags alone.

Source: docs/kernel.md, "Skipping".
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final

from floe.kernel.inputs import seen_from
from floe.kernel.match import clauses_of, may_enter
from floe.kernel.rest import is_good_tag
from floe.kernel.sentences import first_parts
from floe.model.event import NodeSkipped
from floe.model.flow import Flow, Node
from floe.model.ids import NodeId
from floe.model.nouns import replace
from floe.model.outcome import Outcome
from floe.model.run import NodeState, Run
from floe.model.tags import SKIPPED, Tag, emitter_of, tag_of

_SKIPPED_END: Final = f".{SKIPPED}"


def followers_of(flow: Flow, tag: Tag) -> tuple[Node, ...]:
    """The nodes that may be skipped because a node was; none unless the tag says that it was."""
    if not tag.endswith(_SKIPPED_END):
        return ()
    emitter = emitter_of(tag)
    return flow.followers.get(emitter, ()) if emitter is not None else ()


def is_lost(run: Run, node: Node) -> bool:
    """Whether skipping reaches a node: a clause, or its `listen`, has only tags that are dead
    by it."""
    return may_enter(run, node) and bool(_lost(run, node))


def is_excused(run: Run, node: Node) -> bool:
    """Whether skipped nodes excuse a node: all its clauses that stand do so by excused tags."""
    if not node.excused:
        return False
    standing = (tag for clause in node.needs for tag in clause if tag in run.standing)
    return all(tag in node.excused for tag in standing)


def why_after(run: Run, node: Node) -> str:
    """Why a node is skipped after skipped nodes: their reasons, as the end of a sentence."""
    outcomes = [run.nodes[id].outcome for id in skipped_before(run, node)]
    reasons = [outcome.why for outcome in outcomes if outcome is not None]
    return first_parts([*dict.fromkeys(reasons)])


def skipped_before(run: Run, node: Node) -> list[NodeId]:
    """The skipped nodes by which a node is skipped, or without which it enters."""
    emitters = [emitter_of(t) for clause in _lost(run, node) or node.needs for t in clause]
    found = [id for id in dict.fromkeys(emitters) if id is not None and id in run.nodes]
    return [id for id in found if run.nodes[id].is_skipped]


def sources_of_skipped(run: Run, node: Node) -> tuple[NodeId, ...]:
    """The nodes before a skipped node that settled or were skipped, in the order of its `wait`."""
    emitters = (
        emitter_of(tag)
        for clause in clauses_of(node)
        for tag in clause
        if tag in run.standing or _is_dead(run, tag)
    )
    return tuple(dict.fromkeys(id for id in emitters if id is not None))


def skipped_visit(run: Run, event: NodeSkipped, seq: int) -> NodeState:
    """The visit that an event skips. It gives the outputs before it to the nodes after it."""
    level, seen = seen_from(run, event.sources) if event.inherits else (0, ())
    return NodeState(
        phase="settled",
        work=None,
        visit=event.visit,
        attempt=0,
        woke=seq,
        sources=event.sources,
        inherits=event.inherits,
        level=level,
        seen=seen,
        gives=seen,
        entered_at=event.at,
        queued_at=event.at,
        settled_at=event.at,
        outcome=Outcome(result="skipped", why=event.why),
        tag=event.tag,
        good=True,
    )


def skippable(nodes: Iterable[Node]) -> frozenset[NodeId]:
    """The nodes that a run may skip."""
    by_id = {node.id: node for node in nodes}
    after: dict[NodeId | None, list[Node]] = {}
    for node in by_id.values():
        for tag in dict.fromkeys(tag for clause in clauses_of(node) for tag in clause):
            after.setdefault(emitter_of(tag), []).append(node)
    found = {node.id: None for node in by_id.values() if node.can_skip}
    fresh = [*found]
    for id in fresh:  # grows by the nodes that are skipped after each
        for node in after.get(id, ()):
            if node.id not in found and _may_be_lost(node, found, by_id):
                found[node.id] = None
                fresh.append(node.id)
    return frozenset(found)


def with_excuses(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes of a flow, where each merge of all runs without the skipped ones before it."""
    skipped = skippable(nodes)
    by_id = {node.id: node for node in nodes}
    return tuple(_with_excuses(node, skipped, by_id) for node in nodes)


def _with_excuses(node: Node, skipped: Container[NodeId], by_id: Mapping[NodeId, Node]) -> Node:
    excuses: dict[Tag, Tag] = {}
    for clause in node.needs:
        emitter = _excusable(node, clause, by_id)
        if emitter is not None and emitter.id in skipped:
            excuses[clause[0]] = tag_of(emitter.cls, emitter.id, SKIPPED)
    if not excuses:
        return node
    needs = tuple((*c, *(excuses[t] for t in c if t in excuses)) for c in node.needs)
    return replace(node, needs=needs, excused=frozenset(excuses.values()))


def _may_be_lost(node: Node, skipped: Container[NodeId], by_id: Mapping[NodeId, Node]) -> bool:
    """Whether a node may be skipped if these are."""
    lost = {
        clause: all(emitter_of(tag) in skipped for tag in clause)
        for clause in clauses_of(node)
        if clause
    }
    excusable = [clause for clause in lost if _excusable(node, clause, by_id)]
    is_lost_by_one = any(is_lost for clause, is_lost in lost.items() if clause not in excusable)
    return is_lost_by_one or (len(excusable) == len(lost) and all(lost.values()))


def _excusable(node: Node, clause: Sequence[Tag], by_id: Mapping[NodeId, Node]) -> Node | None:
    """The node without which a merge of all goes if it is skipped; None if there is none."""
    if node.type != "all" or len(clause) != 1:
        return None
    emitter = by_id.get(emitter_of(clause[0]) or NodeId(""))
    return emitter if emitter is not None and is_good_tag(clause[0], emitter) else None


def _lost(run: Run, node: Node) -> list[tuple[Tag, ...]]:
    """The clauses of a node, and its `listen`, that have only tags that are dead by skipping."""
    clauses = (tuple(sorted(node.heard)), *node.needs)
    return [clause for clause in clauses if clause and all(_is_dead(run, tag) for tag in clause)]


def _is_dead(run: Run, tag: Tag) -> bool:
    """Whether a tag can never come, because its node was skipped."""
    emitter = emitter_of(tag)
    state = run.nodes.get(emitter) if emitter is not None else None
    if state is None or state.phase != "settled" or not state.is_skipped:
        return False
    return tag not in run.standing
