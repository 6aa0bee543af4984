"""The failed child runs of an earlier run that a re-run starts again.

Only the first attempt of a node or item starts one again; a retry starts a new child.
"""

from collections.abc import Collection, Iterator

from floe.model.children import SubFlow
from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, Key, NodeId
from floe.model.run import NodeState, Run
from floe.model.taken import ChildAgain


def children_again(old: Run, flow: Flow, alone: Collection[NodeId]) -> Iterator[ChildAgain]:
    """The last child of each failed attempt of some nodes, or of each of their failed items.

    What the earlier run was to start again, and never did, counts too.
    """
    for node in flow.nodes:
        work = node.work
        if node.id not in alone or not isinstance(work, SubFlow) or not work.wait or node.repeat:
            continue
        for item, state in _parts(old, node.id):
            run = _last_child(state) or old.children_again.get((node.id, item), "")
            if run and not (state and state.good):
                yield ChildAgain(node=node.id, item=item, run=run)


def child_again(run: Run, key: Key) -> str:
    """The key of the child that an attempt starts again; empty for a new child."""
    is_first = key.visit == 1 and key.attempt == 1
    return run.children_again.get((key.node, key.item), "") if is_first else ""


def _parts(old: Run, node: NodeId) -> Iterator[tuple[int, NodeState | None]]:
    state = old.nodes.get(node)
    if state is None or state.items is None:
        yield NO_ITEM, state
        return
    for item in range(len(state.items.values)):
        yield item, state.items.states.get(item)


def _last_child(state: NodeState | None) -> str:
    if state is None:
        return ""
    children = (state.child, *(one.child for one in reversed(state.attempts)))
    return next(filter(None, children), "")
