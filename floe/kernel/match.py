"""Which nodes a tag wakes, and whose outputs a waking node sees.

Heard is an edge: the tag arrived since the node last woke. Standing is a level: the tag is true
now. Nothing else joins anything.
"""

from floe.model.flow import Flow, Node
from floe.model.refs import NodeId
from floe.model.run import Run
from floe.model.tags import Tag, emitter_of


def woken_by(run: Run, flow: Flow, tag: Tag) -> tuple[Node, ...]:
    """The nodes that enter now that a tag has arrived, in document order.

    Each node enters at most once in a run.
    """
    hearers = flow.hearers.get(tag, ())
    return tuple(n for n in hearers if n.id not in run.nodes and is_ready(run, n))


def is_ready(run: Run, node: Node) -> bool:
    """Whether it has heard one of its tags, if it listens, and each of its clauses stands."""
    standing = run.standing
    if node.heard and node.heard.isdisjoint(standing):
        return False
    # Plain loops: a merge of 200 asks this at each of its 200 arrivals.
    for clause in node.needs:  # noqa: SIM110
        if not _stands(clause, run):
            return False
    return True


def arrived(run: Run, node: Node) -> tuple[Tag, ...]:
    """What a node heard and what of its clauses stands: by arrival, then in `wait` order."""
    standing = run.standing
    heard = sorted((t for t in node.heard if t in standing), key=standing.__getitem__)
    return (*heard, *(t for clause in node.needs for t in clause if t in standing))


def missing(run: Run, node: Node) -> tuple[tuple[Tag, ...], ...]:
    """The clauses that do not stand; of each, one tag would do. What it listens to is the first."""
    heard = (tuple(sorted(node.heard)),) if node.heard else ()
    return tuple(c for c in (*heard, *node.needs) if not _stands(c, run))


def sources_of(run: Run, node: Node) -> tuple[NodeId, ...]:
    """The nodes whose outputs a waking node sees, nearest last; the trigger is under all."""
    emitters = (emitter_of(tag) for tag in arrived(run, node))
    return tuple(dict.fromkeys(e for e in emitters if e is not None))


def _stands(clause: tuple[Tag, ...], run: Run) -> bool:
    for tag in clause:  # noqa: SIM110
        if tag in run.standing:
            return True
    return False
