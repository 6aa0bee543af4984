"""What can be told of a flow before it runs: levels for the picture, edges, and flaws.

Derived once when a flow is compiled and never consulted to run. Flaws name node and tag; the
dialect, which knows where each was written, turns them into findings.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import Final, Literal, assert_never

from floe.model.flow import Action, Ask, End, Flow, Join, Node, Wait
from floe.model.refs import NodeId
from floe.model.tags import TRIGGER_GOOD, Tag, emitter_of, label_of

STATUS_MAX: Final = 255

FlawKind = Literal["nobody", "cycle", "back-edge", "exclusive", "idle", "unreachable", "asleep"]
"""nobody: no node issues the tag. cycle: can never be heard. back-edge: a cycle into an any-merge,
which it cannot wake twice. exclusive: a merge waits for two tags of which one node issues one.
idle: listens to nothing. unreachable: what it waits for never comes. asleep: nothing hears the
trigger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A tag from who issues it to who hears it."""

    source: NodeId | None
    """None for the trigger."""
    target: NodeId
    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something that keeps a node from entering, or is probably not meant."""

    kind: FlawKind
    node: NodeId | None
    """Whose `listen` or `wait` it is; None for the flow as a whole."""
    tag: Tag | None
    """The tag there that is meant, where one is."""
    what: str
    hint: str = ""
    level: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A flow's shape."""

    levels: Mapping[NodeId, int]
    """Column of each node: 1 hears the trigger, every other one more than all before it."""
    edges: tuple[Edge, ...]
    unreachable: frozenset[NodeId]
    """Nodes that no run can enter."""
    flaws: tuple[Flaw, ...]
    """In document order of their nodes; those of the flow as a whole first."""


def graph_of(flow: Flow) -> Graph:
    """The shape of a flow, and all that is wrong with it. Total: bad flows are flaws."""
    edges = tuple(_edges(flow))
    reached = _reached(flow)
    levels, back = _levels(flow, edges, reached)
    flaws = [
        *_asleep(flow),
        *(flaw for node in flow.nodes for flaw in _flaws(flow, node, back, reached)),
    ]
    unreachable = frozenset(n.id for n in flow.nodes) - reached
    return Graph(levels=levels, edges=edges, unreachable=unreachable, flaws=tuple(flaws))


def labels_of(node: Node) -> tuple[str, ...]:
    """How a node can end: the last parts of its tags. Statuses are `0` to `255`."""
    if node.ignore_fail:
        return ("good",)
    if isinstance(node.work, Action):
        if node.use_status:
            return (*map(str, range(STATUS_MAX + 1)), "error")
        return ("good", "bad", "error")
    match node.work:
        case Join() | End():
            return ("good",)
        case Wait():
            return ("good", "error")
        case Ask():
            return ("good", "bad", "error")
        case _:
            assert_never(node.work)


def is_issued(flow: Flow, tag: Tag) -> bool:
    """Whether some node of the flow, or its trigger, can issue a tag."""
    node = _emitter(flow, tag)
    return tag == TRIGGER_GOOD if node is None else label_of(tag) in labels_of(node)


def _emitter(flow: Flow, tag: Tag) -> Node | None:
    node = flow.by_id.get(emitter_of(tag) or NodeId(""))
    return node if node is not None and tag.startswith(f"{node.ref}.") else None


def _clauses(node: Node) -> tuple[tuple[Tag, ...], ...]:
    heard = (tuple(sorted(node.heard)),) if node.heard else ()
    return (*heard, *node.needs)


def _edges(flow: Flow) -> Iterator[Edge]:
    for node in flow.nodes:
        for tag in dict.fromkeys(t for clause in _clauses(node) for t in clause):
            source = _emitter(flow, tag)
            if source is not None or tag == TRIGGER_GOOD:
                yield Edge(source=source.id if source else None, target=node.id, tag=tag)


def _reached(flow: Flow) -> frozenset[NodeId]:
    """Every node that some run could enter, taken one by one as their clauses can stand."""
    reached: set[NodeId] = set()
    fresh = [TRIGGER_GOOD]
    issued = {TRIGGER_GOOD}
    for tag in fresh:  # grows by the tags of each node once
        for node in flow.hearers.get(tag, ()):
            if node.id not in reached and all(not issued.isdisjoint(c) for c in _clauses(node)):
                reached.add(node.id)
                tags = [Tag(f"{node.ref}.{label}") for label in labels_of(node)]
                issued.update(tags)
                fresh.extend(tags)
    return frozenset(reached)


