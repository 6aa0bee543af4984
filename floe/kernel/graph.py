"""Static analysis of a flow: levels for the picture, edges, and flaws.

Done once when a flow is compiled; runs do not use it. Flaws name a node and a tag; the dialect
knows their positions and turns flaws into findings.
"""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final, Literal, assert_never

from floe.kernel.match import clauses_of
from floe.kernel.skipping import skippable
from floe.model.call import OutsideWork
from floe.model.children import SubFlow
from floe.model.flow import Flow, Node
from floe.model.ids import NodeId
from floe.model.loop import FlowLoop
from floe.model.nouns import dataclass
from floe.model.tags import SKIPPED, TRIGGER_GOOD, Tag, emitter_of, label_of, tag_of
from floe.model.work import Action, Ask, End, Join, Wait

STATUS_MAX: Final = 255

FlawKind = Literal[
    "nobody",
    "cycle",
    "back-edge",
    "exclusive",
    "idle",
    "unreachable",
    "asleep",
    "no-loop",
    "several",
    "nested",
]
"""nobody: no node issues the tag. cycle: nodes that wait for each other. back-edge: a cycle into a
node that enters once, since it has no `loop`. exclusive: a merge waits for two tags of one node,
which issues only one. idle: listens to nothing. unreachable: its tags never come. asleep: no node
listens to the trigger. no-loop: nothing leads back to a node with `loop`. several: a loop may issue
the tag several times, and its listener is outside. nested: different tags lead back to several
heads of one loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An edge of the graph: a tag from the node that issues it to a node that listens to it."""

    source: NodeId | None
    """None for the trigger."""
    target: NodeId
    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A flaw in the graph: it keeps a node from entering, or is probably a mistake."""

    kind: FlawKind
    node: NodeId | None
    """The node with the faulty `listen` or `wait`; None for the flow as a whole."""
    tag: Tag | None
    """The faulty tag, if there is one."""
    what: str
    hint: str = ""
    level: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The graph of a flow."""

    levels: Mapping[NodeId, int]
    """Column of each node: 1 after the trigger, else one more than the nodes before it."""
    edges: tuple[Edge, ...]
    unreachable: frozenset[NodeId]
    """Nodes that no run can enter."""
    flaws: tuple[Flaw, ...]
    """In document order of their nodes; flaws of the flow as a whole come first, and those of loops
    last."""


def graph_of(flow: Flow) -> Graph:
    """The graph of a flow with all its flaws. Never raises for a bad flow.

    A judged flow has no flaws: its dialect knows which states its nodes come to, and checks it.
    """
    edges = tuple(edges_of(flow))
    reached, _ = _reached(flow)
    levels, back = _levels(flow, edges, reached)
    unreachable = frozenset(n.id for n in flow.nodes) - reached
    if flow.states is not None:
        return Graph(levels=levels, edges=edges, unreachable=frozenset(), flaws=())
    flaws = [
        *_asleep(flow),
        *(flaw for node in flow.nodes for flaw in _flaws(flow, node, back, reached)),
        *_loop_flaws(flow),
    ]
    return Graph(levels=levels, edges=edges, unreachable=unreachable, flaws=tuple(flaws))


def labels_of(node: Node) -> tuple[str, ...]:
    """The labels of a node in the graph, with which its tags end. Statuses are `0` to `255`."""
    labels = _work_labels(node)
    return (*labels, "error") if node.loop and "error" not in labels else labels


def _work_labels(node: Node) -> tuple[str, ...]:
    if node.ignore_fail:
        return ("good",)
    if isinstance(node.work, Action):
        if node.use_status:
            statuses = (*map(str, range(STATUS_MAX + 1)), "error")
            return (*statuses, "bad") if node.repeat else statuses
        return ("good", "bad", "error")
    match node.work:
        case Join() | End():
            return ("good",)
        case Wait():
            return ("good", "error")
        case Ask() | SubFlow() | OutsideWork():
            return ("good", "bad", "error")
        case _:
            assert_never(node.work)


def is_issued(flow: Flow, tag: Tag) -> bool:
    """Whether a node of the graph, or the trigger, can issue a tag."""
    node = _emitter(flow, tag)
    if node is None:
        return tag == TRIGGER_GOOD
    if label_of(tag) == SKIPPED:
        return node.id in skippable(flow.nodes)
    return label_of(tag) in labels_of(node)


def edges_of(flow: Flow) -> Iterator[Edge]:
    """The edges of the graph in document order: tags between nodes, or from the trigger."""
    for node in flow.nodes:
        for tag in dict.fromkeys(t for clause in clauses_of(node) for t in clause):
            source = _emitter(flow, tag)
            if source is not None or tag == TRIGGER_GOOD:
                yield Edge(source=source.id if source else None, target=node.id, tag=tag)


