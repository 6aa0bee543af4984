"""The runs above and below a run as JSON."""

from collections.abc import Callable

from floe.model.ids import NO_ITEM, Key, RunRef, Shape
from floe.model.run import Run
from floe.model.summary import Summary

Named = Callable[[RunRef], str]


def parent_shape(row: Summary, named: Named) -> Shape | None:
    """The parent of a child run: the attempt that it belongs to; None for other runs."""
    if not row.parent:
        return None
    key = Key.parse(row.parent)
    item = None if key.item == NO_ITEM else key.item
    return {"run": named(key.run), "node": key.node, "item": item, "waits": row.awaited}


def children_shape(run: Run, named: Named) -> list[Shape]:
    """The child runs of a run, oldest first."""
    found = [
        (RunRef.parse(child), node, None if state.item == NO_ITEM else state.item)
        for node in run.nodes
        for visit in run.visits(node)
        for state in visit.parts()
        for child in dict.fromkeys([*(one.child for one in state.attempts), state.child])
        if child
    ]
    found.sort(key=lambda child: child[0])
    return [{"run": named(ref), "node": node, "item": item} for ref, node, item in found]