def _levels(
    flow: Flow, edges: Iterable[Edge], reached: frozenset[NodeId]
) -> tuple[dict[NodeId, int], dict[NodeId, tuple[NodeId, ...]]]:
    """Levels by the longest way from the trigger, and for each cycle the edge left out of it.

    That edge is told by the node it leads to, with the nodes of the cycle from there on.
    """
    before: dict[NodeId, set[NodeId]] = {n.id: set() for n in flow.nodes}
    for edge in edges:
        if edge.source is not None:
            before[edge.target].add(edge.source)
    back: dict[NodeId, tuple[NodeId, ...]] = {}
    while (cycle := _cycle(before)) is not None:  # each turn takes one edge away
        at = next((i for i, n in enumerate(cycle) if n in reached and _is_any(flow.by_id[n])), 0)
        cycle = (*cycle[at:], *cycle[:at])
        before[cycle[0]].discard(cycle[-1])
        back.setdefault(cycle[0], cycle)
    levels: dict[NodeId, int] = {}
    for node in TopologicalSorter(before).static_order():
        levels[node] = 1 + max((levels[b] for b in before[node]), default=0)
    return {n.id: levels[n.id] for n in flow.nodes}, back


def _cycle(before: Mapping[NodeId, Iterable[NodeId]]) -> tuple[NodeId, ...] | None:
    """Some cycle, each node heard by the next and the last by the first; None if there is none."""
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        return tuple(error.args[1][:-1])
    return None


def _is_any(node: Node) -> bool:
    return any(len(clause) > 1 for clause in _clauses(node))


def _asleep(flow: Flow) -> Iterator[Flaw]:
    if flow.nodes and TRIGGER_GOOD not in flow.hearers:
        what = f"nothing listens to {TRIGGER_GOOD}: a run of this flow would do nothing"
        hint = f"give the first task `listen: {TRIGGER_GOOD}`"
        yield Flaw(kind="asleep", node=None, tag=None, what=what, hint=hint)


def _flaws(
    flow: Flow,
    node: Node,
    back: Mapping[NodeId, tuple[NodeId, ...]],
    reached: frozenset[NodeId],
) -> Iterator[Flaw]:
    clauses = _clauses(node)
    if not clauses:
        what = f"{node.ref} listens to nothing and can never run"
        yield Flaw(kind="idle", node=node.id, tag=None, what=what, hint="give it a `listen`")
        return
    nobody = [t for c in clauses for t in c if not is_issued(flow, t)]
    for tag in dict.fromkeys(nobody):
        what, hint = f"nobody issues {tag}", _nearest(flow, tag)
        yield Flaw(kind="nobody", node=node.id, tag=tag, what=what, hint=hint)
    yield from _exclusive(node)
    if node.id in back:
        yield _cyclic(flow, node, back[node.id], reached)
    elif node.id not in reached and not nobody and not _is_told(node, back):
        yield _unreachable(flow, node, reached)


def _is_told(node: Node, back: Mapping[NodeId, tuple[NodeId, ...]]) -> bool:
    """Whether a cycle that is told of another node names this one."""
    return any(node.id in cycle for cycle in back.values())


def _nearest(flow: Flow, tag: Tag) -> str:
    """What to write instead of a tag that nobody issues."""
    node = _emitter(flow, tag)
    if node is not None:
        labels = labels_of(node)
        shown = labels if len(labels) <= 3 else ("0", "…", str(STATUS_MAX), "error")
        return f"{node.ref} issues {', '.join(f'{node.ref}.{label}' for label in shown)}"
    known = [TRIGGER_GOOD, *(f"{n.ref}.good" for n in flow.nodes)]
    close = get_close_matches(tag, known, n=1)
    return f"did you mean {close[0]}?" if close else ""


def _exclusive(node: Node) -> Iterator[Flaw]:
    alone: dict[NodeId | None, Tag] = {}
    for tag in (clause[0] for clause in node.needs if len(clause) == 1):
        other = alone.setdefault(emitter_of(tag), tag)
        if other != tag:
            what = f"{node.ref} waits for both {other} and {tag}: one node never issues both"
            hint = "use a merge of type any"
            yield Flaw(kind="exclusive", node=node.id, tag=tag, what=what, hint=hint)


def _cyclic(flow: Flow, node: Node, cycle: tuple[NodeId, ...], reached: frozenset[NodeId]) -> Flaw:
    way = " → ".join(flow.by_id[n].ref for n in (*cycle, cycle[0]))
    last = flow.by_id[cycle[-1]]
    tag = next(t for c in _clauses(node) for t in c if _emitter(flow, t) is last)
    if node.id in reached:
        what = f"{tag} comes back to {node.ref} and cannot wake it twice: {way}"
        return Flaw(kind="back-edge", node=node.id, tag=tag, what=what, level="warning")
    what = f"{tag} can never be heard, each waits for the other: {way}"
    hint = "let one of them listen to what comes before"
    return Flaw(kind="cycle", node=node.id, tag=tag, what=what, hint=hint)


def _unreachable(flow: Flow, node: Node, reached: frozenset[NodeId]) -> Flaw:
    clause = next(c for c in _clauses(node) if not any(_comes(flow, t, reached) for t in c))
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
