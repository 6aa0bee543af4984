"""How a visit of a node begins, which may not be its first."""

from floe.kernel.shared import with_item
from floe.model.ids import NodeId
from floe.model.run import NodeState, Run


def visited(run: Run, node: NodeId, state: NodeState) -> dict[str, object]:
    """The changes of a run in which a visit of a node begins: its latest decides its position."""
    if node not in run.nodes:
        return {"nodes": with_item(run.nodes, node, state)}
    others = {other: old for other, old in run.nodes.items() if other != node}
    return {
        "nodes": with_item(others, node, state),
        "earlier": {**run.earlier, node: run.visits(node)},
    }
