"""The runs above and below a run as JSON."""

from collections.abc import Callable

from floe.model.children import Parent
from floe.model.ids import Key, RunRef, Shape
from floe.model.run import Run

Named = Callable[[RunRef], str]


def parent_shape(parent: Parent | None, named: Named) -> Shape | None:
    """The attempt that a run belongs to; None for a run that is no child."""
    if parent is None:
        return None
    key = Key.parse(parent.key)
    return {"run": named(key.run), "node": key.node, "item": item_of(key), "waits": parent.waits}


def children_shape(run: Run, named: Named) -> list[Shape]:
    """The child runs of a run, oldest first."""
    found = [
        (RunRef.parse(child), node)
        for node in run.nodes
        for visit in run.visits(node)
        for child in dict.fromkeys([*(one.child for one in visit.attempts), visit.child])
        if child
    ]
    return [{"run": named(ref), "node": node, "item": None} for ref, node in sorted(found)]


def item_of(key: Key) -> int | None:
    """The item of an attempt; None for a node without items."""
    return None if key.item < 0 else key.item