def _emitter(flow: Flow, tag: Tag) -> Node | None:
    node = flow.by_id.get(emitter_of(tag) or NodeId(""))
    return node if node is not None and tag.startswith(f"{node.ref}.") else None


def _reached(flow: Flow, only: Tag | None = None) -> tuple[frozenset[NodeId], set[Tag]]:
    """Every node that some run could enter, found by following the tags from the trigger, and these
    tags. `only`: the one tag that its node issues."""
    reached: set[NodeId] = set()
    skipped = (flow.by_id[id] for id in skippable(flow.nodes))
    fresh = [TRIGGER_GOOD, *(tag_of(node.cls, node.id, SKIPPED) for node in skipped)]
    issued = {*fresh}
    for tag in fresh:  # grows by the tags of each node, once
        for node in flow.hearers.get(tag, ()):
            if node.id not in reached and all(not issued.isdisjoint(c) for c in clauses_of(node)):
                reached.add(node.id)
                tags = [Tag(f"{node.ref}.{label}") for label in labels_of(node)]
                if only in tags:
                    tags = [only]
                issued.update(tags)
                fresh.extend(tags)
    return frozenset(reached), issued


def _levels(
    flow: Flow, edges: Iterable[Edge], reached: frozenset[NodeId]
) -> tuple[dict[NodeId, int], dict[NodeId, tuple[NodeId, ...]]]:
    """Levels by the longest path from the trigger, and the edge removed from each cycle.

    A removed edge is given by its target, with the nodes of the cycle from there on, unless that is
    the head of a loop.
    """
    heads = [n.id for n in flow.nodes if n.loop and n.id in reached]
    before: dict[NodeId, set[NodeId]] = {n.id: set() for n in flow.nodes}
    for edge in edges:
        if edge.source is not None:
            before[edge.target].add(edge.source)
    back: dict[NodeId, tuple[NodeId, ...]] = {}
    while (cycle := _cycle(before)) is not None:  # each iteration removes one edge
        head = next((n for n in heads if n in cycle), None)
        first = head or next(
            (n for n in cycle if n in reached and _is_any(flow.by_id[n])), cycle[0]
        )
        at = cycle.index(first)
        cycle = (*cycle[at:], *cycle[:at])
        before[first].discard(cycle[-1])
        if head is None:
            back.setdefault(first, cycle)
    levels: dict[NodeId, int] = {}
    for node in TopologicalSorter(before).static_order():
        levels[node] = 1 + max((levels[b] for b in before[node]), default=0)
    return {n.id: levels[n.id] for n in flow.nodes}, back


def _cycle(before: Mapping[NodeId, Iterable[NodeId]]) -> tuple[NodeId, ...] | None:
    """A cycle in which each node listens to the one before it; None if there is none."""
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        return tuple(error.args[1][:-1])
    return None


def _is_any(node: Node) -> bool:
    return any(len(clause) > 1 for clause in clauses_of(node))


def _asleep(flow: Flow) -> Iterator[Flaw]:
    if flow.nodes and TRIGGER_GOOD not in flow.hearers:
        what = f"no task listens to {TRIGGER_GOOD}: a run of this flow would do nothing"
        hint = f"give the first task `listen: {TRIGGER_GOOD}`"
        yield Flaw(kind="asleep", node=None, tag=None, what=what, hint=hint)


def _flaws(
    flow: Flow,
    node: Node,
    back: Mapping[NodeId, tuple[NodeId, ...]],
    reached: frozenset[NodeId],
) -> Iterator[Flaw]:
    clauses = clauses_of(node)
    if not clauses:
        what = f"{node.ref} listens to nothing and can never run"
        yield Flaw(kind="idle", node=node.id, tag=None, what=what, hint="give it a `listen`")
        return
    nobody = [t for c in clauses for t in c if not is_issued(flow, t)]
    for tag in dict.fromkeys(nobody):
        what, hint = f"no node issues {tag}", _nearest(flow, tag)
        yield Flaw(kind="nobody", node=node.id, tag=tag, what=what, hint=hint)
    yield from _exclusive(node)
    if node.id in back:
        yield _cycle_flaw(flow, node, back[node.id], reached)
    elif node.id not in reached and not nobody and not _is_in_cycle(node, back):
        yield _unreachable(flow, node, reached)


def _is_in_cycle(node: Node, back: Mapping[NodeId, tuple[NodeId, ...]]) -> bool:
    """Whether the finding about a cycle, at a different node, names this one."""
    return any(node.id in cycle for cycle in back.values())


