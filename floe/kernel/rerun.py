"""Which nodes a re-run takes over from an earlier run, and which run again.

A node is taken over only if it settled, and no node before it runs again. What never ran does so
if its tags stand then.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

from floe.kernel.children_again import children_again
from floe.kernel.graph import edges_of
from floe.kernel.match import without_excused
from floe.kernel.shared import with_item
from floe.kernel.skipping import skippable
from floe.kernel.taken import taken_node
from floe.model.flow import Flow, Node
from floe.model.ids import NodeId
from floe.model.nouns import dataclass, replace
from floe.model.run import NodeState, Run
from floe.model.tags import TRIGGER_GOOD, Tag, emitter_of
from floe.model.taken import ChildAgain, ItemsTaken, ItemTaken, NodeTaken
from floe.model.work import Ask, End

ChoiceKind = Literal["all", "from", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunChoice:
    """The part of an earlier run that is to run again."""

    kind: ChoiceKind = "all"
    """from: `node` and all after it. failed: what settled bad or was stopped, and all after it."""
    node: NodeId | None = None
    by: str = ""
    """The person who requests the re-run."""
    is_edited: bool = False
    """Whether the re-run has other values than the earlier run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """A re-run, before it starts."""

    taken: tuple[NodeTaken, ...]
    """In the order in which they settled."""
    again: tuple[NodeId, ...]
    """The nodes that entered in the earlier run and may run again, in document order."""
    new: tuple[NodeId, ...]
    """The nodes that never entered there and may run, in document order."""
    items: tuple[ItemsTaken, ...] = ()
    """The good items of nodes that run again; only their other items do."""
    children: tuple[ChildAgain, ...] = ()
    """The failed child runs of nodes that run again for them alone; each starts again as a re-run
    of what failed in it."""
    missing: tuple[tuple[Tag, ...], ...] = ()
    """What the chosen node would wait for in vain: one tag of each clause."""


def rerun_of(old: Run, flow: Flow, choice: RerunChoice) -> Rerun:
    """Choose what a re-run of an ended run takes over.

    `flow` is the one that the re-run follows: a later version may lack nodes, and have new ones.
    """
    if old.started_at is None:
        old = _as_it_would_begin(old)
    settled = _settled(old, flow)
    again = _again(settled, old, flow, _first(settled, old, flow, choice))
    kept = {id: state for id, state in settled.items() if id not in again}
    first = flow.by_id[choice.node] if choice.node else None
    children: tuple[ChildAgain, ...] = ()
    items: tuple[ItemsTaken, ...] = ()
    if choice.kind == "failed" and not choice.is_edited:
        alone = again - {edge.target for edge in edges_of(flow) if edge.source in again}
        children = tuple(children_again(old, flow, alone))
        items = tuple(_items_taken(old, flow, alone, {child.node for child in children}))
    return Rerun(
        taken=tuple(_taken(old, flow.by_id[id], state) for id, state in _rerun_order(kept)),
        again=tuple(n.id for n in flow.nodes if n.id in old.nodes and n.id not in kept),
        new=tuple(n.id for n in flow.nodes if n.id not in old.nodes and n.id in again),
        items=items,
        children=children,
        missing=_gap(first, _standing(kept), again) if first else (),
    )


def _as_it_would_begin(old: Run) -> Run:
    """A re-run that ended before its activation, with the nodes that it was to take over."""
    for seq, taken in enumerate(old.taken):
        old = replace(old, nodes=with_item(old.nodes, taken.node, taken_node(old, taken, seq)))
    return old


def _settled(old: Run, flow: Flow) -> dict[NodeId, NodeState]:
    """The nodes that a re-run might take over, also as skipped if its flow may skip them.

    An end that was reached is never taken over: it would not end the re-run. A node of a loop may
    have settled in an earlier round only. One with an item that did not settle belongs to a copy
    that a person abandoned.
    """
    may_skip = skippable(flow.nodes)
    return {
        node.id: state
        for node in flow.nodes
        if (state := old.nodes.get(node.id))
        and state.phase in ("settled", "again")
        and state.tag is not None
        and state.tag.startswith(f"{node.ref}.")
        and (node.id in may_skip if state.is_skipped else not isinstance(node.work, End))
        and all(item.outcome for item in state.parts()[1:])
    }


def _first(
    settled: Mapping[NodeId, NodeState], old: Run, flow: Flow, choice: RerunChoice
) -> Iterable[NodeId]:
    """The nodes that run again whatever is before them."""
    if choice.kind == "all":
        return flow.by_id
    stopped = [id for id in old.nodes if id in flow.by_id and id not in settled]
    stopped += _void(settled, flow, choice)
    bad = [id for id, s in settled.items() if not s.good and s.phase == "settled"]
    if choice.kind == "failed":
        return (*stopped, *bad)
    unheard = [id for id in bad if settled[id].tag not in flow.hearers]
    return (*filter(None, (choice.node,)), *stopped, *unheard)


