"""Which nodes a tag wakes, and whose outputs they see.

`heard` is an edge: the tag arrived after the node last woke. Standing is a level: the tag is true
now. A node enters once, and again after each reset. There is no other join.
"""

from collections.abc import Iterable

from floe.model.flow import Flow, Node
from floe.model.ids import NodeId
from floe.model.run import Run
from floe.model.tags import Tag, emitter_of


def woken_by(run: Run, flow: Flow, tag: Tag) -> tuple[Node, ...]:
    """The nodes that match a tag which has just arrived, and so enter, in document order."""
    hearers = flow.hearers.get(tag, ())
    return tuple(n for n in hearers if may_enter(run, n) and is_ready(run, n))


def may_enter(run: Run, node: Node) -> bool:
    """Whether tags may match a node: it has not entered, or not since it was reset."""
    state = run.nodes.get(node.id)
    return state is None or state.phase == "again"


def is_ready(run: Run, node: Node) -> bool:
    """Whether all clauses of a node match, and a tag that it listens to has arrived, if any."""
    if node.heard and not _heard(run, node):
        return False
    # Plain loops, since a merge of 200 calls this at each of its 200 arrivals. From the last clause
    # on: nodes settle mostly in the order of the document, so it is the last to stand.
    for clause in reversed(node.needs):  # noqa: SIM110
        if not _stands(clause, run):
            return False
    return True


def arrived(run: Run, node: Node) -> tuple[Tag, ...]:
    """The tags that match a node: new ones that it listens to, standing ones of its clauses."""
    standing = run.standing
    heard = sorted(_heard(run, node), key=standing.__getitem__)
    return (*heard, *[t for clause in node.needs for t in clause if t in standing])


def clauses_of(node: Node) -> tuple[tuple[Tag, ...], ...]:
    """What has to match: the `listen` of a node and its clauses, without excused tags."""
    heard = (tuple(sorted(node.heard)),) if node.heard else ()
    return (*heard, *(without_excused(node, clause) for clause in node.needs))


def missing(run: Run, node: Node) -> tuple[tuple[Tag, ...], ...]:
    """The clauses of a node that do not match yet, its `listen` first; one tag satisfies each."""
    heard = (tuple(sorted(node.heard)),) if node.heard and not _heard(run, node) else ()
    return (*heard, *(without_excused(node, c) for c in node.needs if not _stands(c, run)))


def sources_of(tags: Iterable[Tag]) -> tuple[NodeId, ...]:
    """The sources of a node that these matching tags wake, nearest last, on top of the
    trigger's values."""
    emitters = map(emitter_of, tags)
    return tuple(dict.fromkeys([node for node in emitters if node is not None]))


def without_excused(node: Node, clause: tuple[Tag, ...]) -> tuple[Tag, ...]:
    """A clause to match as its flow has it: an excused tag is behind the only written one."""
    return clause[:1] if len(clause) == 2 and clause[1] in node.excused else clause


def _heard(run: Run, node: Node) -> list[Tag]:
    """The tags it listens to that arrived after it last woke."""
    state = run.nodes.get(node.id)
    woke = 0 if state is None else state.woke
    return [t for t in node.heard if run.standing.get(t, 0) > woke]


def _stands(clause: tuple[Tag, ...], run: Run) -> bool:
    for tag in clause:  # noqa: SIM110
        if tag in run.standing:
            return True
    return False