def _nearest(flow: Flow, tag: Tag) -> str:
    """A hint for a tag that no node issues."""
    node = _emitter(flow, tag)
    if node is not None:
        labels = labels_of(node)
        shown = labels if len(labels) <= 3 else ("0", "…", str(STATUS_MAX), "error")
        return f"{node.ref} issues {', '.join(f'{node.ref}.{label}' for label in shown)}"
    from difflib import get_close_matches  # needed for errors only

    known = [TRIGGER_GOOD, *(f"{n.ref}.good" for n in flow.nodes)]
    close = get_close_matches(tag, known, n=1)
    return f"did you mean {close[0]}?" if close else ""


def _exclusive(node: Node) -> Iterator[Flaw]:
    alone: dict[NodeId | None, Tag] = {}
    for tag in (clause[0] for clause in clauses_of(node) if len(clause) == 1):
        other = alone.setdefault(emitter_of(tag), tag)
        if other != tag:
            what = f"{node.ref} waits for both {other} and {tag}: one node never issues both"
            hint = "use a merge of type any"
            yield Flaw(kind="exclusive", node=node.id, tag=tag, what=what, hint=hint)


def _cycle_flaw(
    flow: Flow, node: Node, cycle: tuple[NodeId, ...], reached: frozenset[NodeId]
) -> Flaw:
    way = " → ".join(flow.by_id[n].ref for n in (*cycle, cycle[0]))
    last = flow.by_id[cycle[-1]]
    tag = next(t for c in clauses_of(node) for t in c if _emitter(flow, t) is last)
    if node.id in reached:
        what = f"{tag} leads back to {node.ref}, which enters only once: {way}"
        hint = f"give {node.ref} `loop: {{max: 3}}`"
        return Flaw(kind="back-edge", node=node.id, tag=tag, what=what, hint=hint)
    what = f"{tag} never comes, because these nodes wait for each other: {way}"
    hint = "let one of them listen to an earlier event"
    return Flaw(kind="cycle", node=node.id, tag=tag, what=what, hint=hint)


def _loop_flaws(flow: Flow) -> Iterator[Flaw]:
    """Heads to which nothing leads back, and listeners outside that enter at the first round."""
    in_loops = {id for loop in flow.loops for id in loop.nodes}
    for node in flow.nodes:
        if node.loop and node.id not in in_loops:
            what = f"no node behind {node.ref} leads back to it, so its `loop` does nothing"
            hint = "let it listen to an event of a node behind it, or remove `loop`"
            yield Flaw(kind="no-loop", node=node.id, tag=None, what=what, hint=hint)
    for loop in flow.loops:
        if len({*loop.back.values()}) > 1:
            yield _nested(flow, loop)
        back = frozenset[Tag]().union(*loop.back.values())
        issued = [t for t in flow.hearers if emitter_of(t) in loop.nodes and is_issued(flow, t)]
        for tag in issued:
            outside = [n for n in flow.hearers[tag] if n.id not in loop.nodes and not _ends(n)]
            if outside and not back.isdisjoint(_reached(flow, tag)[1]):
                for node in outside:
                    what = f"a loop may issue {tag} several times, but {node.ref} enters only once"
                    hint = "it sees the first round; let a node of the loop do its work"
                    yield Flaw(
                        kind="several", node=node.id, tag=tag, what=what, hint=hint, level="warning"
                    )


def _nested(flow: Flow, loop: FlowLoop) -> Flaw:
    heads = [id for id in loop.nodes if id in loop.back]
    names = " and ".join(flow.by_id[head].ref for head in heads)
    return Flaw(
        kind="nested",
        node=heads[0],
        tag=None,
        what=f"the loops of {names} share nodes, so they are one loop: each round runs all its"
        " nodes again, and `max` counts visits in the whole run",
        hint="use `repeat` or `retry` for the inner loop, or a task of type `flow`",
        level="warning",
    )


def _ends(node: Node) -> bool:
    return isinstance(node.work, End)


def _unreachable(flow: Flow, node: Node, reached: frozenset[NodeId]) -> Flaw:
    clause = next(c for c in clauses_of(node) if not any(_comes(flow, t, reached) for t in c))
    before = flow.by_id[emitter_of(clause[0]) or NodeId("")]
    end = isinstance(node.work, End)
    return Flaw(
        kind="unreachable",
        node=node.id,
        tag=clause[0],
        what=f"{'the end ' if end else ''}{node.ref} can never be reached: {before.ref} never runs",
        level="error" if end else "warning",
    )


def _comes(flow: Flow, tag: Tag, reached: frozenset[NodeId]) -> bool:
    source = _emitter(flow, tag)
    return tag == TRIGGER_GOOD if source is None else source.id in reached