def _void(settled: Mapping[NodeId, NodeState], flow: Flow, choice: RerunChoice) -> list[NodeId]:
    """What does not count for the re-run: with other values approvals, skips and all nodes with
    items, and approvals of its starter."""
    return [
        id
        for id, state in settled.items()
        if (choice.is_edited and (state.items is not None or state.is_skipped))
        or (
            isinstance(work := flow.by_id[id].work, Ask)
            and not state.is_skipped
            and work.form.approvers == "not-starter"
            and (choice.is_edited or state.by == choice.by)
        )
    ]


def _again(
    settled: Mapping[NodeId, NodeState], old: Run, flow: Flow, first: Iterable[NodeId]
) -> set[NodeId]:
    """The nodes that run again: the first ones, those that can now enter although they never did,
    and all nodes after them."""
    after: dict[NodeId | None, list[NodeId]] = {}
    for edge in edges_of(flow):
        after.setdefault(edge.source, []).append(edge.target)
    again: set[NodeId] = set()
    fresh = list(first)
    while True:
        for node in fresh:  # grows by the nodes after each
            if node not in again:
                again.add(node)
                fresh += after.get(node, ())
        standing = _standing({id: state for id, state in settled.items() if id not in again})
        fresh = [
            node.id
            for node in flow.nodes
            if node.id not in old.nodes and node.id not in again and not _gap(node, standing, ())
        ]
        if not fresh:
            return again


def _standing(kept: Mapping[NodeId, NodeState]) -> set[Tag]:
    return {TRIGGER_GOOD, *(t for s in kept.values() for t in (s.tag, *s.tags) if t)}


def _gap(
    node: Node, standing: Collection[Tag], again: Collection[NodeId]
) -> tuple[tuple[Tag, ...], ...]:
    """The clauses of a node that do not stand, unless a node that runs again may satisfy them."""
    heard = (tuple(sorted(node.heard)),) if node.heard else ()
    return tuple(
        without_excused(node, clause)
        for clause in (*heard, *node.needs)
        if not any(tag in standing or emitter_of(tag) in again for tag in clause)
    )


def _rerun_order(kept: Mapping[NodeId, NodeState]) -> list[tuple[NodeId, NodeState]]:
    """A node that entered because of one that settled in the same millisecond comes after it."""
    return sorted(kept.items(), key=lambda item: (item[1].settled_at or 0, item[1].woke))


def _taken(old: Run, node: Node, state: NodeState) -> NodeTaken:
    assert state.outcome is not None, "it has settled"
    assert state.tag is not None, "stopped nodes run again"
    assert state.settled_at is not None, "it has settled"
    return NodeTaken(
        at=old.ended_at or state.settled_at,
        node=node.id,
        from_run=state.taken_from or old.ref.key,
        attempt=state.attempt,
        work=state.work or node.work,
        outcome=state.outcome,
        tag=state.tag,
        good=state.good,
        outputs=state.outputs,
        output_bytes=state.output_bytes,
        entered_at=state.entered_at,
        started_at=state.started_at,
        ended_at=state.settled_at,
        sources=state.sources,
        inherits=state.inherits,
        by=state.by,
        tags=state.tags,
        items=state.items.values if state.items else (),
        items_taken=tuple(_item_taken(old, one) for one in state.parts()[1:]),
    )


def _items_taken(
    old: Run, flow: Flow, alone: Collection[NodeId], parents: Collection[NodeId]
) -> Iterator[ItemsTaken]:
    """The good items of each node that runs again, unless a node before it does; also those that
    the earlier run was to take over itself, and never entered.

    `parents`: nodes whose children start again; they keep their list also without a good item.
    """
    for taken in old.items_taken:
        never_entered = taken.node in alone and taken.node not in old.nodes
        if never_entered and flow.by_id[taken.node].foreach is not None:
            yield taken
    for id, state in old.nodes.items():
        good = [_item_taken(old, one) for one in state.parts()[1:] if one.good]
        is_same = id in alone and flow.by_id[id].foreach is not None
        if (good or id in parents) and is_same and state.items is not None:
            yield ItemsTaken(
                at=state.entered_at, node=id, values=state.items.values, taken=tuple(good)
            )


def _item_taken(old: Run, state: NodeState) -> ItemTaken:
    assert state.outcome is not None, "it has settled"
    assert state.settled_at is not None, "it has settled"
    return ItemTaken(
        item=state.item,
        from_run=state.taken_from or old.ref.key,
        attempt=state.attempt,
        outcome=state.outcome,
        outputs=state.outputs,
        output_bytes=state.output_bytes,
        entered_at=state.entered_at,
        started_at=state.started_at,
        ended_at=state.settled_at,
    )
